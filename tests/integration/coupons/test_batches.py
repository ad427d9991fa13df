"""Commands that meet in one batch are decided one after another, each by what the ones before it left."""

import asyncio
from collections import Counter
from typing import Any

from models.coupons.coupon import CreateCoupon, RedeemCoupon
from models.principal import Principal
from tests.support.api import Api, unique
from tests.support.ledger import check_coupon_invariants


async def together(api: Api, *commands: CreateCoupon | RedeemCoupon) -> Counter[str]:
    """Submit commands in one moment, so that they go into one transaction; counts their results by name."""
    permit = await api.services.rate_limit.hit(Principal("127.0.0.1"))
    coupons = api.services.coupons
    calls = [
        coupons.create(permit, one) if isinstance(one, CreateCoupon) else coupons.redeem(permit, one)
        for one in commands
    ]
    results = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(type(result).__name__ for result in results)


def redemption(redeemer: str, coupon: dict[str, Any]) -> RedeemCoupon:
    return RedeemCoupon(redeemer, coupon["couponCode"], "x", 1000)


async def test_one_redeemer_of_many_coupons_redeems_one(own_api: Api) -> None:
    coupons = [await own_api.coupon() for _ in range(10)]
    outcomes = await together(own_api, *(redemption("r", coupon) for coupon in coupons))
    assert outcomes == {"Redemption": 1, "AlreadyRedeemed": 9}
    assert check_coupon_invariants(own_api.settings.mongo_uri) == 1


async def test_one_user_gets_one_coupon_whether_made_or_by_redeeming(own_api: Api) -> None:
    coupon, user = await own_api.coupon(), unique("t")
    made = CreateCoupon(user, "x", 1000)
    outcomes = await together(own_api, made, redemption(user, coupon), made)
    assert outcomes == {"Coupon": 1, "Redemption": 1, "CouponAlreadyExists": 1}
    other = unique("t")
    made = CreateCoupon(other, "x", 1000)
    assert await together(own_api, redemption(other, coupon), made) == {"Redemption": 1, "CouponAlreadyExists": 1}
    assert check_coupon_invariants(own_api.settings.mongo_uri) == 2


async def test_each_answer_has_its_own_running_balance(own_api: Api) -> None:
    coupon = await own_api.coupon()
    permit = await own_api.services.rate_limit.hit(Principal("127.0.0.1"))
    redeem = own_api.services.coupons.redeem
    answers = await asyncio.gather(*(redeem(permit, redemption(f"r{n}", coupon)) for n in range(300)))
    assert [answer.creator_points for answer in answers] == [10 * n for n in range(1, 301)]
    assert check_coupon_invariants(own_api.settings.mongo_uri) == 300
