"""Leases: one process at a time does a thing, and another takes over soon after it dies.

All instants are the database's own (`$$NOW`), so the clocks of the machines need not agree.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from services.kit.database import Database
from services.kit.tasks import end

log = logging.getLogger("tessera.lease")


class Lease:
    """One holder's claim on the lease `name`; it lasts `seconds` from each successful `take`."""

    def __init__(self, database: Database, name: str, seconds: float) -> None:
        self.seconds = seconds
        self._rows = database.leases
        self._name = name
        self._holder = secrets.token_hex(8)

    async def take(self) -> bool:
        """Takes the lease, or renew it; False while another holds it."""
        mine = {"$or": [{"$eq": ["$holder", self._holder]}, {"$lte": [{"$ifNull": ["$expiresAt", 0]}, "$$NOW"]}]}
        until = {"$add": ["$$NOW", int(self.seconds * 1000)]}
        claim = {
            "holder": {"$cond": [mine, self._holder, "$holder"]},
            "expiresAt": {"$cond": [mine, until, "$expiresAt"]},
        }
        try:
            row = await self._rows.find_one_and_update(
                {"_id": self._name}, [{"$set": claim}], upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:
            return False  # Another made the row in the same moment.
        return row is not None and str(row["holder"]) == self._holder

    async def release(self) -> None:
        """Gives the lease back at once, where it is still held."""
        await self._rows.delete_one({"_id": self._name, "holder": self._holder})


@asynccontextmanager
async def hold(database: Database, name: str, seconds: float) -> AsyncIterator[None]:
    """Waits for the lease and holds it, however long the work takes; `seconds` after a crash another may have it."""
    lease = Lease(database, name, seconds)
    while True:
        if await lease.take():
            break
        await asyncio.sleep(0.1)
    renewal = asyncio.get_running_loop().create_task(renew(lease))
    try:
        yield
    finally:
        await end(renewal)
        await lease.release()


async def renew(lease: Lease) -> None:
    """Renews a lease until it is cancelled."""
    while True:
        await asyncio.sleep(lease.seconds / 3)
        try:
            await lease.take()
        except PyMongoError as fault:
            log.warning("a lease could not be renewed: %s", fault)
