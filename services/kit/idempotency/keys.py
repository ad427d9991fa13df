"""Idempotency keys: the first request with a key is carried out, each further one is given the first one's response.

What is promised, for 24 hours from the first request, over all processes, restarts and crashes:

- The effect of a key happens at most once. Each transaction stores its result in the key's row and does so only while
  its request still holds the lock; either both are committed or neither is. A request that has lost its lock to a
  later one, because it ran longer than `LOCK_LIFETIME` or its process did not show that it lives, can no longer commit
  anything.
- The response is stored before it is sent, so a later request gets it as it was, byte for byte. Where the response
  depends on what is asked for (a selection in GraphQL), the results of the transactions are stored in its place, and
  the response is made from them by a replay. So it is too when the process died after the effect and before it stored
  the response, as soon as `presence.LIFETIME_SECONDS` are over. Fields that depend on the moment of asking, such as a
  code's remaining days, are computed anew.
- Another body under the same key is refused (422 `IDEMPOTENCY_KEY_REUSED`), and so is a second request while the first
  is running or may still be (409 `IDEMPOTENCY_KEY_IN_USE`).
- What failed (5xx) or was over the rate limit is not stored: the key is free for a retry, which still does not repeat
  an effect that was committed.

An effect outside of `Database.transaction` would not be covered; there is none.
"""

import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from pymongo import ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, ExecutionTimeout, PyMongoError

from models.idempotency import IdempotencyKeyInUse, IdempotencyKeyReused, row_id
from models.principal import Principal
from models.stored import stored
from services.kit.batching import GroupCommit
from services.kit.database import Database, Document
from services.kit.idempotency.locks import IdempotencyLock, under_lock
from services.kit.idempotency.results import from_stored, to_stored
from services.kit.orphans import end_orphaned_transactions
from services.kit.presence import Presence
from services.kit.sharding import by_id
from services.kit.transactions import doubled

log = logging.getLogger("tessera.idempotency")

Response = TypeVar("Response")

SHARD_KEY = by_id("idempotencykeys")
LIFETIME = timedelta(hours=24)
LOCK_LIFETIME = timedelta(seconds=30)
"""How long a request may run before another with its key is let in; as long as a request may take at all."""
TAKING_MILLISECONDS = 500
"""How long taking a lock from its holder waits for a transaction that may still have the row."""


@stored("again")
class Replay(Enum):
    """What `keep` returns to have the results stored, and later responses made from them by a replay."""

    AGAIN = "again"  # The member's name is what is stored.


REPLAY = Replay.AGAIN


@dataclass(frozen=True, slots=True)
class _StoredResponse:
    response: object


