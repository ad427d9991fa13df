"""Totals by the hour, from which series are read: they move in the transactions of the rows they count.

A document holds a UTC day of one series, or of a part of it such as one campaign, and each number of it three times: of
the day (`d`), of each hour (`h0` to `h23`) and of each quarter of an hour (`q0` to `q95`). So a day in any time zone is
read from a few of them, and a year from 365 documents, however many rows were counted.

A day has as many documents as there were transactions of several processes at work at once: each process has one of
its own, so that nobody waits for another; their sum is what was counted.
"""

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import count, pairwise

from bson import Decimal128
from pymongo import ASCENDING, IndexModel, UpdateOne

from models.values.money import from_integer_cents, to_integer_cents
from services.kit.database import Database, Document, Session

ALL = ""
"""The part that is all of a series."""
ROWS_AT_ONCE = 20_000
LANES = 256
RECOUNTED = "recounted"
"""The lane of what is not counted by a unit of work."""

_IS_HOURLY = {"series": {"$exists": True}}
HOURLY_INDEXES = [
    IndexModel(
        [("series", ASCENDING), ("of", ASCENDING), ("day", ASCENDING)],
        name="series",
        partialFilterExpression=_IS_HOURLY,
    ),
    IndexModel(
        [("series", ASCENDING), ("day", ASCENDING)],
        name="seriesByDay",
        partialFilterExpression=_IS_HOURLY,
    ),
]


@dataclass(frozen=True, slots=True, eq=False)
class HourlySource:
    """The rows of a series: `at` is their instant, `numbers` what each counts for, as expressions over a row.

    `part` is an expression for the part of the series that a row belongs to, null where to none. `money` are those of
    the numbers that are amounts; they are stored as decimals, and are cents here.
    """

    name: str
    collection: str
    at: str
    numbers: Mapping[str, object]
    part: object = None
    money: frozenset[str] = frozenset()

    def stored(self, field: str, number: int) -> object:
        """Returns a number as its field holds it; the name of the field begins with that of the number."""
        return Decimal128(from_integer_cents(number)) if field.partition(".")[0] in self.money else number


def loaded(value: object) -> int:
    """Returns a number as it was before it was stored, an amount in cents."""
    if isinstance(value, Decimal128):
        return to_integer_cents(value.to_decimal())
    assert isinstance(value, int)
    return value


class HourlyChanges:
    """How hourly totals move: what rows count for that are new, less what they counted for that are gone."""

    def __init__(self) -> None:
        # As few sums as there can be for each row; what follows from them is summed once for all.
        self._quarters: dict[tuple[HourlySource, datetime, str | None], dict[str, int]] = {}

    def add(self, source: HourlySource, at: datetime, numbers: Mapping[str, int], part: str | None = None) -> None:
        """Counts a row at its instant, in its part and in the whole."""
        quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
        moved = self._quarters.setdefault((source, quarter, part), {})
        for name, number in numbers.items():
            moved[name] = moved.get(name, 0) + number

    def of(self, source: HourlySource) -> dict[tuple[datetime, str], Counter[str]]:
        """Returns the fields of a series that move, by the day and the part."""
        days: dict[tuple[datetime, str], Counter[str]] = {}
        for (of, at, part), numbers in self._quarters.items():
            if of is source:
                for each in (ALL,) if part is None else (ALL, part):
                    moved = days.setdefault((day_of(at), each), Counter())
                    for name, number in numbers.items():
                        for grain in ("d", f"h{at.hour}", f"q{_place(at)}"):
                            moved[f"{name}.{grain}"] += number
        return days

    def updates(self, lane: int | str) -> list[UpdateOne]:
        """Returns the writes of all of it."""
        made = [
            update_of(source, day, part, moved, lane)
            for source in dict.fromkeys(source for source, _, _ in self._quarters)
            for (day, part), moved in self.of(source).items()
        ]
        return [update for update in made if update is not None]


def update_of(
    source: HourlySource, day: datetime, part: str, moved: Mapping[str, int], lane: int | str
) -> UpdateOne | None:
    """Returns the write that moves the fields of a day's part in a lane; None where none of them moves."""
    increments = {field: source.stored(field, number) for field, number in moved.items() if number}
    if not increments:
        return None
    head = {"series": source.name, "of": part, "day": day}
    key = {"_id": f"{source.name}/{day:%Y-%m-%d}/{part}/{lane}"}
    return UpdateOne(key, {"$inc": increments, "$setOnInsert": head}, upsert=True)


