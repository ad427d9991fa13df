"""Refunds as the ledger keeps them, and what of an order's refunds it does not know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, TypeAlias

from models.base import Id
from models.inputs import RawId, Text, relay_id
from models.orders.lines import OrderLine, line_amounts
from models.pagination import Period

if TYPE_CHECKING:
    from models.orders.order import Order

NOTHING = Decimal("0.00")
Sums: TypeAlias = Mapping[str, tuple[int, Decimal]]
"""Of each product how many units are refunded, and what they came to."""


@dataclass(frozen=True, slots=True)
class Refund:
    """What was refunded of a product at once, for ever.

    Without a product it is what a whole order was paid beyond its products, such as shipping. Where `by` is None an
    earlier release refunded it and wrote down neither who nor when: `at` is when the order last changed.
    """

    order_id: Id
    user_id: str
    product_id: str | None
    quantity: int
    amount: Decimal
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RefundFilter(Period):
    """What a list of refunds may be narrowed by."""

    order_id: Annotated[RawId, relay_id("Order")] | None = None
    user_id: Text | None = None
    product_id: Text | None = None


def sums_of(lines: Sequence[OrderLine]) -> dict[str, tuple[int, Decimal]]:
    """Returns what is refunded of each product of these lines."""
    sums: dict[str, tuple[int, Decimal]] = {}
    for line in lines:
        units, amount = sums.get(line.product_id, (0, NOTHING))
        sums[line.product_id] = units + line.refunded_quantity, amount + line.refunded_amount
    return sums


def refunds_beyond(order: "Order", known: Sums, *, by: str | None, at: datetime) -> list[Refund]:
    """Returns what is refunded of an order beyond what is known."""
    found = []
    for product_id, (units, amount) in sums_of(order.products).items():
        known_units, known_amount = known.get(product_id, (0, NOTHING))
        quantity, more = max(0, units - known_units), max(NOTHING, amount - known_amount)
        if quantity or more:
            found.append(Refund(order.id, order.user_id, product_id, quantity, more, by, at))
    return found


def refund_of_rest(order: "Order", *, by: str, at: datetime) -> list[Refund]:
    """Returns what a whole order, as it is after its refund, was paid beyond its products, if anything."""
    rest = order.total_price - sum((line.refunded_amount for line in order.products), NOTHING)
    return [Refund(order.id, order.user_id, None, 0, rest, by, at)] if rest > 0 else []


def earlier_refunds(order: "Order", known: Sums) -> list[Refund]:
    """Returns what an earlier release refunded of an order and did not write down."""
    return refunds_beyond(order, known, by=None, at=order.updated_at)


def with_recorded(lines: Sequence[OrderLine], total: Decimal, known: Sums) -> tuple[OrderLine, ...]:
    """The lines, with no less refunded of any product than the ledger knows of."""
    noted, mended = sums_of(lines), []
    left = {name: (known[name][0] - noted[name][0], known[name][1] - noted[name][1]) for name in known if name in noted}
    for line, paid in zip(lines, line_amounts(lines, total), strict=True):
        units, amount = left.get(line.product_id, (0, NOTHING))
        more = max(0, min(line.remaining, units)), max(NOTHING, min(paid - line.refunded_amount, amount))
        left[line.product_id] = units - more[0], amount - more[1]
        refunded = line.refunded_quantity + more[0]
        mended.append(replace(line, refunded_quantity=refunded, refunded_amount=line.refunded_amount + more[1]))
    return tuple(mended)
