"""The totals of coupons while others write: a start recounts nothing, a count anew loses nothing."""

import asyncio

from models.coupons.coupon import CreateCoupon
from models.principal import SYSTEM
from services.coupons.totals import CouponCounts
from services.kit.rate_limit import RateLimitPermit
from tests.support.api import Api, unique
from tests.support.ledger import check_coupon_invariants

UNCOUNTED = RateLimitPermit(SYSTEM)


async def create_until(api: Api, done: asyncio.Event) -> int:
    made = 0
    while not done.is_set():
        commands = [CreateCoupon(unique("t"), "x", 1000) for _ in "1234"]
        await asyncio.gather(*(api.services.coupons.create(UNCOUNTED, command) for command in commands))
        made += 4
    return made


async def test_a_start_while_others_write_finds_the_totals_right(own_api: Api) -> None:
    done = asyncio.Event()
    creating = asyncio.create_task(create_until(own_api, done))
    agreed = [await CouponCounts(own_api.services.database).agree() for _ in range(20)]
    done.set()
    assert await creating > 0
    assert all(agreed)


async def test_totals_that_are_wrong_are_found_and_mended_while_others_write(own_api: Api) -> None:
    database, done = own_api.services.database, asyncio.Event()
    await own_api.coupon()
    await database.counters.update_one({"family": "coupons"}, {"$inc": {"total": 1_000}})
    assert not await CouponCounts(database).agree()
    creating = [asyncio.create_task(create_until(own_api, done)) for _ in range(3)]
    for _ in range(10):
        await database.transaction(CouponCounts(database).recount)
    report = await own_api.services.audit.repair(SYSTEM)
    done.set()
    made = sum(await asyncio.gather(*creating)) + 1
    assert report.drift_count == 0
    assert (await own_api.services.coupons.stats(SYSTEM)).total_coupons == made
    check_coupon_invariants(own_api.settings.mongo_uri)
