"""Hourly totals against the rows that they count: compared and put right some days at a time, while others write.

Days are counted anew in one transaction, which forgets what is stored of them before it counts: whoever moves it
meanwhile conflicts and waits. Days that are right are left alone, so this may be killed and run again, and finishes the
rest.
"""

import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeAlias

from pymongo import IndexModel

from services.kit.counters import agrees
from services.kit.database import Database, Document, Session, aggregate
from services.kit.hourly.totals import ALL, RECOUNTED, HourlyChanges, HourlySource, day_of, fields_of, loaded
from services.kit.indexes import ensure_indexes
from services.kit.snapshots import read_again

log = logging.getLogger("tessera.migration")

DAY = timedelta(days=1)
SHOWN_EVERY = 2.0
"""Seconds between two lines of progress."""

ROWS_TOGETHER = 20_000
DAYS_TOGETHER = 31
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)


Totals: TypeAlias = dict[tuple[datetime, str], Counter[str]]
"""The fields of each day and part."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored total that is not what its rows make it: `name` says of which hour, an amount is in cents."""

    day: datetime
    name: str
    number: str
    stored: int
    counted: int


@dataclass(frozen=True, slots=True)
class Judged:
    """Some days as they were found: their rows, how many totals of an hour they have, and those that are wrong."""

    rows: int
    checked: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class _Days:
    """Days that are judged together: the first, and the one after the last, None where there is none."""

    first: datetime
    end: datetime | None

    def within(self) -> Document:
        return {"$gte": self.first} if self.end is None else {"$gte": self.first, "$lt": self.end}


