"""Idempotency keys: the first request with a key is carried out, each further one is given the first one's answer.

What is promised, for 24 hours from the first request, over all processes, restarts and crashes:

- The effect of a key happens at most once. Each transaction writes its outcome into the key's row and does so only
  while its request still holds the key; either both are committed or neither is. A request that has lost its key to a
  later one, because it ran longer than `HOLD`, can no longer commit anything.
- The answer is kept before it is sent, so a later request gets it as it was, byte for byte. Where what is answered
  depends on what is asked for (a selection in GraphQL), the outcomes of the transactions are kept in its place, and the
  answer is made from them again. So it is too when the process died after the effect and before it kept the answer, as
  soon as `HOLD` is over. Fields that tell of the moment of asking, such as a code's remaining days, tell of it anew.
- Another body under the same key is refused (422 `IDEMPOTENCY_KEY_REUSED`), and so is a second request while the first
  is running or may still be (409 `IDEMPOTENCY_KEY_IN_USE`).
- What failed (5xx) or was over the rate limit is not kept: the key is free for another try, which still does not repeat
  an effect that was committed.

An effect outside of `Database.transaction` would not be covered; there is none.
"""

import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from pymongo import ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from models.idempotency import IdempotencyKeyInUse, IdempotencyKeyReused, row_id
from models.principal import Principal
from models.stored import stored
from services.kit.batching import GroupCommit
from services.kit.database import Database
from services.kit.idempotency_locks import Receipt, holding
from services.kit.stored_results import from_stored, to_stored

log = logging.getLogger("tessera.idempotency")

Answer = TypeVar("Answer")
_Row = dict[str, Any]

DUPLICATE_KEY = 11000

LIFETIME = timedelta(hours=24)
HOLD = timedelta(seconds=30)
"""How long a request may run before another with its key is let in; as long as a request may take at all."""


@stored("again")
class Again(Enum):
    """What `keep` answers to have the outcomes kept, and the answer made from them by another run."""

    AGAIN = "again"


AGAIN = Again.AGAIN


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Any


class Idempotency:
    """Keeps the answers of changes by their callers' keys."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._rows = database.idempotency_keys
        self._clock = clock
        # Keys that come together are written together, as their effects are.
        self._inserts: GroupCommit[_Row, bool] = GroupCommit(self._insert_all, recorded=False)
        self._answers: GroupCommit[UpdateOne, None] = GroupCommit(self._answer_all, recorded=False)

    async def close(self) -> None:
        await self._inserts.close()
        await self._answers.close()

    async def once(
        self,
        caller: Principal,
        key: str,
        fingerprint: str,
        run: Callable[[], Awaitable[Answer]],
        *,
        keep: Callable[[Answer], Any],
    ) -> Answer | Any:
        """What `run` answers, or what `keep` made of the first answer of this caller's key.

        `keep` returns what `services.kit.stored_results` stores, `AGAIN`, or None where the answer is not to be kept.
        Raises `IdempotencyKeyReused` and `IdempotencyKeyInUse`.
        """
        claim = await self._claim(row_id(caller, key), fingerprint)
        if isinstance(claim, _Kept):
            return claim.answer
        if not claim.holder:
            with holding(claim):
                return await run()
        try:
            with holding(claim):
                answer = await run()
        except Exception:
            await self._release(claim)
            raise
        # A request that was cancelled may have left its effect under way: it keeps its hold until that runs out.
        kept = keep(answer)
        if kept is None:
            await self._release(claim)
        else:
            await self._finish(claim, kept)
        return answer

    async def _claim(self, identifier: str, fingerprint: str) -> Receipt | _Kept:
        now = self._clock()
        holder = secrets.token_hex(8)
        held = {"holder": holder, "heldUntil": now + HOLD}
        fresh = {"fingerprint": fingerprint, "outcomes": [], "answer": None, "expiresAt": now + LIFETIME, **held}
        while True:
            if await self._inserts.submit({"_id": identifier, **fresh}):
                return Receipt(identifier, holder)
            row = await self._rows.find_one({"_id": identifier})
            if row is None:
                continue
            if row["fingerprint"] != fingerprint:
                raise IdempotencyKeyReused()
            if row["answer"] is not None:
                kept = from_stored(row["answer"])
                return _Kept(kept) if kept is not AGAIN else Receipt(identifier, "", _recorded(row))
            if row["heldUntil"] > now:
                raise IdempotencyKeyInUse()
            taken = await self._rows.find_one_and_update(
                {"_id": identifier, "holder": row["holder"], "heldUntil": row["heldUntil"], "answer": None},
                {"$set": held},
                return_document=ReturnDocument.AFTER,
            )
            if taken is not None:
                return Receipt(identifier, holder, _recorded(taken))

    async def _finish(self, receipt: Receipt, kept: Any) -> None:
        """Keep the answer. Should that fail, the recorded outcomes stand for it: the change itself is committed."""
        change: dict[str, Any] = {"$set": {"answer": to_stored(kept)}}
        if kept is not AGAIN:
            change["$unset"] = {"outcomes": ""}
        try:
            await self._answers.submit(UpdateOne({"_id": receipt.row_id, "holder": receipt.holder}, change))
        except PyMongoError as fault:
            log.warning("an answer could not be kept: %s", type(fault).__name__)

    async def _insert_all(self, rows: Sequence[_Row]) -> list[bool | Exception]:
        """Whether each row is new. An expired one is the same as none, even before it is swept."""
        now = self._clock()
        writes = [ReplaceOne({"_id": row["_id"], "expiresAt": {"$lte": now}}, row, upsert=True) for row in rows]
        taken: set[int] = set()
        try:
            await self._rows.bulk_write(writes, ordered=False)
        except BulkWriteError as fault:
            errors = fault.details["writeErrors"]
            if any(error["code"] != DUPLICATE_KEY for error in errors):
                raise
            taken = {error["index"] for error in errors}
        return [place not in taken for place in range(len(rows))]

    async def _answer_all(self, changes: Sequence[UpdateOne]) -> list[Exception | None]:
        await self._rows.bulk_write(changes, ordered=False)
        return [None] * len(changes)

    async def _release(self, receipt: Receipt) -> None:
        """Let the next request with this key in at once; what was committed stays recorded."""
        mine = {"_id": receipt.row_id, "holder": receipt.holder}
        try:
            await self._rows.delete_one({**mine, "outcomes": []})
            await self._rows.update_one(mine, {"$set": {"heldUntil": self._clock()}})
        except PyMongoError as fault:
            log.warning("a key could not be released: %s", type(fault).__name__)


def _recorded(row: Mapping[str, Any]) -> deque[Any]:
    return deque(from_stored(outcome) for outcome in row["outcomes"])
