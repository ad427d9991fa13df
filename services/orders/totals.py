"""What is counted of orders by the hour: those that were made, what was paid for them, and what was refunded."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from models.orders.order import Order
from models.orders.refunds import Refund
from models.values.money import to_integer_cents
from services.kit.database import Database
from services.kit.hourly.totals import RECOUNTED, HourlyChanges, HourlySource

if TYPE_CHECKING:
    from services.kit.database import Session

_MONEY = frozenset({"amount"})
ORDERS_BY_HOUR = HourlySource("orders", "orders", "createdAt", {"count": 1, "amount": "$totalPrice"}, money=_MONEY)
REFUNDS_BY_HOUR = HourlySource(
    "refunds", "refunds", "at", {"count": 1, "units": "$quantity", "amount": "$amount"}, money=_MONEY
)


def counted(order: Order | None) -> dict[str, int]:
    """Returns what an order counts for; nothing where there is none."""
    return {} if order is None else {"count": 1, "amount": to_integer_cents(order.total_price)}


async def count_refunds(database: Database, session: "Session", refunds: Iterable[Refund]) -> None:
    """Counts refunds that are written down beside those of a unit of work, within their transaction."""
    changes = HourlyChanges()
    for refund in refunds:
        changes.add(REFUNDS_BY_HOUR, refund.at, counted_refund(refund))
    if updates := changes.updates(RECOUNTED):
        await database.counters.bulk_write(updates, session=session, ordered=False)


def counted_refund(refund: Refund) -> dict[str, int]:
    """Returns what a refund counts for."""
    return {"count": 1, "units": refund.quantity, "amount": to_integer_cents(refund.amount)}
