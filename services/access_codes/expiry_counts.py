"""How many rows have expired at a moment, exact and flat in their number, without a sweep that marks them.

Rows are counted by the year, month, day and hour of their expiry (UTC), in the transactions that change them. What has
expired at a moment is then the whole years before its year, the whole months of its year before its month, and so on
down to its hour: at most 100 + 11 + 30 + 23 counts for a century. Only the rows that expire within the current hour are
looked at one by one, in an index that covers the question. Every row falls into exactly one of these parts, and all are
read from one snapshot, so the sum is exact.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from pymongo import ASCENDING, IndexModel, UpdateOne

from services.kit.counters import SHARDS
from services.kit.database import Database, Document

if TYPE_CHECKING:
    from services.kit.database import Session

Numbers = Mapping[str, int]

EXPIRY_INDEXES = [IndexModel([("family", ASCENDING), ("level", ASCENDING), ("from", ASCENDING)], name="level")]


def hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def _periods(hour: datetime) -> dict[str, datetime]:
    """The start of each period that an hour lies in."""
    day = hour.replace(hour=0)
    month = day.replace(day=1)
    return {"year": month.replace(month=1), "month": month, "day": day, "hour": hour}


def _name(level: str, start: datetime, name: str) -> str:
    return f"{name} that expire in the {level} from {start:%Y-%m-%dT%H}"


class ExpiryCounts:
    """Named numbers by expiry for one family of rows, in shards as `Counters` are."""

    def __init__(self, database: Database, family: str) -> None:
        self._rows = database.expiry_counts
        self._family = family
        self._shard = secrets.randbelow(SHARDS)

    async def add(self, session: "Session", changes: Mapping[datetime, Numbers]) -> None:
        """Move the numbers of the hours given, within a transaction."""
        updates = [
            UpdateOne({"_id": self._key(level, start)}, {"$inc": moved, "$setOnInsert": self._head(level, start)}, True)
            for level, start, numbers in self._by_period(changes.items())
            if (moved := {f"numbers.{name}": number for name, number in numbers.items() if number})
        ]
        if updates:
            await self._rows.bulk_write(updates, session=session, ordered=False)

    async def before(self, session: "Session", moment: datetime) -> Counter[str]:
        """The numbers of all hours that ended by this moment, from the snapshot of a transaction."""
        starts, parts, lower = _periods(hour_of(moment)), [], None
        for level, start in starts.items():
            within = {"$lt": start} if lower is None else {"$gte": lower, "$lt": start}
            parts.append({"family": self._family, "level": level, "from": within})
            lower = start
        totals: Counter[str] = Counter()
        async for row in self._rows.find({"$or": parts}, {"_id": 0, "numbers": 1}, session=session):
            totals.update(row["numbers"])
        return totals

    async def clear(self, session: "Session") -> None:
        """Forget all numbers, as `Counters.clear` does, and before they are counted anew."""
        await self._rows.delete_many({"family": self._family}, session=session)

    async def put(self, session: "Session", counted: Iterable[tuple[datetime, Numbers]]) -> None:
        """Put numbers that were counted anew in place of what was cleared."""
        rows = [
            {"_id": self._key(level, start), **self._head(level, start), "numbers": dict(numbers)}
            for level, start, numbers in self._by_period(counted)
        ]
        if rows:
            await self._rows.insert_many(rows, session=session, ordered=False)

    async def kept(self, session: "Session") -> Counter[str]:
        """Every number that is kept, by the name of its period."""
        kept: Counter[str] = Counter()
        async for row in self._rows.find({"family": self._family}, session=session):
            kept.update({_name(row["level"], row["from"], name): number for name, number in row["numbers"].items()})
        return kept

    def named(self, counted: Iterable[tuple[datetime, Numbers]]) -> dict[str, int]:
        """The same names for what was counted anew."""
        return {
            _name(level, start, name): number
            for level, start, numbers in self._by_period(counted)
            for name, number in numbers.items()
        }

    def _by_period(self, hours: Iterable[tuple[datetime, Numbers]]) -> list[tuple[str, datetime, Numbers]]:
        sums: dict[tuple[str, datetime], Counter[str]] = {}
        for hour, numbers in hours:
            for period in _periods(hour).items():
                sums.setdefault(period, Counter()).update(numbers)
        return [(level, start, numbers) for (level, start), numbers in sums.items()]

    def _key(self, level: str, start: datetime) -> str:
        return f"{self._family}/{level}/{start:%Y-%m-%dT%H}/{self._shard}"

    def _head(self, level: str, start: datetime) -> Document:
        return {"family": self._family, "level": level, "from": start}
