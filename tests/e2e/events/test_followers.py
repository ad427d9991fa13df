"""Campaigns, coupons and baskets of other services keep the usage followers."""

from typing import Any

import orjson
import pytest
from bson import ObjectId

from consumers.kafka.records import EVENT_ID
from models.principal import SYSTEM
from models.usage.commands import CheckUsage, GetAvailability, RedeemUsage
from models.usage.follower import Availability, UsageFollowerNotFound
from tests.support.api import unique
from tests.support.consumers import EventWorld, header
from tests.support.eventually import eventually

LIMITS: dict[str, int | None] = {"maxLimitInBasket": 3, "maxTotalLimit": 100, "maxLimitPerCustomer": 5}


async def standing(world: EventWorld, identifier: str, user_id: str | None = None) -> Availability | None:
    try:
        return await world.services.usage.get_availability(SYSTEM, GetAvailability(id=identifier, user_id=user_id))
    except UsageFollowerNotFound:
        return None


async def limits_become(world: EventWorld, identifier: str, expected: dict[str, int | None] | None) -> None:
    """Wait until the follower has these limits; None: until there is none."""

    async def are_so() -> bool:
        found = await standing(world, identifier)
        if found is None or expected is None:
            return found is None and expected is None
        return expected == {
            "maxLimitInBasket": found.follower.max_limit_in_basket,
            "maxTotalLimit": found.follower.max_total_limit,
            "maxLimitPerCustomer": found.follower.max_limit_per_customer,
        }

    await eventually(are_so, within=60)


async def followed(world: EventWorld, service: str = "campaignService-campaign", **changes: Any) -> str:
    """A campaign (or coupon) with a follower; answers its id."""
    identifier = str(ObjectId())
    limits = LIMITS | changes
    await world.send(f"{service}Created", [{"_id": identifier, **limits}])
    await limits_become(world, identifier, limits)
    return identifier


@pytest.mark.parametrize("service", ["campaignService-campaign", "couponService-coupon"])
async def test_a_follower_is_made_changed_and_deleted_by_the_events_of_its_service(
    world: EventWorld, service: str
) -> None:
    identifier = str(ObjectId())
    await world.send(f"{service}Created", {"_id": identifier, "name": "Spring", **LIMITS})
    await limits_become(world, identifier, LIMITS)
    await world.send(f"{service}Updated", {"_id": identifier, "maxTotalLimit": 7, "maxLimitPerCustomer": 2})
    changed = {"maxLimitInBasket": None, "maxTotalLimit": 7, "maxLimitPerCustomer": 2}
    await limits_become(world, identifier, changed)
    await world.send(f"{service}Deleted", {"_id": identifier})
    await limits_become(world, identifier, None)


async def test_one_event_brings_several_campaigns_and_sets_limits_where_a_follower_is_there(world: EventWorld) -> None:
    old, new = await followed(world), str(ObjectId())
    fresh: dict[str, int | None] = {"maxLimitInBasket": 1, "maxTotalLimit": 2, "maxLimitPerCustomer": 1}
    await world.send("campaignService-campaignCreated", [{"_id": old, **fresh}, {"_id": new, **fresh}])
    await limits_become(world, old, fresh)
    await limits_become(world, new, fresh)


async def test_a_list_that_says_the_same_twice_ends_with_what_it_says_last(world: EventWorld) -> None:
    identifier = await followed(world)
    five, seven = ({"_id": identifier, "maxTotalLimit": limit} for limit in (5, 7))
    await world.send("campaignService-campaignUpdated", [five, seven, five])
    await limits_become(world, identifier, {"maxLimitInBasket": None, "maxTotalLimit": 5, "maxLimitPerCustomer": None})


async def test_an_update_that_comes_before_its_creation_waits_for_it(world: EventWorld) -> None:
    identifier = str(ObjectId())
    await world.send("campaignService-campaignUpdated", [{"_id": identifier, **LIMITS, "maxTotalLimit": 9}])
    await world.send("campaignService-campaignCreated", [{"_id": identifier, **LIMITS}])
    await limits_become(world, identifier, {**LIMITS, "maxTotalLimit": 9})


async def test_an_update_of_a_follower_that_never_comes_is_a_dead_letter(world: EventWorld) -> None:
    topic, key = "campaignService-campaignUpdated", unique()
    await world.send(topic, [{"_id": str(ObjectId()), **LIMITS}], key=key)
    (dead,) = await world.arrived(f"{topic}.dlt", 1, where=lambda r: r.key == key.encode())
    assert header(dead, "dlt-error-code") == UsageFollowerNotFound.code


