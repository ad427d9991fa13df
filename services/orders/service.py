"""The verbs of orders: create from payments, find, list, update, refund whole or by product."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from models.errors import InvalidInput
from models.ids import either_id
from models.inputs import parse
from models.order import FindOrders, Order, OrderNotFound, RefundProduct, UpdateOrder, order_of_payment
from models.pagination import KeysetOrder, Slice, Window
from models.payment import Payment
from models.principal import Principal
from models.texts import clean
from services.kit.batching import Coalescer
from services.kit.counters import RowCounts
from services.kit.database import Database
from services.kit.outbox import Outbox
from services.kit.pagination import fetch_window
from services.orders.changes import OrderChanges, Watched
from services.orders.documents import created_events, order_from_document, order_to_document
from services.orders.unit_of_work import ChangeOrder, OrderWriter, RefundOrder, RefundOrderProduct

if TYPE_CHECKING:
    from services.kit.database import Session

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))


class Orders:
    """An order is its user's: a user sees and changes only their own (403 else), an admin all."""

    def __init__(self, database: Database, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        self._orders = database.orders
        self._total = RowCounts(database, database.orders)
        self._outbox = outbox
        self._clock = clock
        self._writer = OrderWriter(database, outbox, clock)
        self._changes = OrderChanges(database, clock)
        self._by_id: Coalescer[str, Order] = Coalescer(self._find)

    async def close(self) -> None:
        await self._changes.close()
        await self._writer.close()

    async def create_from_payments(self, session: "Session", payments: Iterable[Payment]) -> list[Order]:
        """Make the orders of accepted payments within the caller's transaction; answers those that are new.

        One order for each payment, however often it comes: a payment that has its order, and one that comes twice in
        the batch, changes nothing and tells nothing. Each new order puts its three events into the outbox, in order.
        The unique index on `paymentId` guards against other processes: its duplicate key aborts the transaction, which
        then runs again and finds the other's order.
        """
        by_id = {payment.id: payment for payment in payments}
        if not by_id:
            return []
        known = self._orders.find({"paymentId": {"$in": list(by_id)}}, {"_id": 0, "paymentId": 1}, session=session)
        for row in await known.to_list(None):
            by_id.pop(row["paymentId"], None)
        now = self._clock()
        orders = [order_of_payment(payment, str(ObjectId()), now) for payment in by_id.values()]
        if orders:
            await self._orders.insert_many([order_to_document(order) for order in orders], session=session)
            await self._outbox.put(session, ((now, event) for order in orders for event in created_events(order)))
            await self._total.add(session, len(orders))
        return orders

    async def find(self, principal: Principal, order_id: str, *, path: str = "id") -> Order | None:
        """An order by its raw or Relay id; None where there is none. 403 for another's, 400 for no id at all."""
        principal.require_signed_in()
        order = await self._by_id.load(either_id("Order", path, order_id))
        if order is not None:
            principal.require_self(order.user_id)
        return order

    async def get(self, principal: Principal, order_id: str, *, path: str = "id") -> Order:
        """The same, but 404 `Order not Found.` where there is none."""
        order = await self.find(principal, order_id, path=path)
        if order is None:
            raise OrderNotFound()
        return order

    async def find_by_user(self, principal: Principal, user_id: str) -> list[Order]:
        """All orders of a user, newest first."""
        principal.require_self(clean(user_id) or principal.user_id)
        query = {"userId": parse(FindOrders, {"userId": user_id}).user_id}
        found = self._orders.find(query).sort([(key, -1) for key in NEWEST_FIRST.keys])
        return [order_from_document(document) for document in await found.to_list(None)]

    async def list_window(self, principal: Principal, user_id: str | None, window: Window) -> Slice[Order]:
        """A Relay window of a user's orders, newest first; for an admin who names no user, of all orders."""
        query = _query(principal, user_id)
        return await fetch_window(self._orders, query, NEWEST_FIRST, window, order_from_document)

    async def count(self, principal: Principal, user_id: str | None) -> int:
        """How many orders that list has."""
        query = _query(principal, user_id)
        return await self._orders.count_documents(query) if query else await self._total.read()

    async def watch(
        self, principal: Principal, order_id: str | None, user_id: str | None
    ) -> AsyncGenerator[Order, None]:
        """An order, at once and whenever it changed; or, without an id, each order of the list above that was made or
        changed since. 404 where there is none of this id.
        """
        principal.require_signed_in()
        if order_id is not None and user_id is not None:
            raise InvalidInput.of("userId", "Give id or userId, not both")
        if order_id is not None:
            watched = Watched(order_id=(await self.get(principal, order_id)).id)
        else:
            watched = Watched(user_id=_query(principal, user_id).get("userId"))
        async with aclosing(self._changes.follow(watched)) as changed:
            async for order in changed:
                yield order

    async def update(
        self, principal: Principal, order_id: str, read: Callable[[], UpdateOrder], *, path: str = "id"
    ) -> Order:
        """Change an order by the rules of `models.order.change_order`; answers the order after it."""
        principal.require_signed_in()
        return await self._writer.submit(ChangeOrder(either_id("Order", path, order_id), principal, read))

    async def refund(self, principal: Principal, order_id: str, *, path: str = "id") -> Order:
        """Refund a whole order, its two events with it; answers the order after it."""
        principal.require_signed_in()
        return await self._writer.submit(RefundOrder(either_id("Order", path, order_id), principal))

    async def refund_product(
        self, principal: Principal, order_id: str, read: Callable[[], RefundProduct], *, path: str = "id"
    ) -> Order:
        """Refund units of a product, the two events with it; answers the order after it."""
        principal.require_signed_in()
        return await self._writer.submit(RefundOrderProduct(either_id("Order", path, order_id), principal, read))

    async def _find(self, keys: Sequence[str]) -> Mapping[str, Order]:
        found = self._orders.find({"_id": {"$in": [ObjectId(key) for key in keys]}})
        return {str(document["_id"]): order_from_document(document) for document in await found.to_list(None)}


def _query(principal: Principal, user_id: str | None) -> dict[str, Any]:
    principal.require_signed_in()
    wanted = clean(user_id or "") or (None if principal.is_admin else principal.user_id)
    if wanted is None:
        return {}
    principal.require_self(wanted)
    return {"userId": parse(FindOrders, {"userId": wanted}).user_id}
