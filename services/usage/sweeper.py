"""Tidying: expired holds are cleared and the counters of deleted followers removed, while nobody depends on it."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextvars import Context
from datetime import datetime

from models.errors import DomainError
from models.principal import SYSTEM
from models.usage.commands import SweepHolds
from models.usage.follower import FollowerKey, KeyKind
from services.kit.database import Database, Document, aggregate
from services.kit.tasks import end
from services.usage.unit_of_work import SWEPT_AT_ONCE, UsageBus

log = logging.getLogger("tessera.usage")

INTERVAL = 15.0
"""About how many seconds lie between two sweeps of a process."""
FOLLOWERS_AT_ONCE = 200


class UsageSweeper:
    """Sweeps now and then once it was woken, which the first hold or deletion of a process does."""

    def __init__(self, database: Database, bus: UsageBus, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        if self._task is None:
            # A context of its own: it serves all requests, and carries on none of theirs.
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)

    async def sweep(self) -> int:
        """Clears what has expired and removes what belongs to no one; returns how many counters were touched."""
        return await self._clear_expired() + await self._remove_orphans()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL * random.uniform(0.8, 1.2))
            try:
                await self.sweep()
            except Exception as fault:  # The database may be away; the next round finds the same work.
                log.warning("sweeping usage failed: %s", type(fault).__name__)

    async def _clear_expired(self) -> int:
        cleared = 0
        steps: list[Document] = [
            {"$match": {"holdExpiresAt": {"$lte": self._clock()}}},
            {"$group": {"_id": "$followerId", "holds": {"$sum": 1}}},
            {"$limit": FOLLOWERS_AT_ONCE},
        ]
        for row in [row async for row in aggregate(self._database.usage_counters, steps)]:
            key = FollowerKey(KeyKind.FOLLOWER, str(row["_id"]))
            for _ in range(0, row["holds"], SWEPT_AT_ONCE):
                try:
                    await self._bus.submit(SweepHolds(key), SYSTEM)
                except DomainError:
                    break  # The follower was deleted; its tombstone leads to its counters.
            cleared += row["holds"]
        return cleared

    async def _remove_orphans(self) -> int:
        removed = 0
        for tombstone in await self._database.usage_tombstones.find().to_list(None):
            done = await self._database.usage_counters.delete_many({"followerId": tombstone["_id"]})
            await self._database.usage_tombstones.delete_one(tombstone)
            removed += done.deleted_count
        return removed
