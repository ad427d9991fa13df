"""The keys that let admins in, as each process knows them: what it was told a moment ago, and else the database.

A key that was seen is looked at again after `FRESH_SECONDS`, so that one which was revoked anywhere is refused within a
second here, and one which was made anywhere is good at once. However many ask, one find at a time is under way; and a
flood of wrong keys costs no more than that.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from bson import ObjectId
from pymongo.errors import PyMongoError

from models.admin_keys.admin_key import AdminKey, hash_of, is_shaped_as_key
from models.principal import ActingKey
from services.admin_keys.repository import ADMIN_KEYS, COLLECTION, HASH
from services.kit.batching import Coalescer
from services.kit.database import Database
from services.kit.transactions import as_domain_error

log = logging.getLogger("tessera.keys")

FRESH_SECONDS = 0.4
MISSED_SECONDS, MOST_MISSED = 10.0, 1_000
"""How long, and of how many, a worker remembers that there is no such key: they are random, so none comes to be."""
USE_IS_KEPT_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A key as it was found by a find that began at this time of the event loop."""

    key: AdminKey
    at: float


class LiveKeys:
    """What the server asks about the keys that it is shown."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._keys = database.collection(COLLECTION)
        self._clock = clock
        self._finds: Coalescer[str, AdminKey] = Coalescer(self._find)
        self._seen: dict[str, _Seen] = {}
        self._hashes: dict[str, str] = {}
        """The hash of each key that was seen, by its id."""
        self._missed: dict[str, float] = {}
        self._used: dict[str, datetime] = {}
        self._writes: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Waits for the uses that are being noted."""
        await asyncio.gather(*self._writes)

    async def find(self, shown: str) -> ActingKey | None:
        """Returns who acts by a key that was shown, or None where it is wrong, revoked or expired.

        Raises `ServiceUnavailable` where the database has to be asked and is away.
        """
        try:
            key = await self._look_up(hash_of(shown)) if is_shaped_as_key(shown) else None
        except PyMongoError as fault:
            raise as_domain_error(fault) from None
        if key is None or not key.is_live(self._clock()):
            return None
        self._note_use(key)
        return key.acting()

    async def holds(self, key_id: str) -> bool:
        """Whether a key that was found here is neither revoked nor expired since.

        As long as the database is away it holds: nothing is read or written by it meanwhile.
        """
        try:
            key = await self._look_up(self._hashes[key_id])
        except PyMongoError:
            return True
        return key is not None and key.is_live(self._clock())

    def forget(self, key_id: str) -> None:
        """Has the key looked up anew when it is shown next."""
        self._seen.pop(self._hashes.get(key_id, ""), None)

    async def _look_up(self, hashed: str) -> AdminKey | None:
        now = asyncio.get_running_loop().time()
        if (seen := self._seen.get(hashed)) is not None and now - seen.at < FRESH_SECONDS:
            return seen.key
        if now - self._missed.get(hashed, -MISSED_SECONDS) < MISSED_SECONDS:
            return None
        key = await self._finds.load(hashed)
        if key is None:
            self._seen.pop(hashed, None)
            self._missed[hashed] = now
            if len(self._missed) > MOST_MISSED:
                del self._missed[next(iter(self._missed))]
        else:
            self._seen[hashed], self._hashes[key.id] = _Seen(key, now), hashed
        return key

    async def _find(self, hashes: Sequence[str]) -> dict[str, AdminKey]:
        found = await self._keys.find({HASH: {"$in": list(hashes)}}).to_list(None)
        rows = {row[HASH]: ADMIN_KEYS.load(row) for row in found}
        # The index has compared them byte by byte; of hashes that tells nothing, but let no answer hang on it.
        return {asked: key for asked in hashes for stored, key in rows.items() if compare_digest(asked, stored)}

    def _note_use(self, key: AdminKey) -> None:
        """Keeps when a key was used, behind the answer and not more often than the promise needs."""
        now = self._clock()
        kept = max((at for at in (key.last_used_at, self._used.get(key.id)) if at is not None), default=None)
        if kept is None or now - kept >= USE_IS_KEPT_AFTER:
            self._used[key.id] = now
            task = asyncio.get_running_loop().create_task(self._keep_use(key.id, now), context=Context())
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def _keep_use(self, key_id: str, now: datetime) -> None:
        try:
            await self._keys.update_one({"_id": ObjectId(key_id)}, {"$max": {"lastUsedAt": now}})
        except PyMongoError as fault:  # A use that is not noted harms nobody.
            log.warning("the use of an admin key could not be noted: %s", type(fault).__name__)
