"""What is counted of access codes: totals, and how many have expired at the moment of asking.

Every write says what a code was and what it is; the counts move by the difference, in the same transaction.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.access_code import AccessCode
from services.access_codes.expiry_counts import ExpiryCounts, hour_of
from services.kit.counters import Counters
from services.kit.database import Database, aggregate

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
        """How many codes there are with this switch and this expiry; None leaves one open."""
        every, gone = self.total, self.expired
        if active is not None:
            every, gone = self.switched_on, self.expired_switched_on
            if not active:
                every, gone = self.total - every, self.expired - gone
        if expired is None:
            return every
        return gone if expired else every - gone


class AccessCodeCounts:
    """Moves and reads the counts of access codes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._totals = Counters(database, FAMILY)
        self._expiry = ExpiryCounts(database, FAMILY)

    async def move(self, session: "Session", changes: Iterable[Change]) -> None:
        """Follow these changes, within their transaction."""
        totals: Counter[str] = Counter()
        expiry: dict[datetime, Counter[str]] = {}
        for before, after in changes:
            for code, sign in ((before, -1), (after, 1)):
                if code is not None:
                    classes = _classes(code)
                    _add(totals, classes | {"usages": code.used_count}, sign)
                    _add(expiry.setdefault(hour_of(code.expires_at), Counter()), classes, sign)
        await self._totals.add(session, totals)
        await self._expiry.add(session, expiry)

    async def read(self, now: datetime) -> Census:
        """Everything at this moment, from one snapshot."""
        async with self._database.snapshot() as session:
            return await self._read(session, now)

    async def recount(self, session: "Session") -> None:
        """Count all codes anew, in place of what was counted."""
        await self._totals.clear(session)
        await self._expiry.clear(session)
        totals, hours = await self._count(session)
        await self._totals.add(session, totals)
        await self._expiry.put(session, hours)

    async def kept(self, session: "Session") -> dict[str, int]:
        """Every count by its name, as it is kept."""
        return {**await self._totals.read(session), **await self._expiry.kept(session)}

    async def counted(self, session: "Session") -> dict[str, int]:
        """Every count by its name, as the codes make it."""
        totals, hours = await self._count(session)
        return {**totals, **self._expiry.named(hours)}

    async def _count(self, session: "Session") -> tuple[Counter[str], list[tuple[datetime, dict[str, int]]]]:
        """The totals, and what expires in each hour."""
        one_if = {name: {"$sum": {"$cond": [condition, 1, 0]}} for name, condition in _CLASSES.items()}
        hour = {"$dateTrunc": {"date": "$expiresAt", "unit": "hour"}}
        group = {"$group": {"_id": hour, "usages": {"$sum": "$usedCount"}, **one_if}}
        totals: Counter[str] = Counter()
        hours: list[tuple[datetime, dict[str, int]]] = []
        async for row in aggregate(self._database.access_codes, [group], session=session):
            start = row.pop("_id")
            totals.update(row)
            hours.append((start, {name: row[name] for name in _CLASSES}))
        return totals, hours

    async def _read(self, session: "Session", now: datetime) -> Census:
        totals = await self._totals.read(session)
        expired = await self._expiry.before(session, now)
        one_if = {name: {"$sum": {"$cond": [condition, 1, 0]}} for name, condition in _CLASSES.items()}
        this_hour: list[dict[str, Any]] = [
            {"$match": {"expiresAt": {"$gte": hour_of(now), "$lte": now}}},
            {"$group": {"_id": None, **one_if}},
        ]
        async for row in aggregate(self._database.access_codes, this_hour, session=session):
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


# The classes that a code is counted in, as MongoDB and as the model tell them.
_CLASSES: dict[str, Any] = {
    "codes": True,
    "active": "$active",
    "full": "$full",
    "open": {"$and": ["$active", {"$not": "$full"}]},
}


def _classes(code: AccessCode) -> dict[str, int]:
    return {"codes": 1, "active": int(code.active), "full": int(code.is_full), "open": int(code.is_open)}


def _add(numbers: Counter[str], change: dict[str, int], sign: int) -> None:
    for name, number in change.items():
        numbers[name] += sign * number
