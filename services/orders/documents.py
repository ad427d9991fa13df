"""How an order stands in MongoDB, and what its events tell. The field names are those of the order document.

The card's last four digits stand as text in `cardLast4`; `cardNumber` is a field of orders of the original system only.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bson import Decimal128, ObjectId

from models.events import Event
from models.instants import iso
from models.money import to_number
from models.order import Order, ProductRefund
from models.order_lines import OrderLine, with_earlier_refunds
from services.kit.stored_form import FORM


def order_from_document(document: Mapping[str, Any]) -> Order:
    lines, refunded = tuple(_line_from_document(line) for line in document["products"]), bool(document["refunded"])
    total = _money(document["totalPrice"])
    if not all("refundedAmount" in line for line in document["products"]):
        lines, refunded = with_earlier_refunds(lines, total, refunded)
    return Order(
        id=str(document["_id"]),
        user_id=document["userId"],
        checkout_id=document["checkoutId"],
        basket_id=document["basketId"],
        payment_id=document["paymentId"],
        products=lines,
        address=document["address"],
        is_gift=document["isGift"],
        status=document["status"],
        total_price=total,
        refunded=refunded,
        card_last4=document["cardLast4"],
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
    )


def order_to_document(order: Order, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole document. `before` is the one it replaces, of which it keeps the number among copies."""
    document = {
        "_id": ObjectId(order.id),
        "userId": order.user_id,
        "checkoutId": order.checkout_id,
        "basketId": order.basket_id,
        "paymentId": order.payment_id,
        "products": [_line_to_document(line) for line in order.products],
        "address": order.address,
        "isGift": order.is_gift,
        "status": order.status,
        "totalPrice": Decimal128(order.total_price),
        "refunded": order.refunded,
        "cardLast4": order.card_last4,
        "createdAt": order.created_at,
        "updatedAt": order.updated_at,
        "form": FORM,
    }
    if before is not None and "copy" in before:
        document["copy"] = before["copy"]
    return document


def order_to_json(order: Order) -> dict[str, Any]:
    """An order as the order document shows it: money and the card's last four digits as numbers."""
    return {
        "_id": order.id,
        "userId": order.user_id,
        "checkoutId": order.checkout_id,
        "basketId": order.basket_id,
        "paymentId": order.payment_id,
        "products": lines_to_json(order.products),
        "address": order.address,
        "isGift": order.is_gift,
        "status": order.status,
        "totalPrice": to_number(order.total_price),
        "refunded": order.refunded,
        "cardNumber": int(order.card_last4),
        "createdAt": iso(order.created_at),
        "updatedAt": iso(order.updated_at),
    }


def lines_to_json(lines: Sequence[OrderLine]) -> list[dict[str, Any]]:
    return [
        {
            "productId": line.product_id,
            "quantity": line.quantity,
            "price": to_number(line.price),
            "isRefunded": line.is_refunded,
            "refundedQuantity": line.refunded_quantity,
            "sellerId": line.seller_id,
        }
        for line in lines
    ]


def created_events(order: Order) -> list[Event]:
    """What follows from a new order: it exists, its basket is cleared, its checkout is done."""
    return [
        Event("orderService-orderCreated", order.id, {"products": lines_to_json(order.products)}),
        Event(
            "orderService-basketClear",
            order.id,
            {"basketId": order.basket_id, "userId": order.user_id, "setUsage": True},
        ),
        Event(
            "orderService-orderCreated-checkoutActive",
            order.id,
            {"checkout": {"_id": order.checkout_id, "isActive": False}},
        ),
    ]


def refunded_events(order: Order) -> list[Event]:
    total = {"refunded": True, "totalPrice": to_number(order.total_price), "paymentId": order.payment_id}
    return [
        Event("orderService-orderRefunded", order.id, total),
        Event("orderService-productsRefundedIncreaseQuantity", order.id, {"products": lines_to_json(order.products)}),
    ]


def product_refunded_events(refund: ProductRefund) -> list[Event]:
    order = refund.order
    paid = {
        "productId": refund.product_id,
        "price": to_number(refund.price),
        "cardNumber": int(order.card_last4),
        "paymentId": order.payment_id,
    }
    returned = {"productId": refund.product_id, "refundedQuantity": refund.quantity}
    return [
        Event("orderService-productFromOrderRefunded", order.id, paid),
        Event("orderService-productRefundedIncreaseQuantity", order.id, returned),
    ]


def _line_from_document(line: Mapping[str, Any]) -> OrderLine:
    return OrderLine(
        product_id=line["productId"],
        quantity=line["quantity"],
        price=_money(line["price"]),
        refunded_quantity=line["refundedQuantity"],
        seller_id=line["sellerId"],
        refunded_amount=_money(line["refundedAmount"]) if "refundedAmount" in line else Decimal("0.00"),
    )


def _line_to_document(line: OrderLine) -> dict[str, Any]:
    return {
        "productId": line.product_id,
        "quantity": line.quantity,
        "price": Decimal128(line.price),
        "isRefunded": line.is_refunded,
        "refundedQuantity": line.refunded_quantity,
        "refundedAmount": Decimal128(line.refunded_amount),
        "sellerId": line.seller_id,
    }


def _money(stored: Decimal128) -> Decimal:
    return stored.to_decimal()