class Lanes:
    """Which document of a day a transaction of this process writes to: one that no other is writing to."""

    def __init__(self) -> None:
        self._first = secrets.randbelow(LANES)
        self._taken: list[tuple[Session, int]] = []

    def of(self, session: Session) -> int:
        """Returns the lane of a transaction's session, which it keeps until it ends."""
        self._taken = [(other, lane) for other, lane in self._taken if not other.has_ended]
        mine = [lane for other, lane in self._taken if other is session]
        if not mine:
            taken = {lane for _, lane in self._taken}
            mine = [next(lane for lane in count() if lane not in taken)]
            self._taken.append((session, mine[0]))
        return (self._first + mine[0]) % LANES


async def read_buckets(
    database: Database, source: HourlySource, part: str, edges: Sequence[datetime]
) -> list[dict[str, int]]:
    """Returns what was counted between each two edges, which are quarters of an hour in ascending order."""
    wanted = {f"{name}.{grain}": 1 for name in source.numbers for grain in grains_of(edges)}
    within = {"$gte": day_of(edges[0]), "$lte": day_of(edges[-1])}
    query = {"series": source.name, "of": part, "day": within}
    found = database.counters.find(query, {"_id": 0, "day": 1, **wanted}).batch_size(ROWS_AT_ONCE)
    days: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
    for document in await found.to_list(None):
        days[document["day"]].update(fields_of(source, document))
    return buckets_between(source, days, edges)


def grains_of(edges: Iterable[datetime]) -> set[str]:
    """Returns which grains of a day tell what lies before and after these edges."""
    return {"d"}.union(*(_grains_before(_place(edge)) for edge in edges))


def buckets_between(
    source: HourlySource, days: Mapping[datetime, Counter[str]], edges: Iterable[datetime]
) -> list[dict[str, int]]:
    """Returns the numbers between each two edges, given those grains of all days from the first to the last of them."""
    reached = _reached(source, days, edges)
    return [{name: after[name] - before[name] for name in after} for before, after in pairwise(reached)]


def _reached(
    source: HourlySource, days: Mapping[datetime, Counter[str]], edges: Iterable[datetime]
) -> Iterable[dict[str, int]]:
    """What was counted from the first of these days up to each edge."""
    left = sorted(days, reverse=True)
    whole: Counter[str] = Counter()
    for edge in edges:
        today = day_of(edge)
        while left and left[-1] < today:
            day = days[left.pop()]
            whole.update({name: day[f"{name}.d"] for name in source.numbers})
        day = days.get(today, Counter())
        yield {name: whole[name] + _before(day, name, _place(edge)) for name in source.numbers}


def _before(day: Counter[str], name: str, place: int) -> int:
    """What a day had counted before its quarter of this number."""
    counted = sum([day.get(field, 0) for field in _fields_before(name, place)])
    return counted if place <= 48 else day[f"{name}.d"] - counted


@cache
def _fields_before(name: str, place: int) -> tuple[str, ...]:
    return tuple(f"{name}.{grain}" for grain in _grains_before(place))


@cache
def _grains_before(place: int) -> tuple[str, ...]:
    """The hours and quarters of a day before a quarter, or from it on where those are fewer."""
    if place <= 48:
        hours, quarters = range(place // 4), range(place // 4 * 4, place)
    else:
        first = -(-place // 4)
        hours, quarters = range(first, 24), range(place, first * 4)
    return (*(f"h{hour}" for hour in hours), *(f"q{quarter}" for quarter in quarters))


def fields_of(source: HourlySource, document: Document) -> dict[str, int]:
    """Returns the numbers of a document, as `HourlyChanges` names them."""
    named = ((name, document.get(name, {})) for name in source.numbers)
    return {f"{name}.{grain}": loaded(value) for name, grains in named for grain, value in grains.items()}


def day_of(at: datetime) -> datetime:
    """Returns the beginning of the day, UTC."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _place(at: datetime) -> int:
    """The number of the quarter in its day."""
    return at.hour * 4 + at.minute // 15