@pytest.mark.parametrize("service", ["campaignService-campaign", "couponService-coupon"])
async def test_of_a_list_everything_acts_that_can_and_the_rest_is_one_dead_letter(
    world: EventWorld, service: str
) -> None:
    known, unknown, made, key = await followed(world, service), str(ObjectId()), str(ObjectId()), unique()
    changed = {**LIMITS, "maxTotalLimit": 1}
    broken = {"_id": made, "maxTotalLimit": -1}
    await world.send(
        f"{service}Updated", [{"_id": unknown, **changed}, broken, {"_id": known, **changed, "name": "Spring"}], key=key
    )
    await limits_become(world, known, changed)
    (dead,) = await world.arrived(f"{service}Updated.dlt", 1, where=lambda r: r.key == key.encode())
    assert orjson.loads(dead.value) == [{"_id": unknown, **changed}, broken]
    reason = header(dead, "dlt-error-message")
    assert reason == f"item 1: {UsageFollowerNotFound.message}; item 2: maxTotalLimit must be at least 0"

    await world.send(f"{service}Created", [broken, {"_id": made, **LIMITS}, {"_id": made, **LIMITS}, None], key=key)
    await limits_become(world, made, LIMITS)
    (dead,) = await world.arrived(f"{service}Created.dlt", 1, where=lambda r: r.key == key.encode())
    assert orjson.loads(dead.value) == [broken, None]

    await world.send(f"{service}Deleted", [{"_id": unknown}, {"_id": known}, {"_id": "x"}, {"_id": known}], key=key)
    await limits_become(world, known, None)
    (dead,) = await world.arrived(f"{service}Deleted.dlt", 1, where=lambda r: r.key == key.encode())
    assert orjson.loads(dead.value) == [{"_id": "x"}]
    assert header(dead, "dlt-error-message") == "_id must be a valid ObjectId"


async def test_items_of_a_list_that_are_put_back_act_once_and_the_others_not_again(world: EventWorld) -> None:
    first, late, key, topic = await followed(world), str(ObjectId()), unique(), "campaignService-campaignUpdated"
    low, high = {**LIMITS, "maxTotalLimit": 1}, {**LIMITS, "maxTotalLimit": 50}
    identity = {"ce_id": key, "ce_source": "/campaigns"}
    event = [{"_id": first, **low}, {"_id": late, **low}]
    await world.send(topic, event, key=key, headers=identity)
    (dead,) = await world.arrived(f"{topic}.dlt", 1, where=lambda r: r.key == key.encode())
    assert orjson.loads(dead.value) == [event[1]]
    await world.send("campaignService-campaignCreated", [{"_id": late, **LIMITS}])
    await limits_become(world, late, LIMITS)
    await world.send(topic, {"_id": first, **high}, key=key)
    await limits_become(world, first, high)
    again = {EVENT_ID: header(dead, "dlt-event-id")}
    await world.send(topic, dead.value, key=key, headers=again)
    await limits_become(world, late, low)
    assert (await standing(world, first)).follower.max_total_limit == 50  # type: ignore[union-attr]

    # Whichever copy comes now, of the letter or of the event: each of its items has acted.
    await world.send(topic, {"_id": late, **high}, key=key)
    await limits_become(world, late, high)
    await world.send(topic, dead.value, key=key, headers=again)
    await world.send(topic, event, key=key, headers=identity)
    await world.send(topic, {"_id": first, **LIMITS}, key=key)
    await limits_become(world, first, LIMITS)
    await limits_become(world, late, high)


async def test_what_is_not_there_is_deleted_already(world: EventWorld) -> None:
    topic, key = "couponService-couponDeleted", unique()
    await world.send(topic, {"_id": str(ObjectId())}, key=key)
    await world.send(topic, [{"_id": str(ObjectId())}, {"_id": str(ObjectId())}], key=key)
    await world.send(topic, {"_id": "x"}, key=key)
    (dead,) = await world.arrived(f"{topic}.dlt", 1, where=lambda r: r.key == key.encode())
    assert orjson.loads(dead.value) == {"_id": "x"}


async def test_a_coupon_that_was_redeemed_enrols_its_user_with_nothing_and_never_lowers_a_count(
    world: EventWorld,
) -> None:
    coupon, user = str(ObjectId()), unique("user")
    await world.send("couponService-couponCreated", {"_id": coupon, **LIMITS})
    await world.send("couponService-couponRedeemed", {"resMsg": {"_id": coupon}, "userId": user})

    async def users() -> int:
        found = await standing(world, coupon)
        return found.follower.user_count if found else 0

    await eventually(lambda: _is(users, 1), within=60)
    await world.services.usage.redeem(SYSTEM, RedeemUsage(user_id=user, coupon_id=coupon))
    other = unique("user")
    await world.send("couponService-couponRedeemed", {"resMsg": {"_id": coupon}, "userId": user}, key="same")
    await world.send("couponService-couponRedeemed", {"resMsg": {"_id": coupon}, "userId": other}, key="same")
    await eventually(lambda: _is(users, 2), within=60)
    found = await standing(world, coupon, user)
    assert found is not None
    assert found.used == 1