class HourlyAudit:
    """The totals of one series against its rows."""

    def __init__(self, database: Database, source: HourlySource) -> None:
        self._database = database
        self._source = source
        self._rows = database.collection(source.collection)

    async def judge(self, *, repair: bool) -> AsyncGenerator[Judged, None]:
        """Yields what is found of all days that have rows or totals; with `repair` what is wrong is counted anew."""
        after: datetime | None = _FIRST
        while after is not None and (days := await self._next_days(after)) is not None:
            judged = await read_again(self._database, partial(self._judge, days))
            if judged.differences and repair:
                judged = await self._database.transaction(partial(self._recount, days))
            yield judged
            after = days.end

    async def catch_up(self, *, thorough: bool) -> int:
        """Counts what is not counted; returns how many days were wrong. Constant time where the numbers agree."""
        if not thorough and await agrees(self._counted, self._rows):
            return 0
        total, done, wrong, shown = await self._rows.estimated_document_count(), 0, 0, time.monotonic()
        async for judged in self.judge(repair=True):
            done, wrong = done + judged.rows, wrong + len({one.day for one in judged.differences})
            if time.monotonic() - shown >= SHOWN_EVERY:
                shown = time.monotonic()
                log.info("%s by the hour: counted %d of %d rows", self._source.name, done, total)
        if wrong:
            log.info("%s by the hour: %d days were counted anew, %d rows in all", self._source.name, wrong, done)
        return wrong

    async def _next_days(self, after: datetime) -> _Days | None:
        """The next days, from the first that has rows or totals on.

        A month at most, and not many rows together; yesterday and what follows it, which others may be writing to,
        each by itself.
        """
        at, name = self._source.at, self._source.name
        row = await self._rows.find_one({at: {"$gte": after}}, {at: 1}, sort=[(at, 1)])
        query = {"series": name, "day": {"$gte": after}}
        total = await self._database.counters.find_one(query, {"day": 1}, sort=[("day", 1)])
        found = [each[field] for each, field in ((row, at), (total, "day")) if each is not None]
        if not found:
            return None
        first = day_of(min(found))
        beyond = self._rows.find({at: {"$gte": first}}, {at: 1}).sort(at, 1).skip(ROWS_TOGETHER).limit(1)
        ends = [day_of(row[at]) for row in await beyond.to_list(None)]
        ends += [day_of(datetime.now(UTC)) - DAY, _later(first, DAYS_TOGETHER) or first]
        tomorrow = _later(first, 1)
        return _Days(first, None if tomorrow is None else max(tomorrow, min(ends)))

    async def _counted(self) -> int:
        """How many rows are counted."""
        sums: list[Document] = [
            {"$match": {"series": self._source.name, "of": ALL}},
            {"$group": {"_id": None, "n": {"$sum": "$count.d"}}},
        ]
        return sum([row["n"] async for row in aggregate(self._database.counters, sums)])

    async def _judge(self, days: _Days, session: Session) -> Judged:
        return self._compared(await self._stored(session, days), await self._count(session, days))

    async def _recount(self, days: _Days, session: Session) -> Judged:
        """Counts days anew; returns what was wrong with them by then."""
        stored = await self._stored(session, days)
        stale = {"series": self._source.name, "day": days.within()}
        await self._database.counters.delete_many(stale, session=session)
        counted = await self._count(session, days)
        if updates := counted.updates(RECOUNTED):
            await self._database.counters.bulk_write(updates, session=session, ordered=False)
        return self._compared(stored, counted)

    async def _stored(self, session: Session, days: _Days) -> Totals:
        stored: Totals = {}
        query = {"series": self._source.name, "day": days.within()}
        async for document in self._database.counters.find(query, session=session):
            key = (document["day"], document["of"])
            stored.setdefault(key, Counter()).update(fields_of(self._source, document))
        return stored

    def _compared(self, stored: Totals, changes: HourlyChanges) -> Judged:
        counted = changes.of(self._source)
        both = {key: (stored.get(key, Counter()), counted.get(key, Counter())) for key in {**stored, **counted}}
        checked = sum(".h" in field for old, new in both.values() for field in old.keys() | new.keys())
        rows = sum(fields["count.d"] for (_, part), fields in counted.items() if part == ALL)
        differences = [each for key, pair in sorted(both.items()) for each in self._differences(*key, *pair)]
        return Judged(rows, checked, tuple(differences))

    def _differences(
        self, day: datetime, part: str, stored: Mapping[str, int], counted: Mapping[str, int]
    ) -> list[Difference]:
        """The hours that are wrong; where none is, the sum of the day or the quarters that are."""
        fields = sorted(stored.keys() | counted.keys())
        wrong = [field for field in fields if stored.get(field, 0) != counted.get(field, 0)]
        hours = [field for field in wrong if ".h" in field]
        head = f"{self._source.name} {part}".strip()
        return [
            Difference(day, _name(head, day, grain), number, stored.get(field, 0), counted.get(field, 0))
            for field in hours or wrong
            for number, _, grain in [field.partition(".")]
        ]

    async def _count(self, session: Session, days: _Days) -> HourlyChanges:
        """What the rows of some days make their totals."""
        changes = HourlyChanges()
        quarter = {"$dateTrunc": {"date": f"${self._source.at}", "unit": "minute", "binSize": 15}}
        sums = {name: {"$sum": expression} for name, expression in self._source.numbers.items()}
        steps: list[Document] = [
            {"$match": {self._source.at: days.within()}},
            {"$group": {"_id": {"at": quarter, "part": self._source.part}, **sums}},
        ]
        async for row in aggregate(self._rows, steps, session=session):
            numbers = {name: loaded(row[name]) for name in self._source.numbers}
            changes.add(self._source, row["_id"]["at"], numbers, row["_id"].get("part"))
        return changes


async def ensure_series_index(database: Database, source: HourlySource) -> None:
    """Makes the index by which the rows of a day are found, where it is missing."""
    await ensure_indexes(database.collection(source.collection), [series_index(source)])


def series_index(source: HourlySource) -> IndexModel:
    """The index by which the rows of a day are found."""
    return IndexModel([(source.at, -1), ("_id", -1)], name="newest")


def _later(day: datetime, days: int) -> datetime | None:
    """So many days later, or None where the calendar ends before."""
    return None if day > _LAST - timedelta(days=days) else day + timedelta(days=days)


def _name(head: str, day: datetime, grain: str) -> str:
    if grain == "d":
        return f"{head} {day:%Y-%m-%d}"
    minutes = int(grain[1:]) * (60 if grain[0] == "h" else 15)
    return f"{head} {day + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}"
