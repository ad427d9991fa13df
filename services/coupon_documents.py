"""How a coupon and a redemption stand in MongoDB. The field names are those of the coupon document."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bson import ObjectId

from models.codes import compact_form, normalize_code
from models.coupons import POINTS_PER_REDEMPTION, Coupon, CouponRole
from models.events import Event
from models.instants import iso, iso_or_none
from services.search import search_key, trigrams
from services.stored_form import FORM

SEARCH_FIELDS = {"usernameKey": False, "usernameTrigrams": False, "codeKey": False}
"""A projection that leaves out what only a search needs."""


def coupon_from_document(document: dict[str, Any]) -> Coupon:
    return Coupon(
        id=str(document["_id"]),
        coupon_code=document["couponCode"],
        twitter_id=document["twitterId"],
        username=document["username"],
        followers=document["followers"],
        points=document["points"],
        times_used=document["timesUsed"],
        role=CouponRole(document["role"]),
        active=document["active"],
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        last_used_at=document.get("lastUsedAt"),
    )


def coupon_to_document(coupon: Coupon) -> dict[str, Any]:
    return {
        "_id": ObjectId(coupon.id),
        "couponCode": coupon.coupon_code,
        "twitterId": coupon.twitter_id,
        "username": coupon.username,
        "followers": coupon.followers,
        "points": coupon.points,
        "timesUsed": coupon.times_used,
        "role": coupon.role.value,
        "active": coupon.active,
        "createdAt": coupon.created_at,
        "updatedAt": coupon.updated_at,
        "lastUsedAt": coupon.last_used_at,
        "form": FORM,
        **search_fields(coupon.username),
        **code_field(coupon.coupon_code),
    }


def search_fields(username: str) -> dict[str, Any]:
    key = search_key(username)
    return {"usernameKey": key, "usernameTrigrams": trigrams(key)}


def code_field(coupon_code: str) -> dict[str, Any]:
    """What a code is looked up by, however it is typed."""
    return {"codeKey": compact_form(coupon_code)}


def by_code(typed: Iterable[str]) -> list[dict[str, Any]]:
    """The conditions, either of which a coupon of one of these codes meets; a `CodeBook` tells which it is.

    By the code itself too, because a process of an earlier release may still write coupons without the key.
    """
    codes = list(typed)
    return [
        {"couponCode": {"$in": [normalize_code(code) for code in codes]}},
        {"codeKey": {"$in": [compact_form(code) for code in codes]}},
    ]


def ledger_row(coupon: Coupon, redeemer: Coupon, at: datetime) -> dict[str, Any]:
    """One redemption. The row outlives both coupons; `redeemerTwitterId` is unique for ever."""
    return {
        "couponId": ObjectId(coupon.id),
        "couponCode": coupon.coupon_code,
        "creatorTwitterId": coupon.twitter_id,
        "redeemerTwitterId": redeemer.twitter_id,
        "redeemerCouponId": ObjectId(redeemer.id),
        "points": POINTS_PER_REDEMPTION,
        "redeemedAt": at,
    }


def coupon_event(what: str, coupon: Coupon) -> Event:
    """`couponSystem-couponCreated` or `couponSystem-couponDeleted`, with the coupon as REST shows it."""
    return Event(f"couponSystem-{what}", coupon.id, coupon_to_json(coupon))


def redeemed_event(coupon: Coupon, redeemer: Coupon, at: datetime, *, new_user: bool) -> Event:
    value = {
        "couponId": coupon.id,
        "couponCode": coupon.coupon_code,
        "creatorTwitterId": coupon.twitter_id,
        "creatorPoints": coupon.points,
        "redeemerTwitterId": redeemer.twitter_id,
        "redeemerPoints": redeemer.points,
        "newUser": new_user,
        "newCouponCode": redeemer.coupon_code if new_user else None,
        "redeemedAt": iso(at),
    }
    return Event("couponSystem-couponRedeemed", coupon.id, value)


def coupon_to_json(coupon: Coupon) -> dict[str, Any]:
    """A coupon as the coupon document shows it."""
    return {
        "_id": coupon.id,
        "couponCode": coupon.coupon_code,
        "twitterId": coupon.twitter_id,
        "username": coupon.username,
        "followers": coupon.followers,
        "points": coupon.points,
        "timesUsed": coupon.times_used,
        "role": coupon.role.value,
        "active": coupon.active,
        "createdAt": iso(coupon.created_at),
        "updatedAt": iso(coupon.updated_at),
        "lastUsedAt": iso_or_none(coupon.last_used_at),
    }
