"""Days that are over: what several processes counted of one becomes one document again.

Each process has a document of its own for a day, so a day on which many started has many, up to `LANES`. Nobody moves
a day that is over but by an import, so they need not lie apart any longer.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from services.kit.database import Database, Document, aggregate
from services.kit.hourly.totals import RECOUNTED, HourlySource, day_of, fields_of, update_of

if TYPE_CHECKING:
    from services.kit.database import Session

TOGETHER = 20
"""How many days, or parts of days, are merged in one transaction."""
_LATEST_LEFT = timedelta(days=1)
_FIRST = datetime(1, 1, 1, tzinfo=UTC)

DayOfPart: TypeAlias = tuple[str, datetime]


async def merge_days(database: Database, source: HourlySource) -> int:
    """Leaves one document of each day that is over, and of each of its parts; returns how many were merged.

    Looks at the days since it last did, yesterday not among them, to which a process may still be writing. Stopped at
    any moment it may be run again, and finishes the rest.
    """
    row = {"_id": f"series merged: {source.name}"}
    known = await database.migrations.find_one(row)
    since, end = known["upTo"] if known else _FIRST, day_of(datetime.now(UTC)) - _LATEST_LEFT
    if since >= end:
        return 0
    several: list[Document] = [
        {"$match": {"series": source.name, "day": {"$gte": since, "$lt": end}}},
        {"$group": {"_id": {"of": "$of", "day": "$day"}, "n": {"$sum": 1}}},
        {"$match": {"n": {"$gt": 1}}},
    ]
    days = [(each["_id"]["of"], each["_id"]["day"]) async for each in aggregate(database.counters, several)]
    merged = 0
    for start in range(0, len(days), TOGETHER):
        merged += await database.transaction(partial(_merge, database, source, days[start : start + TOGETHER]))
    await database.migrations.update_one(row, {"$max": {"upTo": end}}, upsert=True)
    return merged


async def _merge(database: Database, source: HourlySource, days: list[DayOfPart], session: "Session") -> int:
    wanted = {"series": source.name, "$or": [{"of": of, "day": day} for of, day in days]}
    found = await database.counters.find(wanted, session=session).to_list(None)
    sums: dict[DayOfPart, Counter[str]] = {}
    for document in found:
        sums.setdefault((document["of"], document["day"]), Counter()).update(fields_of(source, document))
    ids = [document["_id"] for document in found]
    await database.counters.delete_many({"_id": {"$in": ids}}, session=session)
    made = [update_of(source, day, of, moved, RECOUNTED) for (of, day), moved in sums.items()]
    if updates := [each for each in made if each is not None]:
        await database.counters.bulk_write(updates, session=session, ordered=False)
    return len(found)
