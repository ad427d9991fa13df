"""The ledger of refunds: how it is read, and brought along where an earlier release refunded without it."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from bson import ObjectId

from models.orders.lines import is_every_unit_refunded
from models.orders.order import Order
from models.orders.refunds import NOTHING, Refund, RefundFilter, Sums, earlier_refunds, with_recorded
from models.principal import Principal, Role
from services.kit.batching import Coalescer
from services.kit.database import Database, Document, aggregate
from services.kit.pagination import Listing, given, within
from services.orders.repository import LATEST_REFUND_FIRST, ORDERS, RECORDED, REFUNDS
from services.orders.totals import count_refunds

if TYPE_CHECKING:
    from services.kit.database import Session

BATCH = 500
NOT_RECORDED: tuple[Document, ...] = (
    {RECORDED: None, "products.isRefunded": True},
    {RECORDED: None, "refunded": True},
)
"""Orders of which a process of an earlier release refunded something; each is found by a partial index."""


class Refunds:
    """What was refunded, for admins."""

    def __init__(self, database: Database) -> None:
        self._refunds = database.refunds
        self.listing: Listing[RefundFilter, Refund] = Listing(
            database.refunds, LATEST_REFUND_FIRST, refunds_query, REFUNDS.load
        )
        self._by_order: Coalescer[str, list[Refund]] = Coalescer(self._find)

    async def of_order(self, caller: Principal, order: Order) -> list[Refund]:
        """Returns the refunds of an order, the latest first; they come to what was refunded of it."""
        caller.require_role(Role.VIEWER)
        if not order.has_refunds:
            return []
        recorded = await self._by_order.load(order.id) or []
        both = [*recorded, *earlier_refunds(order, _sums(recorded))]
        return sorted(both, key=lambda refund: refund.at, reverse=True)

    async def _find(self, order_ids: Sequence[str]) -> dict[str, list[Refund]]:
        query = {"orderId": {"$in": [ObjectId(one) for one in order_ids]}}
        found = self._refunds.find(query).sort([("orderId", 1), *((key, -1) for key in LATEST_REFUND_FIRST.keys)])
        refunds = defaultdict[str, list[Refund]](list)
        async for document in found:
            refund = REFUNDS.load(document)
            refunds[refund.order_id].append(refund)
        return refunds


def refunds_query(wanted: RefundFilter) -> Document:
    """Returns the query for what a filter leaves of the ledger."""
    order_id = None if wanted.order_id is None else ObjectId(wanted.order_id)
    return given(orderId=order_id, userId=wanted.user_id, productId=wanted.product_id) | within("at", wanted)


async def recorded_refunds(
    database: Database, session: "Session", order_ids: Collection[str]
) -> defaultdict[str, dict[str, tuple[int, Decimal]]]:
    """What the ledger knows of the products of these orders."""
    key = {"order": "$orderId", "product": "$productId"}
    sums = {"_id": key, "units": {"$sum": "$quantity"}, "amount": {"$sum": "$amount"}}
    steps: list[Document] = [{"$match": {"orderId": {"$in": [ObjectId(one) for one in order_ids]}}}, {"$group": sums}]
    known = defaultdict[str, dict[str, tuple[int, Decimal]]](dict)
    async for row in aggregate(database.refunds, steps, session=session):
        if row["_id"]["product"] is not None:
            known[str(row["_id"]["order"])][row["_id"]["product"]] = row["units"], row["amount"].to_decimal()
    return known


async def record_earlier(database: Database) -> int:
    """Writes down what earlier releases refunded; returns of how many orders.

    Each batch is one transaction: it conflicts with whoever changes one of its orders meanwhile, and runs again.
    """
    recorded = 0
    for query in NOT_RECORDED:
        while batch := await database.transaction(_recorder(database, query)):
            recorded += batch
    return recorded


def _recorder(database: Database, query: Document) -> "Callable[[Session], Awaitable[int]]":
    async def record(session: "Session") -> int:
        found = await database.orders.find(query, session=session).limit(BATCH).to_list(None)
        if found:
            await reconcile(database, session, list(map(ORDERS.load, found)))
        return len(found)

    return record


async def reconcile(database: Database, session: "Session", orders: Sequence[Order]) -> None:
    """Makes orders and their ledger agree: what one of the two does not know of a refund it is told."""
    known = await recorded_refunds(database, session, [order.id for order in orders])
    rows = [row for order in orders for row in earlier_refunds(order, known[order.id])]
    if rows:
        await database.refunds.insert_many(map(REFUNDS.dump, rows), session=session, ordered=False)
        await count_refunds(database, session, rows)
    ids = [ObjectId(order.id) for order in orders]
    await database.orders.update_many({"_id": {"$in": ids}}, {"$set": {RECORDED: True}}, session=session)
    for order in orders:
        lines = with_recorded(order.products, order.total_price, known[order.id])
        if lines != order.products:
            mended = replace(order, products=lines, refunded=is_every_unit_refunded(lines, order.refunded))
            await database.orders.replace_one({"_id": ObjectId(order.id)}, ORDERS.dump(mended), session=session)


async def reconcile_one(database: Database, session: "Session", identifier: object) -> None:
    """Makes an order and its ledger agree."""
    document = await database.orders.find_one({"_id": identifier}, session=session)
    if document is not None:
        await reconcile(database, session, [ORDERS.load(document)])


def _sums(refunds: Sequence[Refund]) -> Sums:
    sums = defaultdict[str, tuple[int, Decimal]](lambda: (0, NOTHING))
    for refund in refunds:
        if refund.product_id is not None:
            units, amount = sums[refund.product_id]
            sums[refund.product_id] = units + refund.quantity, amount + refund.amount
    return sums
