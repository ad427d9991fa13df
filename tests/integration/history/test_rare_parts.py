"""A search for a part reads what it finds, however many there are: bounded by what MongoDB examined, not by time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bench.seeds import batch_documents, coupons
from models.access_codes.batches import AccessCodeBatchFilter
from models.coupons.coupon import CouponFilter
from models.pagination import KeysetOrder
from services.access_codes.repository import NEWEST_BATCH_FIRST, batches_query
from services.coupons.repository import COUPONS, NEWEST_FIRST, query_of
from services.kit.database import Collection
from tests.integration.history.support import asked, stages
from tests.support.api import Api

COUNT = 6_000
PARTS = [
    ("son_3001", "on_4107", "3999", "person_2501", "e_5000"),
    ("ch3001", "atch4107", "3999", "batch2501", "h500"),
]


@pytest.fixture
async def many(own_api: Api) -> Api:
    """As many coupons and batches as a walk would be seen in; their names differ in a number alone."""
    database = own_api.services.database
    rows = [COUPONS.dump(replace(one, username=f"{one.username}_of_many")) for one in coupons(COUNT)]
    await database.coupons.insert_many(rows)
    await database.access_code_batches.insert_many(list(batch_documents(COUNT)))
    return own_api


async def check_reads(collection: Collection, query: Mapping[str, Any], order: KeysetOrder, held: str) -> None:
    """Assert that a page shows what the names tell, and that hardly more was read for it."""
    key, part = held.split(" ")
    rows = [row for row in await collection.find({}).to_list(None) if part in row[key]]
    newest = sorted(rows, key=lambda row: (row["createdAt"], row["_id"]), reverse=True)
    found = await asked(collection, query, order).to_list(None)
    assert [row["_id"] for row in found] == [row["_id"] for row in newest[:21]]
    explained = await asked(collection, query, order).explain()
    assert "COLLSCAN" not in set(stages(explained["queryPlanner"]["winningPlan"]))
    ran = explained["executionStats"]
    # One more for the end of the run, and one for each of its keys that begins alike.
    assert ran["totalKeysExamined"] <= 2 * len(newest) + 2, ran
    assert ran["totalDocsExamined"] <= len(newest) + 1, ran


async def test_a_rare_part_of_a_name_reads_what_it_finds(many: Api) -> None:
    database = many.services.database
    for part in PARTS[0]:
        query = query_of(CouponFilter(username=part))
        await check_reads(database.coupons, query, NEWEST_FIRST, f"usernameKey {part}")
    for part in PARTS[1]:
        query = batches_query(AccessCodeBatchFilter(name=part))
        await check_reads(database.access_code_batches, query, NEWEST_BATCH_FIRST, f"nameKey {part}")


async def test_a_common_part_walks_the_list_and_stops_at_its_page(many: Api) -> None:
    database = many.services.database
    for query, collection, order in (
        (query_of(CouponFilter(username="person")), database.coupons, NEWEST_FIRST),
        (query_of(CouponFilter(username="of_many")), database.coupons, NEWEST_FIRST),
        (batches_query(AccessCodeBatchFilter(name="batch")), database.access_code_batches, NEWEST_BATCH_FIRST),
    ):
        ran = (await asked(collection, query, order).explain())["executionStats"]
        assert ran["totalDocsExamined"] <= 100
        assert ran["nReturned"] == 21
