"""Presence: how processes know of each other that they live; what a dead one held falls to who asks next."""

import asyncio
import secrets
from contextvars import Context

from pymongo import ReadPreference

from services.kit.database import Database
from services.kit.leases import Lease, renew
from services.kit.tasks import end

LIFETIME_SECONDS = 1.5
"""How long a process is taken to live after it has last shown that it does."""


class Presence:
    """The sign of life of one process, a lease under its own `name` that nobody else takes."""

    def __init__(self, database: Database) -> None:
        self.name = f"process/{secrets.token_hex(8)}"
        self._rows = database.leases.with_options(read_preference=ReadPreference.PRIMARY)
        self._lease = Lease(database, self.name, LIFETIME_SECONDS)
        self._renewal: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Returns once this process is known to live, which it goes on showing until `close`."""
        if self._renewal is not None:
            return
        await self._lease.take()
        if self._renewal is None:  # Another may have come as far meanwhile.
            # A context of its own: it carries on nothing of the request that happened to be the first.
            self._renewal = asyncio.get_running_loop().create_task(renew(self._lease), context=Context())

    async def close(self) -> None:
        """Shows no more; from now on the process counts as dead."""
        if self._renewal is not None:
            await end(self._renewal)
            await self._lease.release()

    async def lives(self, name: str) -> bool:
        """Whether the process of this name does, as far as one can tell."""
        return await self._rows.find_one({"_id": name, "$expr": {"$gt": ["$expiresAt", "$$NOW"]}}) is not None
