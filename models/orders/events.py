"""What others are told of orders."""

from typing import TYPE_CHECKING

from models.events import Event
from models.orders.lines import lines_to_json
from models.values.money import to_number

if TYPE_CHECKING:
    from decimal import Decimal

    from models.orders.order import Order


def created_events(order: "Order") -> tuple[Event, ...]:
    """Returns what follows from a new order: it exists, its basket is cleared, its checkout is done."""
    basket = {"basketId": order.basket_id, "userId": order.user_id, "setUsage": True}
    checkout = {"checkout": {"_id": order.checkout_id, "isActive": False}}
    return (
        Event("orderService-orderCreated", order.id, {"products": lines_to_json(order.products)}),
        Event("orderService-basketClear", order.id, basket),
        Event("orderService-orderCreated-checkoutActive", order.id, checkout),
    )


def refunded_events(order: "Order") -> tuple[Event, ...]:
    """Returns what follows from the refund of a whole order: it is paid back, its units return."""
    total = {"refunded": True, "totalPrice": to_number(order.total_price), "paymentId": order.payment_id}
    return (
        Event("orderService-orderRefunded", order.id, total),
        Event("orderService-productsRefundedIncreaseQuantity", order.id, {"products": lines_to_json(order.products)}),
    )


def product_refunded_events(order: "Order", product_id: str, quantity: int, price: "Decimal") -> tuple[Event, ...]:
    """Returns what follows from the refund of units of a product, for which `price` was paid in all."""
    paid = {
        "productId": product_id,
        "price": to_number(price),
        "cardNumber": int(order.card_last4),
        "paymentId": order.payment_id,
    }
    returned = {"productId": product_id, "refundedQuantity": quantity}
    return (
        Event("orderService-productFromOrderRefunded", order.id, paid),
        Event("orderService-productRefundedIncreaseQuantity", order.id, returned),
    )
