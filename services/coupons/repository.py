"""How coupons and their redemptions are stored and found."""

from collections.abc import Collection

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel

from models.coupons.coupon import Coupon, CouponFilter, CouponRole
from models.coupons.redemptions import LedgerEntry, RedemptionFilter, RedemptionsOfCoupon, ledger_codes
from models.pagination import KeysetOrder
from models.values.codes import compact_form
from services.kit.database import Database, Document
from services.kit.mapping import Derived, Mapper
from services.kit.pagination import Listing, given, within
from services.kit.search import contains_by_runs, contains_by_some, every_other_trigram, runs, search_key
from services.kit.sharding import ShardKey
from services.kit.stored_form import WITH_FORM

SEARCH_FIELDS = ("usernameKey", "usernameRuns", "codeKey", "codeTrigrams")
"""What only a search needs; no entity has it."""
ENTITY_ALONE = dict.fromkeys(SEARCH_FIELDS, False)


def search_fields(username: str) -> Document:
    key = search_key(username)
    return {"usernameKey": key, "usernameRuns": runs(key)}


def code_field(coupon_code: str) -> Document:
    """What a code is looked up by, however it is typed, and what a part of it is found by."""
    key = compact_form(coupon_code)
    return {"codeKey": key, "codeTrigrams": every_other_trigram(key)}


COUPONS: Mapper[Coupon] = Mapper(
    Coupon,
    derived=[
        Derived(frozenset({"username"}), lambda coupon: search_fields(coupon.username)),
        Derived(frozenset({"coupon_code"}), lambda coupon: code_field(coupon.coupon_code)),
        WITH_FORM,
    ],
)
LEDGER = Mapper(
    LedgerEntry,
    # What an older system did not know is not there, so that the index of redeemers holds nothing else.
    optional=(
        *("coupon_id", "coupon_code", "creator_twitter_id"),
        *("redeemer_twitter_id", "redeemer_coupon_id", "new_user", "role"),
    ),
)

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))
MOST_USED = KeysetOrder("timesUsed", ("timesUsed", "points"))
ORDERS = {
    "CREATED_AT": NEWEST_FIRST,
    "TIMES_USED": MOST_USED,
    "FOLLOWERS": KeysetOrder("followers", ("followers",)),
}
LATEST_FIRST = KeysetOrder("redemptions", ("redeemedAt",))

COUPON_INDEXES = [
    IndexModel([("twitterId", ASCENDING)], name="twitterId", unique=True),
    IndexModel([("couponCode", ASCENDING)], name="couponCode", unique=True),
    # By which a code is found however it is typed. Not unique: older codes may differ in a dash alone.
    IndexModel([("codeKey", ASCENDING)], name="codeKey"),
    IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
    IndexModel([("timesUsed", DESCENDING), ("points", DESCENDING), ("_id", DESCENDING)], name="timesUsed"),
    IndexModel([("followers", DESCENDING), ("_id", DESCENDING)], name="followers"),
    # Each of the two in any combination: a filter that leaves one open names both its values, which MongoDB merges.
    IndexModel(
        [("active", ASCENDING), ("role", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="active"
    ),
    IndexModel([("usernameRuns", ASCENDING)], name="usernameRuns"),
    IndexModel([("codeTrigrams", ASCENDING)], name="codeTrigrams"),
]
LEDGER_INDEXES = [
    IndexModel(
        [("redeemerTwitterId", ASCENDING)],
        name="redeemerTwitterId",
        unique=True,
        # Rows of an older system may not know their redeemer. Sparse and not partial by `$type`, because MongoDB does
        # not use such an index for `$in`.
        sparse=True,
    ),
    IndexModel([("redeemedAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
    # With the coupon, so that the redemptions of one of several that bore a code are told apart in the index.
    IndexModel(
        [("couponCode", ASCENDING), ("redeemedAt", DESCENDING), ("_id", DESCENDING), ("couponId", ASCENDING)],
        name="ofCode",
    ),
    IndexModel([("creatorTwitterId", ASCENDING), ("redeemedAt", DESCENDING), ("_id", DESCENDING)], name="ofCreator"),
]

# The unique index is sparse, which MongoDB does not take for the index of a shard key.
LEDGER_SHARD_KEY = ShardKey("redemptions", ("redeemerTwitterId",), made_first=True)


def by_code(codes: Collection[str]) -> list[Document]:
    """The conditions, either of which a coupon of one of these codes meets; a `CodeBook` tells which it is.

    The codes are in normal form. By the code itself too, because a process of an earlier release may still write
    coupons without the key.
    """
    return [{"couponCode": {"$in": [*codes]}}, {"codeKey": {"$in": [compact_form(code) for code in codes]}}]


def query_of(wanted: CouponFilter) -> Document:
    """The query for what a filter leaves."""
    query: Document = within("createdAt", wanted)
    if wanted.role is not None or wanted.active is not None:
        query["active"] = {"$in": [True, False] if wanted.active is None else [wanted.active]}
        query["role"] = {"$in": [role.value for role in CouponRole if wanted.role in (None, role)]}
    if wanted.min_followers:
        query["followers"] = {"$gte": wanted.min_followers}
    if wanted.username is not None:
        query |= contains_by_runs("usernameKey", "usernameRuns", search_key(wanted.username))
    if wanted.coupon_code is not None:
        query |= contains_by_some("codeKey", "codeTrigrams", compact_form(wanted.coupon_code))
    return query


def redemptions_query(wanted: RedemptionFilter) -> Document:
    """The query for what a filter leaves of the ledger."""
    query = within("redeemedAt", wanted)
    query |= given(creatorTwitterId=wanted.creator_twitter_id, redeemerTwitterId=wanted.redeemer_twitter_id)
    if wanted.coupon_code is not None:
        query["couponCode"] = {"$in": ledger_codes(wanted.coupon_code)}
    if isinstance(wanted, RedemptionsOfCoupon):
        query |= {"couponCode": wanted.coupon_code, "couponId": ObjectId(wanted.coupon_id)}
    return query


def redemptions(database: Database) -> Listing[RedemptionFilter, LedgerEntry]:
    """What was redeemed, the latest first."""
    return Listing(database.redemptions, LATEST_FIRST, redemptions_query, LEDGER.load)
