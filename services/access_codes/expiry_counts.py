"""How many rows have expired at a moment, exact and flat in their number, without a sweep that marks them.

Rows are counted by the year, month, day and hour of their expiry (UTC), in the transactions that change them. What has
expired at a moment is then the whole years before its year, the whole months of its year before its month, and so on
down to its hour: at most 100 + 11 + 30 + 23 counts for a century. Of an hour it is known when its first and its last
row expire: only where the moment lies between them are its rows looked at one by one. Every row falls into exactly one
of these parts, and all are read from one snapshot, so the sum is exact.
"""

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from pymongo import ASCENDING, IndexModel, UpdateOne

from services.kit.counters import SHARDS, of_part, within
from services.kit.database import Database, Document

if TYPE_CHECKING:
    from services.kit.database import Session

Period = tuple[str, str, datetime]
"""A family, a level of time, and the start of one of its periods."""

EXPIRY_INDEXES = [IndexModel([("family", ASCENDING), ("level", ASCENDING), ("from", ASCENDING)], name="level")]


@dataclass(frozen=True, slots=True)
class Expiring:
    """Numbers of rows that expire within one hour, from the first to the last of them."""

    first: datetime
    last: datetime
    numbers: Mapping[str, int]


@dataclass(slots=True)
class Expired:
    """What of a family has expired before the hour of a moment, and what expires within that hour.

    Processes of release 1.0.0 write no `first` and `last`: of a family that they count, the hour tells nothing.
    """

    numbers: Counter[str] = field(default_factory=Counter)
    this_hour: list[Expiring] = field(default_factory=list)

    def is_settled(self, moment: datetime) -> bool:
        """Whether the rows of this hour expire before or after the moment together; `numbers` is all then."""
        if all(hour.last <= moment for hour in self.this_hour):
            for hour in self.this_hour:
                self.numbers.update(hour.numbers)
            return True
        return all(hour.first > moment for hour in self.this_hour)


def hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


class ExpiryCounts:
    """Named numbers by expiry for a family of rows and for the parts of it, in shards as `Counters` are."""

    def __init__(self, database: Database, family: str) -> None:
        self._rows = database.expiry_counts
        self._family = family
        self._shard = secrets.randbelow(SHARDS)

    async def add(self, session: "Session", changes: Iterable[tuple[str, Expiring]]) -> None:
        """Move the numbers of families, within a transaction."""
        updates = []
        for (family, level, start), sums in _by_period(changes).items():
            moved = {f"numbers.{name}": number for name, number in sums.numbers.items() if number}
            if moved:
                update: Document = {"$inc": moved, "$setOnInsert": {"family": family, "level": level, "from": start}}
                if level == "hour":
                    update |= {"$min": {"first": sums.first}, "$max": {"last": sums.last}}
                key = f"{family}/{level}/{start:%Y-%m-%dT%H}/{self._shard}"
                updates.append(UpdateOne({"_id": key}, update, upsert=True))
        if updates:
            await self._rows.bulk_write(updates, session=session, ordered=False)

    async def before(self, session: "Session", moment: datetime, families: Collection[str]) -> dict[str, Expired]:
        """What of each family has expired by this moment, from the snapshot of a session."""
        parts: list[Document] = []
        lower = None
        for level, start in _periods(moment).items():
            bounds = {"$lt": start} if lower is None else {"$gte": lower, "$lt": start}
            parts.append({"family": {"$in": [*families]}, "level": level, "from": bounds})
            lower = start
        parts.append({"family": {"$in": [*families]}, "level": "hour", "from": lower})
        expired = {family: Expired() for family in families}
        async for row in self._rows.find({"$or": parts}, session=session):
            found = expired[row["family"]]
            if row["level"] == "hour" and row["from"] == lower:
                found.this_hour.append(Expiring(row.get("first", lower), row.get("last", lower), row["numbers"]))
            else:
                found.numbers.update(row["numbers"])
        return expired

    async def clear(self, session: "Session") -> None:
        """Forget all numbers, as `Counters.clear` does, and before they are counted anew."""
        await self._rows.delete_many(within(self._family), session=session)

    async def kept(self, session: "Session") -> Counter[str]:
        """Every number that is kept, by the name of its period."""
        kept: Counter[str] = Counter()
        async for row in self._rows.find(within(self._family), session=session):
            kept.update(self._named((row["family"], row["level"], row["from"]), row["numbers"]))
        return kept

    def named(self, counted: Iterable[tuple[str, Expiring]]) -> dict[str, int]:
        """The same names for what was counted anew."""
        named: dict[str, int] = {}
        for period, sums in _by_period(counted).items():
            named |= self._named(period, sums.numbers)
        return named

    def _named(self, period: Period, numbers: Mapping[str, int]) -> dict[str, int]:
        family, level, start = period
        when = f"{of_part(self._family, family)} that expire in the {level} from {start:%Y-%m-%dT%H}"
        return {f"{name}{when}": number for name, number in numbers.items()}


def _periods(instant: datetime) -> dict[str, datetime]:
    """The start of each period that an instant lies in."""
    hour = hour_of(instant)
    day = hour.replace(hour=0)
    month = day.replace(day=1)
    return {"year": month.replace(month=1), "month": month, "day": day, "hour": hour}


def _by_period(changes: Iterable[tuple[str, Expiring]]) -> dict[Period, Expiring]:
    sums: dict[Period, Expiring] = {}
    for family, change in changes:
        for level, start in _periods(change.first).items():
            period = family, level, start
            total = sums.setdefault(period, replace(change, numbers=Counter()))
            assert isinstance(total.numbers, Counter)
            total.numbers.update(change.numbers)
            sums[period] = replace(total, first=min(total.first, change.first), last=max(total.last, change.last))
    return sums
