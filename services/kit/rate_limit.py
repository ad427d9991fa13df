"""The rate limit of public operations: one count for each client address, exact over all worker processes.

slowapi says what the limit is; the counts stand in MongoDB, because every worker has to see the same. Attempts that
arrive together are counted together: in one round trip from one address, in two from however many. An address that has
passed its limit is refused for a second without any, so that a flood costs the database next to nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from secrets import token_hex
from typing import Any, NamedTuple, TypeAlias

from bson import encode
from bson.raw_bson import RawBSONDocument
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError
from slowapi.util import get_remote_address
from slowapi.wrappers import LimitGroup

from models.errors import RateLimited
from models.principal import Principal
from services.kit.batching import GroupCommit
from services.kit.database import Database

UNLIMITED = "off"
REMEMBERED, REMEMBERED_SECONDS = 10_000, 1.0
"""How many refused addresses a worker remembers, and for how long: who lifts a count by hand need not wait."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A counted public operation, and the right to run one. Public verbs take it in place of a principal.

    `limit` is 0 where nothing is limited.
    """

    principal: Principal
    limit: int
    remaining: int
    reset: int
    window: int

    async def settled(self) -> "Attempt":
        """Itself: it is counted."""
        return self

    @property
    def headers(self) -> dict[str, str]:
        """`RateLimit-*`, with the time to the next window and the policy in seconds; none where nothing is limited."""
        return {name.decode(): value.decode() for name, value in self.raw_headers}

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The same as ASGI takes them."""
        if not self.limit:
            return []
        return [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % self.reset),
            (b"ratelimit-policy", b"%d;w=%d" % (self.limit, self.window)),
        ]


@dataclass(frozen=True, slots=True)
class PendingAttempt:
    """A public operation that is being counted: the right to read meanwhile, and to answer once it is settled."""

    principal: Principal
    _place: Awaitable["_Place"]
    _judge: Callable[[Principal, "_Place"], Attempt]

    async def settled(self) -> Attempt:
        """The attempt, counted; raises `AttemptRefused` when it is one too many."""
        return self._judge(self.principal, await self._place)


AttemptToRead: TypeAlias = Attempt | PendingAttempt


class _Place(NamedTuple):
    """Of an attempt in its window, which ends at this time of the event loop."""

    number: int
    window_ends: float


class AttemptRefused(RateLimited):
    """429 with the state of the count."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        super().__init__(max(1, attempt.reset))

    @property
    def headers(self) -> dict[str, str]:
        return {**self.attempt.headers, "Retry-After": str(self.retry_after)}


class Attempts:
    """Counts public operations by client address in fixed windows that begin with the first attempt.

    `rate_limit` is one limit in slowapi's words (`100/15minutes`), or `off`.
    """

    def __init__(self, database: Database, rate_limit: str) -> None:
        self._limit, self._window = 0, 0
        if rate_limit != UNLIMITED:
            (limit,) = LimitGroup(rate_limit, get_remote_address, "public", False, None, None, None, 1, False)
            self._limit, self._window = limit.limit.amount, limit.limit.get_expiry()
        self._counts = database.attempts
        self._worker = token_hex(4)
        # Encoded once: nearly every attempt is one of its address in its batch.
        self._add_one = [RawBSONDocument(encode(self._addition(1)))]
        self._group: GroupCommit[str, _Place] = GroupCommit(self._count, limit=1_000, recorded=False)
        self._refused: dict[str, tuple[_Place, float]] = {}
        """The place of addresses that have passed their limits, and until when that is taken for granted."""

    async def count(self, principal: Principal) -> Attempt:
        """Count one public operation of this caller; raises `AttemptRefused` when it is one too many."""
        return await self.begin(principal).settled()

    def begin(self, principal: Principal) -> AttemptToRead:
        """The same for a read, which may run while it is counted. May raise `AttemptRefused` at once."""
        if not self._limit:
            return Attempt(principal, 0, 0, 0, 0)
        if principal.address in self._refused:
            place, until = self._refused[principal.address]
            if until > asyncio.get_running_loop().time():
                return self._judge(principal, place)
            del self._refused[principal.address]
        return PendingAttempt(principal, self._group.submit(principal.address), self._judge)

    def _judge(self, principal: Principal, place: _Place) -> Attempt:
        now = asyncio.get_running_loop().time()
        remaining, reset = max(0, self._limit - place.number), max(0, ceil(place.window_ends - now))
        attempt = Attempt(principal, self._limit, remaining, reset, self._window)
        if place.number > self._limit:
            self._refused.setdefault(principal.address, (place, min(now + REMEMBERED_SECONDS, place.window_ends)))
            if len(self._refused) > REMEMBERED:
                del self._refused[next(iter(self._refused))]
            raise AttemptRefused(attempt)
        return attempt

    async def _count(self, addresses: Sequence[str]) -> list[_Place | Exception]:
        arrived = Counter(addresses)
        rows = {row["_id"]: row for row in await self._add(arrived)}
        now = asyncio.get_running_loop().time()
        ends = {address: now + row["left"] / 1_000 for address, row in rows.items()}
        # A window that ended between the two round trips has forgotten this worker; its attempts are the first again.
        places = {
            address: rows[address]["last"].get(self._worker, number) - number for address, number in arrived.items()
        }
        answers: list[_Place | Exception] = []
        for address in addresses:
            places[address] += 1
            answers.append(_Place(places[address], ends[address]))
        return answers

    async def _add(self, arrived: Mapping[str, int]) -> list[dict[str, Any]]:
        """Add to the counts of these addresses and answer their rows, with the milliseconds `left` of their windows."""
        shown = {f"last.{self._worker}": 1, "left": {"$subtract": ["$expiresAt", "$$NOW"]}}
        additions = {a: self._add_one if n == 1 else [self._addition(n)] for a, n in arrived.items()}
        if len(arrived) == 1:
            ((address, addition),) = additions.items()
            with suppress(DuplicateKeyError):  # Another worker inserted it at the same time: the bulk finds it.
                row = await self._counts.find_one_and_update(
                    {"_id": address}, addition, shown, upsert=True, return_document=ReturnDocument.AFTER
                )
                return [row] if row is not None else []
        updates = [UpdateOne({"_id": address}, addition, upsert=True) for address, addition in additions.items()]
        try:
            await self._counts.bulk_write(updates, ordered=False)
        except BulkWriteError as fault:
            # Two workers inserted the same address at once: the loser's updates find the row on a second try.
            lost = [updates[error["index"]] for error in fault.details["writeErrors"] if error["code"] == 11000]
            if len(lost) != len(fault.details["writeErrors"]):
                raise
            await self._counts.bulk_write(lost, ordered=False)
        return await self._counts.find({"_id": {"$in": list(arrived)}}, shown).to_list(None)

    def _addition(self, number: int) -> dict[str, Any]:
        """Add to the count, or begin a new window, by the server's clock.

        `last.<worker>` is the count just after this worker's own addition: the place of its attempts, whatever other
        workers add before it reads.
        """
        running = {"$gt": ["$expiresAt", "$$NOW"]}
        count = {"$add": [{"$cond": [running, "$count", 0]}, number]}
        return {
            "$set": {
                "count": count,
                "last": {"$mergeObjects": [{"$cond": [running, "$last", {}]}, {self._worker: count}]},
                "expiresAt": {"$cond": [running, "$expiresAt", {"$add": ["$$NOW", self._window * 1000]}]},
            }
        }
