"""The pure rules of changing an order: who may change what, and what has to stay once units are refunded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from models.errors import FieldError, Forbidden, InvalidInput
from models.orders.commands import ChangedLine, OrderChange
from models.orders.lines import OrderLine, is_every_unit_refunded, refund_units
from models.orders.order import Order, OrderNotPending, OrderStatus
from models.principal import Principal, Role

_IDS = {"id": "_id", "user_id": "userId", "checkout_id": "checkoutId", "basket_id": "basketId"} | {
    "payment_id": "paymentId"
}
_FOR_USERS = ("address", "is_gift")
_FOR_ADMINS = ("status", "products", "total_price", "refunded", "card_last4")
_AS_SOLD = {"product_id": "productId", "quantity": "quantity", "price": "price"}


class ContradictsRefunds(InvalidInput):
    """400: the change would make an order and its refunds disagree; tells how they stand."""

    def __init__(self, faults: Sequence[FieldError], order: Order) -> None:
        self.refunded = order.refunded
        self.products = [
            {"productId": line.product_id, "quantity": line.quantity, "refundedQuantity": line.refunded_quantity}
            for line in order.products
        ]
        super().__init__(faults, faults[0].message)

    @property
    def data(self) -> dict[str, object]:
        return super().data | {"refunded": self.refunded, "products": self.products}


def update_order(order: Order, change: OrderChange, caller: Principal, *, at: datetime) -> Order:
    """Returns the order as its owner or an admin changes it.

    A user may change `address` and `isGift` while the order is pending (403 `ORDER_NOT_PENDING` afterwards), an admin
    any field but the ids. Raises `InvalidInput` for a change of ids, for lines that contradict themselves, and for what
    would make the order and its refunds disagree.
    """
    is_admin = caller.has_role(Role.ADMIN)
    if not is_admin and any(getattr(change, name) is not None for name in _FOR_ADMINS):
        raise Forbidden("Only an admin may change more of an order than address and isGift")
    given = {name: getattr(change, name) for name in (*_FOR_USERS, *_FOR_ADMINS) if getattr(change, name) is not None}
    faults = [
        FieldError(shown, f"{shown} cannot be changed")
        for name, shown in _IDS.items()
        if getattr(change, name) not in (None, getattr(order, name))
    ]
    if not given and not faults:
        faults.append(FieldError("", "There is nothing to change"))
    if faults:
        raise InvalidInput(faults + _refund_faults(order, change), faults[0].message)
    if faults := _refund_faults(order, change):
        raise ContradictsRefunds(faults, order)
    if not is_admin and order.status != OrderStatus.PENDING:
        raise OrderNotPending()
    if change.products is not None:
        given["products"] = _lines_after(order, change.products, given.get("total_price", order.total_price))
    given["refunded"] = is_every_unit_refunded(given.get("products", order.products), order.refunded)
    return replace(order, **given, updated_at=at)


def _refund_faults(order: Order, change: OrderChange) -> list[FieldError]:
    """What of the change would contradict the refunds that were made, or itself."""
    faults = []
    if order.has_refunds and change.total_price not in (None, order.total_price):
        faults.append(FieldError("totalPrice", "totalPrice cannot be changed once units are refunded"))
    whole = order.refunded
    if change.products is not None:
        if order.has_refunds and len(change.products) != len(order.products):
            return [
                *faults,
                FieldError("products", "products can be neither added nor left out once units are refunded"),
            ]
        lines = _with_sold(order, change.products)
        for place, (line, sold) in enumerate(lines):
            faults += _line_faults(f"products.{place}", line, sold)
        whole = all(_refunded_quantity(line, sold) == line.quantity for line, sold in lines)
    if not faults and change.refunded not in (None, whole):
        faults.append(FieldError("refunded", "refunded must say whether every unit of every product is refunded"))
    return faults


def _line_faults(path: str, line: ChangedLine, sold: OrderLine | None) -> list[FieldError]:
    faults, refunded = [], _refunded_quantity(line, sold)
    for name, shown in _AS_SOLD.items() if sold else ():
        if getattr(line, name) != getattr(sold, name):
            faults.append(FieldError(f"{path}.{shown}", f"{path}.{shown} cannot be changed once units are refunded"))
    if sold is not None and refunded < sold.refunded_quantity:
        sentence = f"{path}.refundedQuantity must be at least {sold.refunded_quantity}, which are refunded"
        faults.append(FieldError(f"{path}.refundedQuantity", sentence))
    if refunded > line.quantity:
        faults.append(
            FieldError(f"{path}.refundedQuantity", f"{path}.refundedQuantity must be at most {line.quantity}")
        )
    if line.is_refunded not in (None, refunded > 0):
        sentence = f"{path}.isRefunded must say whether refundedQuantity is more than zero"
        faults.append(FieldError(f"{path}.isRefunded", sentence))
    return faults


def _lines_after(order: Order, changed: Sequence[ChangedLine], total: Decimal) -> tuple[OrderLine, ...]:
    """The lines as they are set. Units that this marks as refunded are noted at what was paid for them."""
    lines, units = [], []
    for line, sold in _with_sold(order, changed):
        refunded_before = sold.refunded_quantity if sold else 0
        amount_before = sold.refunded_amount if sold else Decimal("0.00")
        lines.append(
            OrderLine(line.product_id, line.quantity, line.price, refunded_before, amount_before, line.seller_id)
        )
        units.append(_refunded_quantity(line, sold) - refunded_before)
    return refund_units(lines, total, units)[0]


def _with_sold(order: Order, changed: Sequence[ChangedLine]) -> list[tuple[ChangedLine, OrderLine | None]]:
    """Each line with the one it stands for where something is refunded, and the lines have to stay as they were."""
    if not order.has_refunds:
        return [(line, None) for line in changed]
    return list(zip(changed, order.products, strict=True))


def _refunded_quantity(line: ChangedLine, sold: OrderLine | None) -> int:
    """How many units are refunded after the change: those that are now, where it does not say."""
    if line.refunded_quantity is not None:
        return line.refunded_quantity
    return sold.refunded_quantity if sold is not None else 0