class Idempotency:
    """Stores the responses of changes by their callers' keys."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._rows = database.idempotency_keys
        self._client = database.client
        self._presence = Presence(database)
        self._clock = clock
        # Keys that come together are written together, as their effects are.
        self._inserts: GroupCommit[Document, bool] = GroupCommit(
            self._insert_all, idempotent=False, lane=database.metrics.lane("idempotencyKeys")
        )
        self._responses: GroupCommit[UpdateOne, None] = GroupCommit(
            self._store_responses, idempotent=False, lane=database.metrics.lane("responses")
        )

    async def close(self) -> None:
        await self._inserts.close()
        await self._responses.close()
        await self._presence.close()

    async def once(
        self,
        caller: Principal,
        key: str,
        fingerprint: str,
        run: Callable[[], Awaitable[Response]],
        *,
        keep: Callable[[Response], object],
    ) -> Response | Any:
        """What `run` returns, or what `keep` made of the first response to this caller's key.

        `keep` returns what `services.kit.idempotency.results` stores, `REPLAY`, or None to store nothing.
        Raises `IdempotencyKeyReused` and `IdempotencyKeyInUse`.
        """
        lock = await self._acquire(row_id(caller, key), fingerprint)
        if isinstance(lock, _StoredResponse):
            return lock.response
        if not lock.fencing_token:
            with under_lock(lock):
                return await run()
        try:
            with under_lock(lock):
                response = await run()
        except Exception:
            await self._release(lock)
            raise
        # A request that was cancelled may have left its effect under way: it keeps its lock until that runs out.
        kept = keep(response)
        if kept is None:
            await self._release(lock)
        else:
            await self._finish(lock, kept)
        return response

    async def _acquire(self, identifier: str, fingerprint: str) -> IdempotencyLock | _StoredResponse:
        await self._presence.begin()
        now = self._clock()
        token = secrets.token_hex(8)
        held = {"holder": token, "process": self._presence.name, "heldUntil": now + LOCK_LIFETIME}
        fresh = {
            "fingerprint": fingerprint,
            "outcomes": [],
            "answer": None,
            # Release 1.0.0 wrote names of classes and no `tags`: a start rewrites its rows and none of ours.
            "tags": True,
            "expiresAt": now + LIFETIME,
            **held,
        }
        while True:
            if await self._inserts.submit({"_id": identifier, **fresh}):
                return IdempotencyLock(identifier, token)
            row = await self._rows.find_one({"_id": identifier})
            if row is None:
                continue
            if row["fingerprint"] != fingerprint:
                raise IdempotencyKeyReused()
            if row["answer"] is not None:
                kept = from_stored(row["answer"])
                if kept is REPLAY:
                    return IdempotencyLock(identifier, "", _stored_results(row))
                return _StoredResponse(kept)
            if row["heldUntil"] > now and ("process" not in row or await self._presence.lives(row["process"])):
                raise IdempotencyKeyInUse()
            taken = await self._take(row, held)
            if taken is not None:
                return IdempotencyLock(identifier, token, _stored_results(taken))

    async def _take(self, row: Document, held: Document) -> Document | None:
        """The row as it is taken from its holder, None where another was quicker; raises `IdempotencyKeyInUse`."""
        # A transaction that the holder left open would keep the row for a minute.
        await end_orphaned_transactions(self._client)
        try:
            return await self._rows.find_one_and_update(
                {"_id": row["_id"], "holder": row["holder"], "heldUntil": row["heldUntil"], "answer": None},
                {"$set": held},
                return_document=ReturnDocument.AFTER,
                maxTimeMS=TAKING_MILLISECONDS,
            )
        except ExecutionTimeout:
            raise IdempotencyKeyInUse() from None

    async def _finish(self, lock: IdempotencyLock, kept: object) -> None:
        """Stores the response. Should that fail, the stored results stand for it: the change itself is committed."""
        change: Document = {"$set": {"answer": to_stored(kept)}}
        if kept is not REPLAY:
            change["$unset"] = {"outcomes": ""}
        try:
            await self._responses.submit(UpdateOne(lock.guard, change))
        except PyMongoError as fault:
            log.warning("a response could not be stored: %s", type(fault).__name__)

    async def _insert_all(self, rows: Sequence[Document]) -> list[bool | Exception]:
        """Whether each row is new. An expired one is the same as none, even before it is swept."""
        now = self._clock()
        writes = [ReplaceOne({"_id": row["_id"], "expiresAt": {"$lte": now}}, row, upsert=True) for row in rows]
        taken: set[int] = set()
        try:
            await self._rows.bulk_write(writes, ordered=False)
        except BulkWriteError as fault:
            taken = doubled(fault)
        return [place not in taken for place in range(len(rows))]

    async def _store_responses(self, changes: Sequence[UpdateOne]) -> list[Exception | None]:
        await self._rows.bulk_write(changes, ordered=False)
        return [None] * len(changes)

    async def _release(self, lock: IdempotencyLock) -> None:
        """Lets the next request with this key in at once; what was committed stays stored."""
        try:
            await self._rows.delete_one({**lock.guard, "outcomes": []})
            await self._rows.update_one(lock.guard, {"$set": {"heldUntil": self._clock()}})
        except PyMongoError as fault:
            log.warning("a key could not be released: %s", type(fault).__name__)


def _stored_results(row: Document) -> deque[Any]:
    return deque(from_stored(outcome) for outcome in row["outcomes"])
