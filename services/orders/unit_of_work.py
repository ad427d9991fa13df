"""All writes to orders that exist, by group commit, each with its events in the same transaction.

Concurrent refunds of the same units meet in one batch or as a write conflict: either way the later one is judged by
what the earlier one left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bson import ObjectId
from pymongo import ReplaceOne

from models.errors import DomainError
from models.events import Event
from models.order import (
    Order,
    OrderNotFound,
    RefundProduct,
    UpdateOrder,
    refund_order,
    refund_product,
)
from models.order_updates import change_order
from models.principal import Principal
from services.kit.database import Database
from services.kit.outbox import Outbox
from services.kit.unit_of_work import BatchWriter, fresh_touch
from services.orders.documents import (
    order_from_document,
    order_to_document,
    product_refunded_events,
    refunded_events,
)

if TYPE_CHECKING:
    from services.kit.database import Session


@dataclass(frozen=True, slots=True)
class ChangeOrder:
    """Update an order. `read` gives what was sent, or raises; it is called once the caller is known to be allowed."""

    order_id: str
    caller: Principal
    read: Callable[[], UpdateOrder]


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Refund a whole order."""

    order_id: str
    caller: Principal


@dataclass(frozen=True, slots=True)
class RefundOrderProduct:
    """Refund units of a product; `read` as above."""

    order_id: str
    caller: Principal
    read: Callable[[], RefundProduct]


Command = ChangeOrder | RefundOrder | RefundOrderProduct


class OrderWriter(BatchWriter[Command, Order]):
    def __init__(self, database: Database, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        super().__init__(database)
        self._outbox = outbox
        self._clock = clock

    async def touch(self, session: "Session", commands: Sequence[Command]) -> None:
        await self._database.orders.update_many({"_id": {"$in": _ids(commands)}}, fresh_touch(), session=session)

    async def carry_out(self, session: "Session", commands: Sequence[Command]) -> list[Order | Exception]:
        found = self._database.orders.find({"_id": {"$in": _ids(commands)}}, session=session)
        documents = {document["_id"]: document async for document in found}
        batch = _Batch([order_from_document(document) for document in documents.values()], self._clock())
        answers = [batch.decide(command) for command in commands]
        await self._outbox.put(session, batch.events)
        changed = [(ObjectId(order.id), order) for order in batch.changed()]
        writes = [ReplaceOne({"_id": key}, order_to_document(order, documents[key])) for key, order in changed]
        if writes:
            await self._database.orders.bulk_write(writes, session=session, ordered=False)
        return answers


def _ids(commands: Sequence[Command]) -> list[ObjectId]:
    return [ObjectId(identifier) for identifier in {command.order_id for command in commands}]


class _Batch:
    """The orders that a batch decides upon, and what it has decided so far."""

    def __init__(self, orders: Sequence[Order], now: datetime) -> None:
        self.events: list[tuple[datetime, Event]] = []
        self._now = now
        self._before = {order.id: order for order in orders}
        self._orders = dict(self._before)

    def changed(self) -> list[Order]:
        return [order for identifier, order in self._orders.items() if order is not self._before[identifier]]

    def decide(self, command: Command) -> Order | Exception:
        try:
            return self._decide(command)
        except DomainError as refusal:
            return refusal

    def _decide(self, command: Command) -> Order:
        """Who may call is judged first, then what was sent, then whether it exists, then the rules of the verb."""
        order = self._orders.get(command.order_id)
        if order is not None:
            command.caller.require_self(order.user_id)
        wanted = None if isinstance(command, RefundOrder) else command.read()
        if order is None:
            raise OrderNotFound()
        match wanted:
            case UpdateOrder():
                return self._keep(change_order(order, wanted, command.caller), [])
            case RefundProduct():
                refund = refund_product(order, wanted)
                return self._keep(refund.order, product_refunded_events(refund))
            case None:
                refunded = refund_order(order)
                return self._keep(refunded, refunded_events(refunded))

    def _keep(self, order: Order, events: list[Event]) -> Order:
        """The order with its new instant, after all that happened to it before, so that its events stay in order."""
        before = self._before[order.id]
        at = max(self._now, before.updated_at + timedelta(milliseconds=1))
        order = self._orders[order.id] = replace(order, updated_at=at)
        self.events += [(at, event) for event in events]
        return order
