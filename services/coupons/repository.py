"""How coupons and their redemptions are stored and found."""

from collections.abc import Collection

from pymongo import ASCENDING, DESCENDING, IndexModel

from models.coupons.coupon import Coupon, CouponFilter, CouponRole, LedgerEntry
from models.pagination import KeysetOrder
from models.values.codes import compact_form
from services.kit.database import Document
from services.kit.mapping import Derived, Mapper
from services.kit.search import contains, search_key, trigrams
from services.kit.stored_form import WITH_FORM

SEARCH_FIELDS = ("usernameKey", "usernameTrigrams", "codeKey")
"""What only a search needs; no entity has it."""


def search_fields(username: str) -> Document:
    key = search_key(username)
    return {"usernameKey": key, "usernameTrigrams": trigrams(key)}


def code_field(coupon_code: str) -> Document:
    """What a code is looked up by, however it is typed."""
    return {"codeKey": compact_form(coupon_code)}


COUPONS: Mapper[Coupon] = Mapper(
    Coupon,
    derived=[
        Derived(frozenset({"username"}), lambda coupon: search_fields(coupon.username)),
        Derived(frozenset({"coupon_code"}), lambda coupon: code_field(coupon.coupon_code)),
        WITH_FORM,
    ],
)
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
    # By which a code is found however it is typed. Not unique: older codes may differ in a dash alone.
    IndexModel([("codeKey", ASCENDING)], name="codeKey"),
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


def by_code(codes: Collection[str]) -> list[Document]:
    """The conditions, either of which a coupon of one of these codes meets; a `CodeBook` tells which it is.

    The codes are in normal form. By the code itself too, because a process of an earlier release may still write
    coupons without the key.
    """
    return [{"couponCode": {"$in": [*codes]}}, {"codeKey": {"$in": [compact_form(code) for code in codes]}}]


def query_of(wanted: CouponFilter) -> Document:
    """The query for what a filter leaves."""
    query: Document = {}
    if wanted.role is not None:
        query["role"] = CouponRole(wanted.role).value
    if wanted.min_followers:
        query["followers"] = {"$gte": wanted.min_followers}
    if wanted.username is not None:
        query |= contains("usernameKey", "usernameTrigrams", search_key(wanted.username))
    return query
