"""The rate limit of public operations: one count for each client address, exact over all worker processes.

slowapi reads what the limit is; the counts stand in MongoDB, because every worker has to see the same. Hits that
arrive together are counted together, and a busy worker has hits counted before they come, which it then admits without
asking (see `windows`). An address that has passed its limit is refused for a second without asking, so that a flood
costs the database next to nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple, Self, TypeAlias

from slowapi.util import get_remote_address
from slowapi.wrappers import LimitGroup

from models.errors import RateLimited
from models.principal import Principal
from services.kit.database import Database
from services.kit.windows.counter import HitCounter
from services.kit.windows.reservations import Hit

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

    def __await__(self) -> Generator[object, None, Self]:
        """Returns itself: what is counted may be awaited like what is not yet."""
        yield from ()
        return self


class RateLimitExceeded(RateLimited):
    """429 with the state of the window."""

    def __init__(self, stats: WindowStats) -> None:
        self.stats = stats
        super().__init__(max(1, stats.resets_in_seconds))

    @property
    def headers(self) -> dict[str, str]:
        return {**self.stats.headers, "Retry-After": str(self.retry_after)}


@dataclass(slots=True, eq=False)
class PendingPermit:
    """A public operation that is being counted: the right to read meanwhile, and to write or respond once it is.

    Awaited, as often as one likes, it returns the permit, or raises `RateLimitExceeded` when the operation is one too
    many.
    """

    principal: Principal
    _hit: Awaitable[Hit]
    _judge: Callable[[Principal, Hit, bool], RateLimitPermit]
    _judged: bool = False

    def __await__(self) -> Generator[object, None, RateLimitPermit]:
        hit = yield from self._hit.__await__()
        again, self._judged = self._judged, True
        return self._judge(self.principal, hit, again)


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
        self._limited = database.metrics.rate_limited
        self._counter = HitCounter(database, self._amount, self._window_seconds)
        self._refused: dict[str, tuple[Hit, float]] = {}
        """The last hit of addresses that have passed their limits, and until when that is taken for granted."""

    def hit(self, principal: Principal) -> Permit:
        """Counts one public operation of this caller: await it at once, or after what only reads.

        Raises `RateLimitExceeded`, here already where the address is known to have passed its limit.
        """
        if not self._amount:
            return RateLimitPermit(principal)
        address, now = principal.address, asyncio.get_running_loop().time()
        if (hit := self._counter.take(address, now)) is not None:
            return RateLimitPermit(principal, self._stats(hit, now))
        if address in self._refused:
            hit, until = self._refused[address]
            if until > now:
                self._judge(principal, hit)
            del self._refused[address]
        return PendingPermit(principal, self._counter.count(address), self._judge)

    async def close(self) -> None:
        """Waits until everything is counted, and gives back what this worker holds for hits to come."""
        await self._counter.close()

    def _judge(self, principal: Principal, hit: Hit, again: bool = False) -> RateLimitPermit:
        now = asyncio.get_running_loop().time()
        stats = self._stats(hit, now)
        if hit.number > self._amount:
            self._refused.setdefault(principal.address, (hit, min(now + REMEMBERED_SECONDS, hit.window_ends)))
            if len(self._refused) > REMEMBERED:
                del self._refused[next(iter(self._refused))]
            if not again:
                self._limited.inc()
            raise RateLimitExceeded(stats)
        return RateLimitPermit(principal, stats)

    def _stats(self, hit: Hit, now: float) -> WindowStats:
        remaining, resets_in = max(0, self._amount - hit.number), max(0, ceil(hit.window_ends - now))
        return WindowStats(self._amount, self._window_seconds, remaining, resets_in)
