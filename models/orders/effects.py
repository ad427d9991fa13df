"""What commands on orders bring about: pure effects, each with what others are told of it."""

from dataclasses import dataclass, replace
from datetime import datetime

from models.events import Event
from models.orders.commands import Asked, OrderChange, ProductUnits, RefundOrder
from models.orders.events import created_events, product_refunded_events, refunded_events
from models.orders.lines import OrderLine, is_every_unit_refunded, refund_units
from models.orders.order import (
    NotEnoughQuantity,
    Order,
    OrderAlreadyRefunded,
    OrderNotFound,
    OrderPartlyRefunded,
    OrderStatus,
    ProductAlreadyRefunded,
    ProductNotFound,
    QuantityNotPositive,
)
from models.orders.refunds import Refund, refund_of_rest, refunds_beyond, sums_of
from models.orders.updates import update_order
from models.payment import Payment
from models.sent import RefusedCommand


@dataclass(frozen=True, slots=True)
class Changed:
    """An order as a command leaves it, what others are told of that, and what of it the ledger of refunds is."""

    order: Order
    events: tuple[Event, ...] = ()
    refunds: tuple[Refund, ...] = ()


def place_order(payment: Payment, *, identifier: str, at: datetime) -> Changed:
    """Returns the order of an accepted payment: pending, and nothing of it refunded."""
    order = Order(
        id=identifier,
        user_id=payment.user_id,
        checkout_id=payment.checkout_id,
        basket_id=payment.basket_id,
        payment_id=payment.id,
        products=tuple(OrderLine(p.product_id, p.quantity, p.price, seller_id=p.seller_id) for p in payment.products),
        address=payment.address,
        is_gift=payment.is_gift,
        status=OrderStatus.PENDING.value,
        total_price=payment.total_price,
        refunded=False,
        card_last4=payment.card_last4,
        created_at=at,
        updated_at=at,
    )
    return Changed(order, created_events(order))


def change_order(order: Order | None, asked: Asked, *, at: datetime) -> Changed:
    """Returns what is asked for of an order, None where there is none.

    Raises 403 where the order is another's, then the 400 that what was sent has earned, then 404, then what the rules
    of the change refuse.
    """
    if order is not None:
        asked.caller.require_self(order.user_id, asked.change.role)
    sent = None if isinstance(asked.change, RefundOrder) else asked.change.sent
    if isinstance(sent, RefusedCommand):
        raise sent.refusal
    if order is None:
        raise OrderNotFound()
    match sent:
        case OrderChange():
            changed = Changed(update_order(order, sent, asked.caller, at=at))
        case ProductUnits():
            changed = refund_product(order, sent, at=at)
        case None:
            changed = refund_order(order, at=at)
    by, after = asked.caller.name, changed.order
    refunds = refunds_beyond(after, sums_of(order.products), by=by, at=after.updated_at)
    rest = refund_of_rest(after, by=by, at=after.updated_at) if sent is None else []
    return replace(changed, refunds=(*refunds, *rest))


def refund_order(order: Order, *, at: datetime) -> Changed:
    """Refunds the whole order."""
    if order.refunded:
        raise OrderAlreadyRefunded()
    if order.has_refunds:
        raise OrderPartlyRefunded()
    lines, _ = refund_units(order.products, order.total_price, [line.quantity for line in order.products])
    order = replace(order, products=lines, refunded=True, updated_at=at)
    return Changed(order, refunded_events(order))


def refund_product(order: Order, wanted: ProductUnits, *, at: datetime) -> Changed:
    """Refunds some units of a product; with the last unit of all the order is refunded.

    Where several lines hold the product, the units are taken from them in their order.
    """
    if order.refunded:
        raise OrderAlreadyRefunded()
    lines = [line for line in order.products if line.product_id == wanted.product_id]
    if not lines:
        raise ProductNotFound()
    if not any(line.remaining for line in lines):
        raise ProductAlreadyRefunded()
    if wanted.quantity <= 0:
        raise QuantityNotPositive.of("quantity", "Quantity must be more than zero!")
    if wanted.quantity > (remaining := sum(line.remaining for line in lines)):
        raise NotEnoughQuantity(remaining)
    left, units = wanted.quantity, []
    for line in order.products:
        units.append(min(left, line.remaining) if line.product_id == wanted.product_id else 0)
        left -= units[-1]
    after, price = refund_units(order.products, order.total_price, units)
    refunded = is_every_unit_refunded(after, order.refunded)
    order = replace(order, products=after, refunded=refunded, updated_at=at)
    return Changed(order, product_refunded_events(order, wanted.product_id, wanted.quantity, price))
