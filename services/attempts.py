"""The rate limit of public operations: one count for each client address, exact over all worker processes.

slowapi says what the limit is; the counts stand in MongoDB, because every worker has to see the same. Attempts that
arrive together are counted together: in one round trip from one address, in two from however many.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from secrets import token_hex
from typing import Any

from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError
from slowapi.util import get_remote_address
from slowapi.wrappers import LimitGroup

from models.errors import RateLimited
from models.principal import Principal
from services.batching import GroupCommit
from services.database import Database

UNLIMITED = "off"


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
        self._group: GroupCommit[str, tuple[int, float]] = GroupCommit(self._count, limit=1_000, recorded=False)

    async def count(self, principal: Principal) -> Attempt:
        """Count one public operation of this caller; raises `RateLimited` when it is one too many."""
        if not self._limit:
            return Attempt(principal, 0, 0, 0, 0)
        place, seconds = await self._group.submit(principal.address)
        attempt = Attempt(principal, self._limit, max(0, self._limit - place), max(0, ceil(seconds)), self._window)
        if place > self._limit:
            raise AttemptRefused(attempt)
        return attempt

    async def _count(self, addresses: Sequence[str]) -> list[tuple[int, float] | Exception]:
        """Each attempt's place in its window, and the seconds that the window has left."""
        arrived = Counter(addresses)
        rows = {row["_id"]: row for row in await self._add(arrived)}
        now = datetime.now(UTC)
        # A window that ended between the two round trips has forgotten this worker; its attempts are the first again.
        places = {
            address: rows[address]["last"].get(self._worker, number) - number for address, number in arrived.items()
        }
        answers: list[tuple[int, float] | Exception] = []
        for address in addresses:
            places[address] += 1
            answers.append((places[address], (rows[address]["expiresAt"] - now).total_seconds()))
        return answers

    async def _add(self, arrived: Mapping[str, int]) -> list[dict[str, Any]]:
        """Add to the counts of these addresses and answer their rows: one round trip for one, two for many."""
        shown = {f"last.{self._worker}": 1, "expiresAt": 1}
        if len(arrived) == 1:
            ((address, number),) = arrived.items()
            with suppress(DuplicateKeyError):  # Another worker inserted it at the same time: the bulk finds it.
                row = await self._counts.find_one_and_update(
                    {"_id": address}, self._increment(number), shown, upsert=True, return_document=ReturnDocument.AFTER
                )
                return [row]
        updates = [UpdateOne({"_id": address}, self._increment(n), upsert=True) for address, n in arrived.items()]
        try:
            await self._counts.bulk_write(updates, ordered=False)
        except BulkWriteError as fault:
            # Two workers inserted the same address at once: the loser's updates find the row on a second try.
            lost = [updates[error["index"]] for error in fault.details["writeErrors"] if error["code"] == 11000]
            if len(lost) != len(fault.details["writeErrors"]):
                raise
            await self._counts.bulk_write(lost, ordered=False)
        return await self._counts.find({"_id": {"$in": list(arrived)}}, shown).to_list(None)

    def _increment(self, number: int) -> list[dict[str, Any]]:
        """Add to the count, or begin a new window, by the server's clock.

        `last.<worker>` is the count just after this worker's own addition: the place of its attempts, whatever other
        workers add before it reads.
        """
        running = {"$gt": ["$expiresAt", "$$NOW"]}
        count = {"$add": [{"$cond": [running, "$count", 0]}, number]}
        return [
            {
                "$set": {
                    "count": count,
                    "last": {"$mergeObjects": [{"$cond": [running, "$last", {}]}, {self._worker: count}]},
                    "expiresAt": {
                        "$cond": [running, "$expiresAt", {"$add": ["$$NOW", self._window * 1000]}],
                    },
                }
            }
        ]
