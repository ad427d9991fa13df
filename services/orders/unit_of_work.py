"""All writes to orders, in batches, each with its events in the same transaction.

Concurrent refunds of the same units meet in one batch or as a write conflict: either way the later one is judged by
what the earlier one left.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from bson import ObjectId
from typing_extensions import override

from models.activity import Deed, Thing
from models.orders.commands import Asked, Command
from models.orders.effects import Changed, change_order, place_order
from models.orders.order import Order
from models.orders.refunds import Refund, Sums, earlier_refunds
from models.payment import Payment
from models.verbs import Verb
from services.kit.database import Database
from services.kit.tracked import ROWS_AT_ONCE, Tracked
from services.kit.unit_of_work import CommandBus, Contended, UnitOfWork
from services.orders.refunds import recorded_refunds
from services.orders.repository import ORDERS, RECORDED, REFUNDS
from services.orders.totals import ORDERS_BY_HOUR, REFUNDS_BY_HOUR, counted, counted_refund

if TYPE_CHECKING:
    from services.kit.database import Session

Result: TypeAlias = Order | None
"""The order after the command, or None for a payment that has its order already."""


class OrderBus(CommandBus[Command, Result]):
    """Carries out commands on orders."""

    lane = "orders"

    @override
    def begin(self, now: datetime) -> "OrderUnitOfWork":
        return OrderUnitOfWork(self._database, now)

    @override
    def verb(self, command: Command) -> Verb:
        return command.verb if isinstance(command, Payment) else command.change.verb

    @override
    def contended(self, commands: Sequence[Command]) -> Contended | None:
        ids = _ids(commands)
        return Contended(self._database.orders, {"_id": {"$in": ids}}) if ids else None


class OrderUnitOfWork(UnitOfWork[Command, Result]):
    """The orders that a batch names by their ids, and those that its payments have already."""

    tells_of_users = True

    def __init__(self, database: Database, now: datetime) -> None:
        super().__init__(now)
        self._database = database
        self._name = database.orders.name
        # Whole, so that the change stream tells whose order it is that has changed.
        self._orders = Tracked(
            database.orders, ORDERS, replaced=True, shard_key=lambda order: {"paymentId": order.payment_id}
        )
        self._paid: set[str] = set()
        # What the ledger knows of those orders of which it may not know all, because an earlier release wrote them.
        self._recorded: dict[str, Sums] = {}

    @override
    def tracked(self) -> Sequence[Tracked[Any]]:
        return [self._orders]

    @override
    async def load(self, session: "Session", commands: Sequence[Command]) -> None:
        payments = [command.id for command in commands if isinstance(command, Payment)]
        sought = {"_id": _ids(commands), "paymentId": payments}
        either = [{field: {"$in": values}} for field, values in sought.items() if values]
        found = self._database.orders.find({"$or": either}, session=session)
        documents = await found.batch_size(ROWS_AT_ONCE).to_list(None)
        self._orders.take(documents)
        self._paid = {order.payment_id for order in self._orders}
        await self._load_recorded(session, {str(one["_id"]) for one in documents if not one.get(RECORDED)})

    async def _load_recorded(self, session: "Session", unsure: set[str]) -> None:
        refunded = [order.id for order in self._orders if order.id in unsure and order.has_refunds]
        if refunded:
            known = await recorded_refunds(self._database, session, refunded)
            self._recorded = {identifier: known[identifier] for identifier in refunded}

    @override
    def apply(self, command: Command) -> Result:
        match command:
            case Payment():
                return self._place(command)
            case Asked():
                return self._change(command)

    @override
    def deed(self, command: Command, result: Result) -> Deed | None:
        """Of a payment that has its order already nothing is told."""
        if isinstance(command, Payment):
            return None if result is None else _deed(command.verb, result)
        return _deed(command.change.verb, self._orders.get(command.change.id))

    @override
    def settle(self) -> None:
        for before, after in self._orders.changes():
            assert after is not None
            old, new = counted(before), counted(after)
            moved = {name: new[name] - old.get(name, 0) for name in new}
            self.hours.add(ORDERS_BY_HOUR, after.created_at, moved)

    def _place(self, payment: Payment) -> Order | None:
        if payment.id in self._paid:
            return None
        self._paid.add(payment.id)
        self.totals[self._name][self._name] += 1
        return self._keep(place_order(payment, identifier=str(ObjectId()), at=self.now))

    def _change(self, asked: Asked) -> Order:
        """The order changed, after all that happened to it before this batch, so that its events stay in order."""
        at, before = self._orders.later(self.now, asked.change.id), self._orders.get(asked.change.id)
        changed = change_order(before, asked, at=at)
        if before is not None and before.id in self._recorded:
            self._record(earlier_refunds(before, self._recorded.pop(before.id)))
        self._record(changed.refunds)
        return self._keep(changed)

    def _record(self, refunds: Sequence[Refund]) -> None:
        if refunds:
            self.rows[self._database.refunds.name] += map(REFUNDS.dump, refunds)
        for refund in refunds:
            self.hours.add(REFUNDS_BY_HOUR, refund.at, counted_refund(refund))

    def _keep(self, changed: Changed) -> Order:
        order = changed.order
        self.events += [(order.updated_at, event) for event in changed.events]
        return self._orders.put(order.id, order)


def _deed(verb: Verb, order: Order | None) -> Deed:
    return Deed(verb) if order is None else Deed(verb, (Thing("Order", order.id),), (order.user_id,))


def _ids(commands: Sequence[Command]) -> list[ObjectId]:
    return [ObjectId(one) for one in {command.change.id for command in commands if isinstance(command, Asked)}]
