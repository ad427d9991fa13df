"""The verbs of orders: create from payments, find, list, watch, update, refund whole or by product."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING

from bson import ObjectId

from models.orders.commands import (
    Asked,
    ChangeOrder,
    FindOrder,
    FindOrders,
    ListOrders,
    OrderFilter,
    RefundOrder,
    RefundProduct,
    UpdateOrder,
)
from models.orders.order import Order, OrderNotFound
from models.pagination import Slice, Window
from models.payment import Payment
from models.principal import CONSUMERS, Principal, Role
from models.sent import RefusedCommand, accept
from services.kit.activity.log import ActivityLog
from services.kit.batching import Coalescer
from services.kit.counters import RowCounts
from services.kit.database import Database, Document
from services.kit.messages.outbox import Outbox
from services.kit.pagination import fetch_window
from services.orders.changes import OrderChanges, Watched
from services.orders.repository import NEWEST_FIRST, ORDERS, orders_of, orders_query
from services.orders.unit_of_work import OrderBus

if TYPE_CHECKING:
    from services.kit.database import Session


class Orders:
    """An order is its user's: a user sees and changes only their own (403 else), an admin all."""

    def __init__(
        self, database: Database, outbox: Outbox, activity: ActivityLog, clock: Callable[[], datetime]
    ) -> None:
        self._orders = database.orders
        self._total = RowCounts(database, database.orders)
        self._bus = OrderBus(database, outbox, activity, clock)
        self._changes = OrderChanges(database, clock)
        self._by_id: Coalescer[str, Order] = Coalescer(self._find)

    async def close(self) -> None:
        await self._changes.close()
        await self._bus.close()

    async def create_from_payments(self, session: "Session", payments: Sequence[Payment]) -> list[Order]:
        """Makes the orders of accepted payments within the caller's transaction; returns those that are new.

        One order for each payment, however often it comes: a payment that has its order, and one that comes twice in
        the batch, changes nothing and tells nothing. Each new order puts its three events into the outbox, in order.
        The unique index on `paymentId` guards against other processes: its duplicate key aborts the transaction, which
        then runs again and finds the other's order.
        """
        made = await self._bus.carry_out(session, payments, CONSUMERS) if payments else []
        return [order for order in made if isinstance(order, Order)]

    async def find(self, caller: Principal, wanted: FindOrder) -> Order | None:
        """Returns an order, or None where there is none. 403 for another's."""
        caller.require_signed_in()
        order = await self._by_id.load(wanted.id)
        if order is not None:
            caller.require_self(order.user_id)
        return order

    async def get(self, caller: Principal, wanted: FindOrder) -> Order:
        """Returns the same, but 404 `Order not Found.` where there is none."""
        order = await self.find(caller, wanted)
        if order is None:
            raise OrderNotFound()
        return order

    async def find_by_user(self, caller: Principal, sent: FindOrders | RefusedCommand) -> list[Order]:
        """Returns all orders of a user, the newest first."""
        query = orders_of(accept(caller, sent, Role.VIEWER).user_id)
        found = self._orders.find(query).sort([(key, -1) for key in NEWEST_FIRST.keys])
        return [ORDERS.load(document) for document in await found.to_list(None)]

    async def list_window(self, caller: Principal, sent: OrderFilter | RefusedCommand, window: Window) -> Slice[Order]:
        """Returns a Relay window of a user's orders, newest first; for an admin who names no user, of all orders."""
        return await fetch_window(self._orders, _query(caller, sent), NEWEST_FIRST, window, ORDERS.load)

    async def count(self, caller: Principal, sent: OrderFilter | RefusedCommand) -> int:
        """Returns how many orders that list has."""
        query = _query(caller, sent)
        return await self._orders.count_documents(query) if query else await self._total.read()

    async def watch(
        self, caller: Principal, wanted: FindOrder | ListOrders | RefusedCommand
    ) -> AsyncGenerator[Order, None]:
        """Yields an order, at once and whenever it changed; or each order of a list that was made or changed since.

        404 where there is none of this id.
        """
        if isinstance(wanted, FindOrder):
            watched = Watched(order_id=(await self.get(caller, wanted)).id)
        else:
            watched = Watched(user_id=_whose(caller, accept(caller, wanted, Role.VIEWER)))
        async with aclosing(self._changes.follow(watched)) as changed:
            async for order in changed:
                yield order

    async def update(self, caller: Principal, command: UpdateOrder) -> Order:
        """Changes an order by the rules of `models.orders.updates`; returns the order after it."""
        return await self._change(caller, command)

    async def refund(self, caller: Principal, command: RefundOrder) -> Order:
        """Refunds a whole order, its two events with it; returns the order after it."""
        return await self._change(caller, command)

    async def refund_product(self, caller: Principal, command: RefundProduct) -> Order:
        """Refunds units of a product, the two events with it; returns the order after it."""
        return await self._change(caller, command)

    async def _change(self, caller: Principal, change: ChangeOrder) -> Order:
        caller.require_signed_in(change.role)
        order = await self._bus.submit(Asked(caller, change), caller)
        assert order is not None
        return order

    async def _find(self, keys: Sequence[str]) -> Mapping[str, Order]:
        found = self._orders.find({"_id": {"$in": [ObjectId(key) for key in keys]}})
        return {order.id: order for order in map(ORDERS.load, await found.to_list(None))}


def _query(caller: Principal, sent: OrderFilter | RefusedCommand) -> Document:
    wanted = accept(caller, sent, Role.VIEWER)
    return orders_query(wanted, _whose(caller, wanted))


def _whose(caller: Principal, wanted: ListOrders | OrderFilter) -> str | None:
    """Whose orders are meant; None for everyone's, which only an admin may mean."""
    return wanted.user_id or (None if caller.has_role(Role.VIEWER) else caller.user_id)
