"""Days that are over have one document each after the next start, and tell what they told; today's stay apart."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from services.kit.hourly.merging import TOGETHER, merge_days
from services.kit.hourly.totals import HourlyChanges, HourlySource, day_of, fields_of
from services.migrations.runner import migrate
from services.orders.totals import ORDERS_BY_HOUR
from tests.support.api import Api

LANES, DAYS = 7, 2 * TOGETHER + 3


async def write(api: Api, source: HourlySource, days: int) -> None:
    """As so many processes count, an order of each on every day up to today."""
    today = day_of(datetime.now(UTC))
    for lane in range(LANES):
        changes = HourlyChanges()
        for ago in range(days):
            changes.add(
                source, today - timedelta(days=ago) + timedelta(hours=lane), {"count": 1, "amount": 1990 + lane}
            )
        await api.services.database.counters.bulk_write(changes.updates(lane))


async def told(api: Api, source: HourlySource) -> tuple[dict[datetime, Counter[str]], Counter[datetime]]:
    """The sums of each day, and how many documents it has."""
    sums: dict[datetime, Counter[str]] = {}
    documents: Counter[datetime] = Counter()
    async for document in api.services.database.counters.find({"series": source.name}):
        sums.setdefault(document["day"], Counter()).update(fields_of(source, document))
        documents[document["day"]] += 1
    return sums, documents


async def test_days_that_are_over_are_merged_and_tell_the_same(own_api: Api) -> None:
    database = own_api.services.database
    await database.migrations.delete_many({"_id": {"$regex": "^series merged"}})
    await write(own_api, ORDERS_BY_HOUR, DAYS)
    before, _ = await told(own_api, ORDERS_BY_HOUR)
    assert await merge_days(database, ORDERS_BY_HOUR) == (DAYS - 2) * LANES
    after, documents = await told(own_api, ORDERS_BY_HOUR)
    assert after == before
    latest = day_of(datetime.now(UTC)) - timedelta(days=1)
    assert {day: number for day, number in documents.items() if number > 1} == dict.fromkeys(
        (latest, latest + timedelta(days=1)), LANES
    )
    assert await merge_days(database, ORDERS_BY_HOUR) == 0


async def test_a_start_merges_and_then_looks_at_new_days_alone(own_api: Api) -> None:
    database = own_api.services.database
    row: Any = {"_id": f"series merged: {ORDERS_BY_HOUR.name}"}
    known = await database.migrations.find_one(row)
    assert known is not None
    assert known["upTo"] == day_of(datetime.now(UTC)) - timedelta(days=1)
    ago = known["upTo"] - timedelta(days=2)
    await database.migrations.update_one(row, {"$set": {"upTo": ago}})
    # Nothing of it is counted by rows, so that a thorough look would take it away.
    await write(own_api, ORDERS_BY_HOUR, 4)
    await merge_days(database, ORDERS_BY_HOUR)
    _, documents = await told(own_api, ORDERS_BY_HOUR)
    assert sorted(documents.values()) == [1, 1, LANES, LANES]
    await migrate(database)
    assert (await told(own_api, ORDERS_BY_HOUR))[0] == {}
