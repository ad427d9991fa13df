"""Races and crashes over real worker processes: the invariants hold, and nothing acknowledged is lost."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import httpx
from pymongo import MongoClient

from models.coupons.coupon import CreateCoupon, DeleteCoupon
from models.principal import SYSTEM
from services.kit.rate_limit import RateLimitPermit
from tests.support.api import Api, unique
from tests.support.ledger import check_coupon_invariants
from tests.support.workers import Worker, workers


async def make_coupons(worker: Worker, number: int, prefix: str = "c") -> list[str]:
    async def make(n: int) -> str:
        body = {"twitterId": f"{prefix}{n}", "username": f"{prefix}{n}", "followers": 1500}
        answer = await worker.http.post("/api/coupon", json=body)
        assert answer.status_code == 201, answer.text
        code: str = answer.json()["data"]["code"]
        return code

    return list(await asyncio.gather(*(make(n) for n in range(number))))


def redeem(worker: Worker, redeemer: str, code: str) -> Any:
    body = {"redeemerTwitterId": redeemer, "username": redeemer, "followers": 1000, "couponCode": code}
    return worker.http.post("/api/redeem", json=body)


async def test_two_hundred_redeemers_of_one_coupon_over_two_workers_are_each_counted_once(database_uri: str) -> None:
    async with workers(database_uri, 2) as (one, two):
        (code,) = await make_coupons(one, 1)
        answers = await asyncio.gather(*(redeem((one, two)[n % 2], f"r{n}", code) for n in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    balances = sorted(answer.json()["data"]["creatorPoints"] for answer in answers)
    assert balances == [10 * n for n in range(1, 201)]
    assert check_coupon_invariants(database_uri) == 200


async def test_one_redeemer_on_fifty_coupons_at_once_redeems_one(database_uri: str) -> None:
    async with workers(database_uri, 2) as (one, two):
        codes = await make_coupons(one, 50)
        answers = await asyncio.gather(*(redeem((one, two)[n % 2], "r", code) for n, code in enumerate(codes)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 403: 49}
    assert check_coupon_invariants(database_uri) == 1


async def test_one_user_made_fifty_times_at_once_has_one_coupon(database_uri: str) -> None:
    body = {"twitterId": "same", "username": "same", "followers": 1500}
    async with workers(database_uri, 2) as both:
        answers = await asyncio.gather(*(both[n % 2].http.post("/api/coupon", json=body) for n in range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    assert check_coupon_invariants(database_uri) == 0


async def test_users_who_redeem_each_other_at_once_lose_no_point(database_uri: str) -> None:
    async with workers(database_uri, 2) as (one, two):
        codes = await make_coupons(one, 60)
        pairs = [(n, (n * 7 + 1) % 60) for n in range(60)]
        answers = await asyncio.gather(*(redeem((one, two)[n % 2], f"c{n}", codes[m]) for n, m in pairs if n != m))
    assert {answer.status_code for answer in answers} == {200}
    assert check_coupon_invariants(database_uri) == len(answers)


async def test_killed_in_the_middle_it_keeps_all_that_it_acknowledged(database_uri: str) -> None:
    async with workers(database_uri, 2) as (victim, survivor):
        codes = await make_coupons(survivor, 5)
        acknowledged: set[str] = set()
        in_the_middle = asyncio.Event()

        async def redeem_on(worker: Worker, lane: int) -> None:
            for n in range(150):
                redeemer = f"{lane}-{n}"
                try:
                    answer = await redeem(worker, redeemer, codes[n % 5])
                except httpx.TransportError:
                    return
                if answer.status_code == 200:
                    acknowledged.add(redeemer)
                if len(acknowledged) >= 200:
                    in_the_middle.set()

        async def kill_soon() -> None:
            await in_the_middle.wait()
            victim.kill()

        lanes = [redeem_on((victim, survivor)[lane % 2], lane) for lane in range(16)]
        await asyncio.gather(kill_soon(), *lanes)
        assert len(acknowledged) >= 8 * 150
        rows = check_coupon_invariants(database_uri)
        with MongoClient[dict[str, Any]](database_uri) as client:
            ledger = client.get_default_database()["redemptions"].distinct("redeemerTwitterId")
        assert acknowledged <= set(ledger)
        await victim.start()
        assert (await redeem(victim, "after", codes[0])).status_code == 200
    assert check_coupon_invariants(database_uri) == rows + 1


async def test_a_coupon_deleted_while_its_owner_makes_another_leaves_room_for_it(api: Api) -> None:
    owner = CreateCoupon(unique("t"), "someone", 1500)
    made = await api.services.coupons.create(await permit(api), owner)
    other = replace(owner, twitter_id=unique("t"))
    # What comes while the first commits goes into one batch.
    first, deleted, again = await asyncio.gather(
        api.services.coupons.create(await permit(api), other),
        api.services.coupons.delete(SYSTEM, DeleteCoupon(made.id)),
        api.services.coupons.create(await permit(api), owner),
    )
    assert deleted == made
    assert again.twitter_id == made.twitter_id
    assert again.id != made.id
    assert first.twitter_id == other.twitter_id


async def permit(api: Api) -> RateLimitPermit:
    return await api.services.rate_limit.hit(SYSTEM)
