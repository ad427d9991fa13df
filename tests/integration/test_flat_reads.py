"""What a verb reads does not grow with the data: bounded by what MongoDB examined, not by time.

Each is asked on a few rows and on many; `make bench` times the same on a million.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from pymongo import MongoClient

from bench.growth import access_code_verbs, coupon_verbs
from bench.seeds import MADE, YEAR, access_codes, batch_documents, coupons, insert, redemption_documents, use_documents
from bench.walks import examined_within
from models.principal import SYSTEM
from models.series import AskAccessCodeUseSeries, Interval
from services.access_codes.repository import ACCESS_CODES
from services.access_codes.totals import USES_BY_HOUR
from services.coupons.repository import COUPONS
from services.kit.hourly.audit import HourlyAudit
from tests.support.api import Api

FEW, MANY = 60, 3_000
COLLECTIONS = ("coupons", "redemptions", "accesscodes", "accesscodeuses", "accesscodebatches", "counters")
BY_VERBS = {"$regex": "^g[0-9]+$"}
VERBS = [
    "redeem a coupon",
    "coupon by code",
    "coupons: first window",
    "coupons: search for a rare part",
    "redeem a code",
    "validate a code",
    "codes: first window",
    "codes: search",
    "batches: first window",
    "batches: part of a name",
]


def fill(uri: str, start: int, end: int) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        # Those who redeemed while it was measured begin anew.
        database["redemptions"].delete_many({"redeemerTwitterId": BY_VERBS})
        database["coupons"].delete_many({"twitterId": BY_VERBS})
        database["accesscodeuses"].delete_many({"username": BY_VERBS})
        insert(database["coupons"], islice(map(COUPONS.dump, coupons(end, times_used=1)), start, None))
        insert(database["redemptions"], islice(redemption_documents(end), start, None))
        insert(database["accesscodes"], islice(map(ACCESS_CODES.dump, access_codes(end)), start, None))
        insert(database["accesscodebatches"], islice(batch_documents(end), start, None))
        insert(database["accesscodeuses"], islice(use_documents(end), start, None))


async def read_by(api: Api, verb: Callable[[], Awaitable[object]]) -> int:
    """The most that one of a verb's readings looks at; the second time, when plans and shards of totals are there."""
    await verb()
    with examined_within(api.settings.mongo_uri, *COLLECTIONS) as examined:
        await verb()
    return max(examined)


async def test_verbs_read_as_much_of_many_rows_as_of_a_few(own_api: Api) -> None:
    read: dict[int, dict[str, int]] = {}
    for start, end in ((0, FEW), (FEW, MANY)):
        fill(own_api.settings.mongo_uri, start, end)
        verbs = {**coupon_verbs(own_api.services, end), **access_code_verbs(own_api.services, end)}
        read[end] = {name: await read_by(own_api, verbs[name]) for name in VERBS}
    for name in VERBS:
        # Totals have 64 shards, of which the first few are made as it goes.
        assert read[MANY][name] <= read[FEW][name] + 4, (name, read)
        assert read[MANY][name] <= 25, (name, read)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
async def test_a_year_by_the_day_reads_a_document_a_day_however_many_rows(own_api: Api, zone: str) -> None:
    services, asked = (
        own_api.services,
        AskAccessCodeUseSeries(interval=Interval.DAY, start=MADE, end=MADE + YEAR, time_zone=zone),
    )
    audit, uses = HourlyAudit(services.database, USES_BY_HOUR), services.database.access_code_uses
    for count in (400, 4_000):
        await uses.delete_many({})
        await uses.insert_many(list(use_documents(count)))
        await audit.catch_up(thorough=True)
        with examined_within(own_api.settings.mongo_uri, "counters") as examined:
            buckets = await services.series.of_access_code_uses(SYSTEM, asked)
        assert sum(bucket.numbers["count"] for bucket in buckets) >= count - 20
        # One for each UTC day that the year touches, and the end of the index's run.
        assert max(examined) <= (YEAR + timedelta(days=2)).days
