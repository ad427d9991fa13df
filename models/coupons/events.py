"""What others are told of coupons."""

from datetime import datetime
from typing import TYPE_CHECKING

from models.base import to_json
from models.events import Event
from models.values.instants import iso

if TYPE_CHECKING:
    from models.coupons.coupon import Coupon


def created_event(coupon: "Coupon") -> Event:
    return Event("couponSystem-couponCreated", coupon.id, to_json(coupon))


def deleted_event(coupon: "Coupon") -> Event:
    return Event("couponSystem-couponDeleted", coupon.id, to_json(coupon))


def switched_event(coupon: "Coupon") -> Event:
    """The coupon as it is after it."""
    value = {
        "couponId": coupon.id,
        "couponCode": coupon.coupon_code,
        "twitterId": coupon.twitter_id,
        "active": coupon.active,
        "switchedAt": iso(coupon.updated_at),
    }
    return Event("couponSystem-couponSwitched", coupon.id, value)


def redeemed_event(coupon: "Coupon", redeemer: "Coupon", at: datetime, *, is_new: bool) -> Event:
    """Both coupons as they are after it; `is_new` where it made the redeemer's."""
    value = {
        "couponId": coupon.id,
        "couponCode": coupon.coupon_code,
        "creatorTwitterId": coupon.twitter_id,
        "creatorPoints": coupon.points,
        "redeemerTwitterId": redeemer.twitter_id,
        "redeemerPoints": redeemer.points,
        "newUser": is_new,
        "newCouponCode": redeemer.coupon_code if is_new else None,
        "redeemedAt": iso(at),
    }
    return Event("couponSystem-couponRedeemed", coupon.id, value)
