"""Races over two real worker processes: no limit is passed, no unit is lost, whatever comes together."""

import asyncio
from collections import Counter
from typing import Any

import httpx
from pymongo import MongoClient

from tests.support.api import ADMIN
from tests.support.usage import BASE, check_usage_invariants, new_id
from tests.support.workers import Worker, workers


async def call(worker: Worker, path: str, body: Any) -> httpx.Response:
    return await worker.http.post(f"{BASE}/{path}", json=body, headers=ADMIN)


async def make(worker: Worker, **fields: Any) -> str:
    if "couponId" not in fields:
        fields.setdefault("campaignId", new_id())
    made = await call(worker, "create-follower", fields)
    assert made.status_code == 201, made.text
    followed: str = fields.get("campaignId") or fields["couponId"]
    return followed


async def total_of(worker: Worker, identifier: str) -> int:
    total: int = (await call(worker, f"get-availability/{identifier}", {})).json()["totalUsageCount"]
    return total


async def test_a_hot_campaign_of_a_thousand_users_hands_out_exactly_its_total(database_uri: str) -> None:
    async with workers(database_uri, 2) as both:
        campaign = await make(both[0], maxTotalLimit=400, maxLimitPerCustomer=1)
        add = {"campaignId": campaign, "usageAmount": 1}
        answers = await asyncio.gather(
            *(call(both[n % 2], "add-usage", add | {"userId": f"u{n}"}) for n in range(1000))
        )
        assert Counter(answer.status_code for answer in answers) == {200: 400, 409: 600}
        totals = sorted(answer.json()["totalUsageCount"] for answer in answers if answer.status_code == 200)
        assert totals == list(range(1, 401))
        assert await total_of(both[1], campaign) == 400
    assert check_usage_invariants(database_uri) == 400


async def test_holds_of_two_workers_never_promise_more_than_there_is(database_uri: str) -> None:
    async with workers(database_uri, 2) as both:
        campaign = await make(both[0], maxTotalLimit=100, maxLimitInBasket=3)

        async def shop(n: int) -> int:
            body = {"campaignId": campaign, "userId": f"u{n}"}
            granted = (await call(both[n % 2], "check-availability", body | {"usageAmount": 1 + n % 5})).json()
            if granted and n % 3:
                # What was promised is kept, on the other worker too.
                assert (await call(both[(n + 1) % 2], "add-usage", body)).status_code == 200
            return int(granted)

        granted = await asyncio.gather(*(shop(n) for n in range(300)))
        assert sum(granted) == 100
        assert await total_of(both[0], campaign) == sum(g for n, g in enumerate(granted) if n % 3)
    check_usage_invariants(database_uri)


async def test_one_customer_at_fifty_doors_gets_their_limit_once(database_uri: str) -> None:
    async with workers(database_uri, 2) as both:
        coupon = await make(both[0], couponId=new_id(), maxLimitPerCustomer=5)
        body = {"couponId": coupon, "userId": "u"}
        answers = await asyncio.gather(*(call(both[n % 2], "redeem-follower", body) for n in range(50)))
        assert Counter(answer.status_code for answer in answers) == {200: 5, 409: 45}
    assert check_usage_invariants(database_uri) == 5


async def test_baskets_of_several_campaigns_in_any_order_count_on_all_or_on_none(database_uri: str) -> None:
    async with workers(database_uri, 2) as both:
        campaigns = [await make(both[0], maxTotalLimit=limit) for limit in (60, 40, 50)]

        async def buy(n: int) -> int:
            named = campaigns if n % 2 else campaigns[::-1]
            body = {"campaignId": named, "userId": f"u{n % 20}", "usageAmount": 1}
            return (await call(both[n % 2], "add-usage", body)).status_code

        answers = await asyncio.gather(*(buy(n) for n in range(150)))
        assert Counter(answers) == {200: 40, 409: 110}
        assert [await total_of(both[1], campaign) for campaign in campaigns] == [40, 40, 40]
    assert check_usage_invariants(database_uri) == 120


async def test_adding_and_giving_back_at_once_never_goes_below_nothing(database_uri: str) -> None:
    async with workers(database_uri, 2) as both:
        campaign = await make(both[0], maxTotalLimit=5)
        paths = ("add-usage", "remove-usage")
        answers = await asyncio.gather(
            *(
                call(both[n % 2], paths[n // 2 % 2], {"campaignId": campaign, "userId": f"u{n % 7}", "usageAmount": 2})
                for n in range(200)
            )
        )
        assert {answer.status_code for answer in answers} <= {200, 409}
        for answer in answers:
            if answer.status_code == 200:
                assert 0 <= answer.json()["totalUsageCount"] <= 5
                assert min(answer.json()["userUsageCount"].values(), default=0) >= 0
    check_usage_invariants(database_uri)


async def test_a_campaign_followed_twenty_times_at_once_has_one_follower(database_uri: str) -> None:
    async with workers(database_uri, 2) as both:
        body = {"campaignId": new_id(), "maxTotalLimit": 1}
        answers = await asyncio.gather(*(call(both[n % 2], "create-follower", body) for n in range(20)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}


async def test_a_follower_deleted_under_load_takes_its_counters_along(database_uri: str) -> None:
    async with workers(database_uri, 2) as both:
        made = (await call(both[0], "create-follower", {"campaignId": new_id()})).json()
        body = {"campaignId": made["campaignId"], "usageAmount": 1}
        adds = [call(both[n % 2], "add-usage", body | {"userId": f"u{n}"}) for n in range(200)]
        delete = both[1].http.request("DELETE", f"{BASE}/delete-follower/{made['_id']}", headers=ADMIN)
        *answers, deleted = await asyncio.gather(*adds, delete)
        added = sum(answer.status_code == 200 for answer in answers)
        assert {answer.status_code for answer in answers} <= {200, 404}
        assert deleted.status_code == 200
        assert deleted.json()["totalUsageCount"] == len(deleted.json()["userUsageCount"]) == added
    with MongoClient[dict[str, Any]](database_uri) as client:
        assert client.get_default_database()["usageledger"].count_documents({}) == added
