"""What is counted of access codes: totals, and how many have expired at the moment of asking.

Every write says what a code was and what it is; the counts move by the difference, in the same transaction.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from typing_extensions import override

from models.access_codes.access_code import AccessCode
from services.access_codes.expiry_counts import ExpiryCounts, hour_of
from services.kit.counters import Counts
from services.kit.database import Database, Document, aggregate

if TYPE_CHECKING:
    from services.kit.database import Session

Change = tuple[AccessCode | None, AccessCode | None]
"""A code before and after; None where there is none."""

FAMILY = "accessCodes"


@dataclass(frozen=True, slots=True)
class Census:
    """Counts of one moment. `switched_on` are the active ones, `usable` those of them neither expired nor full."""

    total: int
    usages: int
    full: int
    switched_on: int
    expired: int
    expired_switched_on: int
    usable: int

    def of(self, *, active: bool | None, expired: bool | None) -> int:
        """Returns how many codes there are with this switch and this expiry; None leaves one open."""
        every, gone = self.total, self.expired
        if active is not None:
            every, gone = self.switched_on, self.expired_switched_on
            if not active:
                every, gone = self.total - every, self.expired - gone
        if expired is None:
            return every
        return gone if expired else every - gone


class AccessCodeCounts(Counts):
    """Moves and reads the counts of access codes."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, FAMILY, database.access_codes, "codes")
        self._expiry = ExpiryCounts(database, FAMILY)

    async def move(self, session: "Session", changes: Iterable[Change]) -> None:
        """Follows these changes, within their transaction."""
        totals: Counter[str] = Counter()
        expiry: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
        for change in changes:
            for code, sign in zip(change, (-1, 1), strict=True):
                if code is not None:
                    totals["usages"] += sign * code.used_count
                    for name in _classes_of(code):
                        totals[name] += sign
                        expiry[hour_of(code.expires_at)][name] += sign
        await self._totals.add(session, totals)
        await self._expiry.add(session, expiry)

    async def read(self, now: datetime) -> Census:
        """Returns everything at this moment, from one snapshot."""
        this_hour: list[Document] = [
            {"$match": {"expiresAt": {"$gte": hour_of(now), "$lte": now}}},
            {"$group": {"_id": None, **_SUMS}},
        ]
        async with self._database.snapshot() as session:
            totals = await self._totals.read(session)
            expired = await self._expiry.before(session, now)
            async for row in aggregate(self._rows, this_hour, session=session):
                expired.update({name: row[name] for name in _CLASSES})
        return Census(
            total=totals.get("codes", 0),
            usages=totals.get("usages", 0),
            full=totals.get("full", 0),
            switched_on=totals.get("active", 0),
            expired=expired["codes"],
            expired_switched_on=expired["active"],
            usable=totals.get("open", 0) - expired["open"],
        )

    @override
    async def kept(self, session: "Session") -> dict[str, int]:
        return {**await super().kept(session), **await self._expiry.kept(session)}

    @override
    async def counted(self, session: "Session") -> dict[str, int]:
        totals, hours = await self._count(session)
        return {**totals, **self._expiry.named(hours)}

    @override
    async def recount(self, session: "Session") -> None:
        await self._totals.clear(session)
        await self._expiry.clear(session)
        totals, hours = await self._count(session)
        await self._totals.add(session, totals)
        await self._expiry.put(session, hours)

    async def _count(self, session: "Session") -> tuple[Counter[str], list[tuple[datetime, dict[str, int]]]]:
        """The totals, and what expires in each hour."""
        hour = {"$dateTrunc": {"date": "$expiresAt", "unit": "hour"}}
        group = {"$group": {"_id": hour, "usages": {"$sum": "$usedCount"}, **_SUMS}}
        totals: Counter[str] = Counter()
        hours: list[tuple[datetime, dict[str, int]]] = []
        async for row in aggregate(self._rows, [group], session=session):
            start = row.pop("_id")
            totals.update(row)
            hours.append((start, {name: row[name] for name in _CLASSES}))
        return totals, hours


# The classes that a code is counted in, as MongoDB and as the model tell them.
_CLASSES: Mapping[str, object] = {
    "codes": True,
    "active": "$active",
    "full": "$full",
    "open": {"$and": ["$active", {"$not": "$full"}]},
}
_SUMS = {name: {"$sum": {"$cond": [condition, 1, 0]}} for name, condition in _CLASSES.items()}


def _classes_of(code: AccessCode) -> list[str]:
    judged = {"codes": True, "active": code.active, "full": code.is_full, "open": code.is_open}
    return [name for name, holds in judged.items() if holds]
