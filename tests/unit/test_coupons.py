"""The rules of a redemption in the order of the documents, and what one changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.base import after
from models.coupons.coupon import (
    Coupon,
    CouponRole,
    CreateCoupon,
    RedeemCoupon,
    judge_redemption,
    new_coupon,
    redeem,
    require_redemption_fields,
    switch,
)
from models.coupons.refusals import (
    AlreadyRedeemed,
    InvalidCouponCode,
    NewUserFieldsRequired,
    RedemptionFieldsRequired,
    RoleMismatch,
    SelfRedemption,
    TooFewFollowers,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
COUPON = new_coupon(CreateCoupon("1", "ada", 1500), identifier="c" * 24, code="ABCD-EFGH", now=NOW)
OWN = new_coupon(CreateCoupon("2", "grace", 2000), identifier="d" * 24, code="JKMN-PQRS", now=NOW)
NEW_USER = RedeemCoupon("2", "ABCD-EFGH", "grace", 2000)


@pytest.mark.parametrize(
    ("command", "coupon", "redeemer", "has_redeemed", "refusal"),
    [
        (NEW_USER, None, None, False, InvalidCouponCode),
        (NEW_USER, replace(COUPON, active=False), None, False, InvalidCouponCode),
        (replace(NEW_USER, redeemer_twitter_id="1"), COUPON, COUPON, False, SelfRedemption),
        # Each of those below would be refused by the ones after it too: the first that holds says why.
        (replace(NEW_USER, redeemer_twitter_id="1", followers=1), COUPON, None, True, SelfRedemption),
        (replace(NEW_USER, username=None, followers=1), COUPON, None, True, AlreadyRedeemed),
        (NEW_USER, COUPON, replace(OWN, role=CouponRole.CREATOR), True, AlreadyRedeemed),
        (replace(NEW_USER, username=None), COUPON, None, False, NewUserFieldsRequired),
        (replace(NEW_USER, followers=None), COUPON, None, False, NewUserFieldsRequired),
        (replace(NEW_USER, username=None, followers=1), COUPON, None, False, NewUserFieldsRequired),
        (replace(NEW_USER, followers=999), COUPON, None, False, TooFewFollowers),
        (NEW_USER, COUPON, replace(OWN, role=CouponRole.CREATOR), False, RoleMismatch),
        # `username` and `followers` are ignored where the redeemer has a coupon.
        (replace(NEW_USER, username=None, followers=1), COUPON, OWN, False, None),
        (replace(NEW_USER, followers=1000), COUPON, None, False, None),
        (NEW_USER, COUPON, None, False, None),
    ],
)
def test_the_first_rule_that_is_broken_says_why(
    command: RedeemCoupon, coupon: Coupon | None, redeemer: Coupon | None, has_redeemed: bool, refusal: Any
) -> None:
    found = judge_redemption(command, coupon, redeemer, has_redeemed=has_redeemed)
    assert (None if found is None else type(found)) is refusal


@pytest.mark.parametrize("command", [RedeemCoupon(None, "ABCD-EFGH"), RedeemCoupon("2", None), RedeemCoupon()])
def test_a_redemption_names_its_redeemer_and_its_code(command: RedeemCoupon) -> None:
    with pytest.raises(RedemptionFieldsRequired, match="Twitter ID and coupon code are required"):
        require_redemption_fields(command)


def test_a_redemption_gives_ten_points_to_each_side_and_one_use_to_the_coupon() -> None:
    at = NOW + timedelta(hours=1)
    done = redeem(COUPON, OWN, is_new=False, entry_id="e" * 24, at=at)
    assert (done.coupon.points, done.coupon.times_used, done.coupon.last_used_at) == (10, 1, at)
    assert (done.redeemer.points, done.redeemer.times_used, done.redeemer.last_used_at) == (10, 0, None)
    assert (done.entry.creator_twitter_id, done.entry.redeemer_twitter_id, done.entry.points) == ("1", "2", 10)
    assert [event.topic for event in done.events] == ["couponSystem-couponRedeemed"]
    assert done.events[0].key == COUPON.id
    assert done.events[0].value["newUser"] is False
    assert (COUPON.points, OWN.points) == (0, 0)


def test_the_coupon_of_a_new_user_is_told_of_before_the_redemption_that_made_it() -> None:
    done = redeem(COUPON, OWN, is_new=True, entry_id="e" * 24, at=NOW)
    assert [event.topic for event in done.events] == ["couponSystem-couponCreated", "couponSystem-couponRedeemed"]
    assert done.events[0].value["couponCode"] == done.events[1].value["newCouponCode"] == OWN.coupon_code


def test_a_new_coupon_starts_at_nothing() -> None:
    made = new_coupon(CreateCoupon("1", "ada", 1500, CouponRole.CREATOR), identifier="c" * 24, code="X", now=NOW)
    assert (made.points, made.times_used, made.active, made.role) == (0, 0, True, CouponRole.CREATOR)
    assert made.created_at == made.updated_at == NOW


def test_switching_to_what_it_is_changes_nothing() -> None:
    assert switch(COUPON, active=True, at=NOW + timedelta(1)) is COUPON
    off = switch(COUPON, active=False, at=NOW + timedelta(1))
    assert (off.active, off.updated_at) == (False, NOW + timedelta(1))


def test_what_happens_to_a_thing_happens_in_order() -> None:
    assert after(NOW) == NOW
    assert after(NOW, NOW) == NOW + timedelta(milliseconds=1)
    assert after(NOW, NOW - timedelta(1)) == NOW
    assert after(NOW, NOW + timedelta(1), NOW) == NOW + timedelta(days=1, milliseconds=1)
