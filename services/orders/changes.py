"""Live orders: what `orderChanged` tells, from one change stream in each process."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import ObjectId

from models.orders.order import Order
from services.kit.change_streams import MOST_CHANGED, SHORTEST_INTERVAL, ChangeFeed, Event
from services.kit.database import Database, Document
from services.orders.repository import ORDERS, orders_of

OVERLAP = timedelta(minutes=1)
"""How far back a look goes after a gap in the stream: longer than it takes from an order's instant to its commit."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The orders to tell of: one by its raw id, a user's, or all of them."""

    order_id: str | None = None
    user_id: str | None = None

    @property
    def query(self) -> Document:
        if self.order_id is not None:
            return {"_id": ObjectId(self.order_id)}
        return orders_of(self.user_id)


class OrderChanges:
    """Tells of orders after they were made or changed."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._orders = database.orders
        self._clock = clock
        self._feed = ChangeFeed(database.orders, _watched_of_event)

    async def close(self) -> None:
        await self._feed.close()

    async def follow(self, watched: Watched) -> AsyncGenerator[Order, None]:
        """Each of these orders whenever it has changed, as it is then, at most ten times a second.

        An order that changes several times in between is told of once. One that is watched by its id is told at once.
        """
        told: dict[str, datetime] = {}
        async with self._feed.listen([watched]) as listener:
            query = watched.query if watched.order_id is not None else None
            since = self._clock()
            while not self._feed.is_closed:
                now = self._clock()
                for order in await self._look(query):
                    if told.get(order.id) != order.updated_at:
                        told[order.id] = order.updated_at
                        yield order
                await asyncio.sleep(SHORTEST_INTERVAL)
                await listener.wait()
                changed = listener.changed
                listener.clear()
                if 0 < len(changed) < MOST_CHANGED:
                    query = {"_id": {"$in": list(changed)}}
                else:
                    query = {**watched.query, "updatedAt": {"$gte": since - OVERLAP}}
                since = now
                told = {identifier: at for identifier, at in told.items() if at >= since - OVERLAP}

    async def _look(self, query: Document | None) -> list[Order]:
        if query is None:
            return []
        found = self._orders.find(query).sort([("updatedAt", 1), ("_id", 1)])
        return [ORDERS.load(document) for document in await found.to_list(None)]


def _watched_of_event(event: Event) -> Iterator[Watched]:
    """Our writes bring the whole order along; only what goes before them does not, and it tells of nothing new."""
    order = event.get("fullDocument")
    if order is not None:
        yield Watched(order_id=str(order["_id"]))
        yield Watched(user_id=str(order["userId"]))
        yield Watched()
