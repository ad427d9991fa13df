"""Indexes and counters of coupons, and the take-over of coupons that the original system left.

The original system kept points and uses on the coupon alone. A coupon without our search fields is one of those: it
gets them, and ledger rows for the redemptions its numbers tell of, so that the ledger accounts for every point.
"""

import logging
from typing import TYPE_CHECKING, Any

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne

from models.codes import normalize_code
from models.coupons import POINTS_PER_REDEMPTION
from models.instants import to_milliseconds
from services.counters import Counters
from services.coupon_counts import FAMILY, CouponCounts
from services.coupon_documents import search_fields
from services.database import Database
from services.indexes import ensure_indexes

if TYPE_CHECKING:
    from services.database import Session

log = logging.getLogger("tessera.migration")

TAKE_OVER_BATCH = 500

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
        # Rows taken over from the original system may not know their redeemer. Sparse and not partial by `$type`,
        # because MongoDB does not use such an index for `$in`.
        sparse=True,
    )
]


async def make_coupon_indexes(database: Database) -> None:
    await ensure_indexes(database.coupons, COUPON_INDEXES)
    await ensure_indexes(database.redemptions, LEDGER_INDEXES)


async def coupons_need_take_over(database: Database) -> bool:
    """Whether there are coupons that the counters do not know, told in constant time."""
    return not await Counters(database, FAMILY).agrees("total", database.coupons)


async def take_over_coupons(database: Database) -> int:
    """Bring every coupon of the original system into our form, then count all anew. Answers how many were taken over.

    Each batch is one transaction, so a crash leaves whole batches, and running it again finishes the rest.
    """
    taken = 0
    while batch := await database.transaction(lambda session: _take_over_batch(database, session)):
        taken += batch
    await database.transaction(CouponCounts(database).recount)
    return taken


async def _take_over_batch(database: Database, session: "Session") -> int:
    found = database.coupons.find({"usernameKey": {"$exists": False}}, session=session).limit(TAKE_OVER_BATCH)
    documents = await found.to_list(None)
    if not documents:
        return 0
    twitter_ids = [document.get("twitterId") for document in documents]
    known = database.redemptions.find({"redeemerTwitterId": {"$in": twitter_ids}}, session=session)
    redeemed = {row["redeemerTwitterId"] async for row in known}
    updates, rows = [], []
    for document in documents:
        complete = _complete(document)
        own = _ledger_of(complete | {"_id": document["_id"]}, redeemed)
        rest = complete["points"] - POINTS_PER_REDEMPTION * len(own)
        if rest:
            log.warning("coupon %s: %d points that no redemption accounts for are kept", document["_id"], rest)
            complete["unaccountedPoints"] = rest
        updates.append(UpdateOne({"_id": document["_id"]}, {"$set": complete}))
        rows += own
    if rows:
        await database.redemptions.insert_many(rows, session=session)
    await database.coupons.bulk_write(updates, session=session)
    return len(documents)


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    """What the document holds, in our form and with what it lacks."""
    created_at = document.get("createdAt") or to_milliseconds(document["_id"].generation_time)
    username = str(document.get("username") or document.get("twitterId"))
    return {
        "couponCode": normalize_code(document["couponCode"]),
        "twitterId": str(document["twitterId"]),
        "username": username,
        "followers": int(document.get("followers") or 0),
        "points": int(document.get("points") or 0),
        "timesUsed": int(document.get("timesUsed") or 0),
        "role": "creator" if document.get("role") == "creator" else "user",
        "active": document.get("active") is not False,
        "createdAt": created_at,
        "updatedAt": document.get("updatedAt") or created_at,
        "lastUsedAt": document.get("lastUsedAt"),
        **search_fields(username),
    }


def _ledger_of(coupon: dict[str, Any], redeemed: set[str]) -> list[dict[str, Any]]:
    """Rows for the uses of a coupon, and one for its owner's own redemption when the points tell of it."""
    at = coupon["lastUsedAt"] or coupon["updatedAt"]
    row = {"points": POINTS_PER_REDEMPTION, "redeemedAt": at, "takenOver": True}
    uses = [
        {**row, "couponId": coupon["_id"], "couponCode": coupon["couponCode"], "creatorTwitterId": coupon["twitterId"]}
        for _ in range(coupon["timesUsed"])
    ]
    rest = coupon["points"] - POINTS_PER_REDEMPTION * coupon["timesUsed"]
    own = {**row, "redeemerTwitterId": coupon["twitterId"], "redeemerCouponId": coupon["_id"]}
    if rest >= POINTS_PER_REDEMPTION and coupon["twitterId"] not in redeemed:
        uses.append(own)
    return uses