@pytest.mark.parametrize("nested", [True, False])
async def test_a_paid_basket_counts_the_holds_of_its_user_once(world: EventWorld, nested: bool) -> None:
    campaign, user = await followed(world), unique("user")
    await world.services.usage.check(SYSTEM, CheckUsage(user_id=user, campaign_id=campaign, usage_amount=2))
    basket = {"userId": user, "campaignIds": [campaign]}
    headers = {"ce_id": unique("event"), "ce_source": "/basket", "ce_specversion": "1.0"}
    for _ in range(3):
        await world.send(
            "basketService-setUsage-active", {"product": basket} if nested else basket, key=user, headers=headers
        )

    async def used() -> int:
        found = await standing(world, campaign, user)
        return found.used if found else -1

    await eventually(lambda: _is(used, 2), within=60)
    # Another event without an open hold, behind the copies: once it is dead they have all been seen.
    await world.send("basketService-setUsage-active", basket, key=user)
    (dead,) = await world.arrived("basketService-setUsage-active.dlt", 1, where=lambda r: r.key == user.encode())
    assert header(dead, "dlt-error-message") == "There is no open hold to commit."
    assert await used() == 2


async def test_a_basket_that_breaks_a_limit_is_a_dead_letter_with_the_reason(world: EventWorld) -> None:
    campaign, user = await followed(world), unique("user")
    await world.services.usage.check(SYSTEM, CheckUsage(user_id=user, campaign_id=campaign, usage_amount=3))
    await world.send("campaignService-campaignUpdated", [{"_id": campaign, **LIMITS, "maxTotalLimit": 1}])
    await limits_become(world, campaign, {**LIMITS, "maxTotalLimit": 1})
    await world.send("basketService-setUsage-active", {"userId": user, "campaignIds": [campaign]}, key=user)
    (dead,) = await world.arrived("basketService-setUsage-active.dlt", 1, where=lambda r: r.key == user.encode())
    assert header(dead, "dlt-error-code") == "USAGE_LIMIT_REACHED"


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        ("campaignService-campaignCreated", None),
        ("campaignService-campaignCreated", b"null"),
        ("campaignService-campaignCreated", []),
        ("campaignService-campaignCreated", [{"maxTotalLimit": 1}]),
        ("campaignService-campaignCreated", [{"_id": "no id", "maxTotalLimit": 1}]),
        ("campaignService-campaignCreated", [{"_id": 5}]),
        ("campaignService-campaignCreated", [{"_id": "64b7f0c2a1b2c3d4e5f60718", "maxTotalLimit": -1}]),
        ("campaignService-campaignUpdated", b"{broken"),
        ("couponService-couponRedeemed", {"userId": "u"}),
        ("couponService-couponRedeemed", {"resMsg": {"_id": "64b7f0c2a1b2c3d4e5f60718"}}),
        ("basketService-setUsage-active", {"userId": "u"}),
        ("basketService-setUsage-active", {"product": "p"}),
        ("basketService-setUsage-active", b"\xff\xfe"),
        ("payment-service-accept", b"[" * 100_000),
        ("payment-service-accept", {"paymentId": 5}),
        ("payment-service-accept", {"paymentId": "p", "userId": "u", "totalPrice": -1}),
        ("payment-service-accept", b'{"totalPrice": NaN}'),
        ("payment-service-accept", b'{"totalPrice": 1e99999999999999999999, "userId": "u"}'),
        ("payment-service-accept", b'{"quantity": ' + b"9" * 5000 + b"}"),
        ("payment-service-accept", rb'{"paymentId": "\ud83d"}'),
        ("couponService-couponRedeemed", rb'{"resMsg": {"_id": "64b7f0c2a1b2c3d4e5f60718"}, "userId": "\udc00"}'),
    ],
)
async def test_bad_data_are_dead_letters_at_once(world: EventWorld, topic: str, value: Any) -> None:
    key = unique("bad")
    await world.send(topic, value, key=key)
    (dead,) = await world.arrived(f"{topic}.dlt", 1, where=lambda r: r.key == key.encode())
    assert header(dead, "dlt-error-code") == "BAD_USER_INPUT"
    assert header(dead, "dlt-error-message") not in ("", "Internal server error")


async def _is(count: Any, expected: int) -> bool:
    found: int = await count()
    return found == expected
