"""The rate limit of public operations: one count for each client address, exact over all worker processes.

slowapi reads what the limit is; the counts stand in MongoDB, because every worker has to see the same. Hits that
arrive together are counted together: in one round trip from one address, in two from however many. An address that has
passed its limit is refused for a second without any, so that a flood costs the database next to nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from secrets import token_hex
from typing import NamedTuple, TypeAlias

from bson import encode
from bson.raw_bson import RawBSONDocument
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError
from slowapi.util import get_remote_address
from slowapi.wrappers import LimitGroup

from models.errors import RateLimited
from models.principal import Principal
from services.kit.batching import GroupCommit
from services.kit.database import Database, Document
from services.kit.transactions import doubled

UNLIMITED = "off"
REMEMBERED, REMEMBERED_SECONDS = 10_000, 1.0
"""How many refused addresses a worker remembers, and for how long: who lifts a count by hand need not wait."""


class WindowStats(NamedTuple):
    """The state of a window just after one hit. An `amount` of 0: nothing is limited."""

    amount: int
    window_seconds: int
    remaining: int
    resets_in_seconds: int

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """`RateLimit-*` as ASGI takes them, the policy among them; none where nothing is limited."""
        if not self.amount:
            return []
        return [
            (b"ratelimit-limit", b"%d" % self.amount),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % self.resets_in_seconds),
            (b"ratelimit-policy", b"%d;w=%d" % (self.amount, self.window_seconds)),
        ]

    @property
    def headers(self) -> dict[str, str]:
        """The same as text."""
        return {name.decode(): value.decode() for name, value in self.raw_headers}


NO_LIMIT = WindowStats(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class RateLimitPermit:
    """The right to run one public operation, which has been counted. Public verbs take it in place of a principal."""

    principal: Principal
    stats: WindowStats = NO_LIMIT


class RateLimitExceeded(RateLimited):
    """429 with the state of the window."""

    def __init__(self, stats: WindowStats) -> None:
        self.stats = stats
        super().__init__(max(1, stats.resets_in_seconds))

    @property
    def headers(self) -> dict[str, str]:
        return {**self.stats.headers, "Retry-After": str(self.retry_after)}


class _Hit(NamedTuple):
    """The number of a hit in its window, which ends at this time of the event loop."""

    number: int
    window_ends: float


@dataclass(frozen=True, slots=True)
class PendingPermit:
    """A public operation that is being counted: the right to read meanwhile, and to write or respond once it is.

    Awaited, as often as one likes, it returns the permit, or raises `RateLimitExceeded` when the operation is one too
    many.
    """

    principal: Principal
    _hit: Awaitable[_Hit] | None = None
    _judge: Callable[[Principal, _Hit], RateLimitPermit] | None = None

    def __await__(self) -> Generator[object, None, RateLimitPermit]:
        if self._hit is None or self._judge is None:
            return RateLimitPermit(self.principal)
        return self._judge(self.principal, (yield from self._hit.__await__()))


Permit: TypeAlias = RateLimitPermit | PendingPermit


class RateLimiter:
    """Counts public operations by client address in fixed windows that begin with the first hit.

    `rate_limit` is one limit in slowapi's words (`100/15minutes`), or `off`.
    """

    def __init__(self, database: Database, rate_limit: str) -> None:
        self._amount, self._window_seconds = 0, 0
        if rate_limit != UNLIMITED:
            (limit,) = LimitGroup(rate_limit, get_remote_address, "public", False, None, None, None, 1, False)
            self._amount, self._window_seconds = limit.limit.amount, limit.limit.get_expiry()
        self._counts = database.rate_limits
        self._worker = token_hex(4)
        # Encoded once: nearly every hit is one of its address in its batch.
        self._add_one = [RawBSONDocument(encode(self._addition(1)))]
        self._group: GroupCommit[str, _Hit] = GroupCommit(self._count, limit=1_000, idempotent=False)
        self._refused: dict[str, tuple[_Hit, float]] = {}
        """The last hit of addresses that have passed their limits, and until when that is taken for granted."""

    def hit(self, principal: Principal) -> PendingPermit:
        """Counts one public operation of this caller: await it at once, or after what only reads.

        Raises `RateLimitExceeded`, here already where the address is known to have passed its limit.
        """
        if not self._amount:
            return PendingPermit(principal)
        if principal.address in self._refused:
            hit, until = self._refused[principal.address]
            if until > asyncio.get_running_loop().time():
                self._judge(principal, hit)
            del self._refused[principal.address]
        return PendingPermit(principal, self._group.submit(principal.address), self._judge)

    def _judge(self, principal: Principal, hit: _Hit) -> RateLimitPermit:
        now = asyncio.get_running_loop().time()
        remaining, resets_in = max(0, self._amount - hit.number), max(0, ceil(hit.window_ends - now))
        stats = WindowStats(self._amount, self._window_seconds, remaining, resets_in)
        if hit.number > self._amount:
            self._refused.setdefault(principal.address, (hit, min(now + REMEMBERED_SECONDS, hit.window_ends)))
            if len(self._refused) > REMEMBERED:
                del self._refused[next(iter(self._refused))]
            raise RateLimitExceeded(stats)
        return RateLimitPermit(principal, stats)

    async def _count(self, addresses: Sequence[str]) -> list[_Hit | Exception]:
        arrived = Counter(addresses)
        rows = {row["_id"]: row for row in await self._add(arrived)}
        now = asyncio.get_running_loop().time()
        ends = {address: now + row["left"] / 1_000 for address, row in rows.items()}
        # A window that ended between the two round trips has forgotten this worker; its hits are the first again.
        last = {
            address: rows[address]["last"].get(self._worker, number) - number for address, number in arrived.items()
        }
        hits: list[_Hit | Exception] = []
        for address in addresses:
            last[address] += 1
            hits.append(_Hit(last[address], ends[address]))
        return hits

    async def _add(self, arrived: Mapping[str, int]) -> list[Document]:
        """Adds to the counts of these addresses and returns their rows; `left` is in milliseconds."""
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
            await self._counts.bulk_write([updates[place] for place in sorted(doubled(fault))], ordered=False)
        return await self._counts.find({"_id": {"$in": list(arrived)}}, shown).to_list(None)

    def _addition(self, number: int) -> Document:
        """Adds to the count, or begins a new window, by the server's clock.

        `last.<worker>` is the count just after this worker's own addition: the number of its last hit, whatever
        other workers add before it reads.
        """
        running = {"$gt": ["$expiresAt", "$$NOW"]}
        count = {"$add": [{"$cond": [running, "$count", 0]}, number]}
        return {
            "$set": {
                "count": count,
                "last": {"$mergeObjects": [{"$cond": [running, "$last", {}]}, {self._worker: count}]},
                "expiresAt": {"$cond": [running, "$expiresAt", {"$add": ["$$NOW", self._window_seconds * 1000]}]},
            }
        }
