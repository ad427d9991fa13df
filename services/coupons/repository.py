"""How coupons and their redemptions are stored and found."""

from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from models.coupon import Coupon, CouponFilter, CouponRole, LedgerEntry
from models.pagination import KeysetOrder
from services.kit.mapping import Derived, Mapper
from services.kit.search import contains, fold, trigrams

SEARCH_FIELDS = ("usernameKey", "usernameTrigrams")
"""What only a search needs; no entity has it."""


def search_fields(username: str) -> dict[str, Any]:
    return {"usernameKey": fold(username), "usernameTrigrams": trigrams(username)}


COUPONS = Mapper(Coupon, derived=[Derived(frozenset({"username"}), lambda coupon: search_fields(coupon.username))])
LEDGER = Mapper(LedgerEntry)

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))
MOST_USED = KeysetOrder("timesUsed", ("timesUsed", "points"))
ORDERS = {
    "CREATED_AT": NEWEST_FIRST,
    "TIMES_USED": MOST_USED,
    "FOLLOWERS": KeysetOrder("followers", ("followers",)),
}

COUPON_INDEXES = [
    IndexModel([("twitterId", ASCENDING)], name="twitterId", unique=True),
    IndexModel([("couponCode", ASCENDING)], name="couponCode", unique=True),
    IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
    IndexModel([("timesUsed", DESCENDING), ("points", DESCENDING), ("_id", DESCENDING)], name="timesUsed"),
    IndexModel([("followers", DESCENDING), ("_id", DESCENDING)], name="followers"),
    IndexModel([("role", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="role"),
    IndexModel([("usernameTrigrams", ASCENDING)], name="usernameTrigrams"),
]
LEDGER_INDEXES = [
    IndexModel(
        [("redeemerTwitterId", ASCENDING)],
        name="redeemerTwitterId",
        unique=True,
        # Rows of an older system may not know their redeemer. Sparse and not partial by `$type`, because MongoDB does
        # not use such an index for `$in`.
        sparse=True,
    )
]


def query_of(wanted: CouponFilter) -> dict[str, Any]:
    """The query for what a filter leaves."""
    query: dict[str, Any] = {}
    if wanted.role is not None:
        query["role"] = CouponRole(wanted.role).value
    if wanted.min_followers:
        query["followers"] = {"$gte": wanted.min_followers}
    if wanted.username is not None:
        query |= contains("usernameKey", "usernameTrigrams", wanted.username)
    return query
