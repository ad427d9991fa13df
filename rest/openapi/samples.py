"""One sample of each thing and of each input, of which the examples in `openapi.json` are made."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from models.access_codes.access_code import (
    AccessCode,
    AccessCodeUsage,
    AccessCodeUse,
    CreateAccessCode,
    RedeemAccessCode,
)
from models.activity import Activity, Actor, Outcome, Thing
from models.base import to_json
from models.coupons.coupon import Coupon, CouponRole, CreateCoupon, RedeemCoupon
from models.orders.commands import OrderChange
from models.orders.lines import OrderLine
from models.orders.order import Order, OrderStatus
from models.principal import ActorKind, Transport
from models.usage.commands import AskedUser, CheckUsage, CreateUsageFollower, FollowerChange, MoveUsage, RedeemUsage
from models.usage.follower import Availability, Limit, LimitKind, UsageFollower

CAMPAIGN = "60d21b4667d0d8992e610e02"
USER = "ada"
_MADE = datetime(2023, 1, 15, 12, tzinfo=UTC)
_USED = datetime(2023, 1, 20, 15, 30, tzinfo=UTC)
_EXPIRES = datetime(2023, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)

_COUPON = Coupon(
    "60d21b4667d0d8992e610c85", "ABC1-DEF2", "123456789", "user_handle", 1500, 20, 2, CouponRole.CREATOR, True,
    _MADE, _USED, _USED,
)  # fmt: skip
_ACCESS_CODE = AccessCode(
    "60d21b4667d0d8992e610d01", "ABC123", "Beta Tester Access Code", 50, 10, _EXPIRES, True, _MADE, _USED
)
_USE = AccessCodeUse(
    "60d21b4667d0d8992e610d11", _ACCESS_CODE.id, "ABC123", _ACCESS_CODE.description, _EXPIRES, _MADE, "user_handle",
    _USED, "123456789",
)  # fmt: skip
_LINE = OrderLine("tea", 3, Decimal("19.90"), seller_id="seller-1")
ORDER = Order(
    "60d21b4667d0d8992e610f01", USER, "checkout-1", "basket-1", "payment-1", (_LINE,), "1 Long Street", False,
    OrderStatus.PENDING.value, Decimal("59.70"), False, "4242", _MADE, _MADE,
)  # fmt: skip
FOLLOWER = UsageFollower(
    id="60d21b4667d0d8992e610e01", campaign_id=CAMPAIGN, max_limit_in_basket=5, max_total_limit=1000,
    max_limit_per_customer=3, created_at=_MADE, updated_at=_USED, total_usage_count=2,
)  # fmt: skip
LIMIT = Limit(LimitKind.CUSTOMER, 3, 2, 0, 1)
_THING = Thing("Coupon", _COUPON.id)
_ACTIVITY = Activity(
    "60d21b4667d0d8992e610a01", _USED, Actor("admin", ActorKind.KEY), Transport.REST, "DELETE_COUPON",
    (_THING,), (_COUPON.twitter_id, _COUPON.username), Outcome.DONE, request_id="5f0c7d3b9a1e2c44",
)  # fmt: skip

_THINGS: tuple[Any, ...] = (
    _COUPON, _ACCESS_CODE, _USE, AccessCodeUsage(20.0, False, True, 40, 30), _LINE, ORDER, FOLLOWER, LIMIT,
    Availability(FOLLOWER, (LIMIT,), 2, 0, 2, 1), _THING, _ACTIVITY,
)  # fmt: skip

_INPUTS: Mapping[type, Mapping[str, object]] = {
    CreateCoupon: {"twitterId": "123456789", "username": "user_handle", "followers": 1500, "role": "creator"},
    RedeemCoupon: {
        "redeemerTwitterId": "987654321",
        "username": "new_user",
        "followers": 1500,
        "couponCode": "ABC1-DEF2",
    },
    RedeemAccessCode: {"code": "ABC123", "username": "user_handle"},
    CreateAccessCode: {"description": "Beta Tester Access Code", "maxUses": 50, "expiryDays": 30},
    CheckUsage: {"userId": USER, "campaignId": CAMPAIGN, "usageAmount": 2},
    MoveUsage: {"userId": USER, "campaignId": [CAMPAIGN], "usageAmount": 2},
    RedeemUsage: {"userId": USER, "campaignId": CAMPAIGN, "usageAmount": 1},
    AskedUser: {"userId": USER},
    CreateUsageFollower: {
        "campaignId": CAMPAIGN,
        "maxLimitInBasket": 5,
        "maxTotalLimit": 1000,
        "maxLimitPerCustomer": 3,
    },
    FollowerChange: {"maxTotalLimit": 2000, "maxLimitInBasket": None},
    OrderChange: {"address": "2 Long Street", "isGift": True},
}


@cache
def _samples() -> dict[type, Mapping[str, object]]:
    return {type(thing): to_json(thing) for thing in _THINGS}


def sample_of(kind: type) -> Mapping[str, object]:
    """The sample of an entity, with all its fields, or of an input, as JSON."""
    return _INPUTS[kind] if kind in _INPUTS else _samples()[kind]
