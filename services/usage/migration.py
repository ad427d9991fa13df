"""Indexes of usage followers, and the take-over of followers that the original system left.

The original system kept the counts of all users in two maps of the follower. They become counters of their own, the
temporary counts holds; the ledger gets a row for each count, so that it accounts for every unit.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from bson.errors import InvalidId
from pymongo import ASCENDING, DESCENDING, IndexModel

from models.instants import to_milliseconds
from models.usage import Limits, UsageFollower, UserUsage
from models.usage_inputs import Move
from services.kit.counters import RowCounts
from services.kit.database import Database
from services.kit.indexes import ensure_indexes
from services.usage.documents import FORM, follower_to_document, usage_ledger_row, usage_to_document

if TYPE_CHECKING:
    from services.kit.database import Session

log = logging.getLogger("tessera.migration")

_HOLDING = {"holdExpiresAt": {"$exists": True}}
FOLLOWER_INDEXES = [
    IndexModel([(field, ASCENDING)], name=field, unique=True, partialFilterExpression={field: {"$type": "objectId"}})
    for field in ("couponId", "campaignId")
] + [IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)], name="newest")]
FORM_INDEX = IndexModel([("form", ASCENDING), ("_id", ASCENDING)], name="form")
COUNTER_INDEXES = [
    IndexModel([("followerId", ASCENDING), ("userId", ASCENDING)], name="user", unique=True),
    IndexModel([("followerId", ASCENDING), ("_id", ASCENDING)], name="listed"),
    IndexModel(
        [("followerId", ASCENDING), ("holdExpiresAt", ASCENDING), ("held", ASCENDING)],
        name="holds",
        partialFilterExpression=_HOLDING,
    ),
    IndexModel(
        [("holdExpiresAt", ASCENDING), ("followerId", ASCENDING)], name="expired", partialFilterExpression=_HOLDING
    ),
]
LEDGER_INDEXES = [IndexModel([("followerId", ASCENDING), ("userId", ASCENDING)], name="user")]


async def prepare_usage(database: Database, hold: int, *, recount: bool) -> int:
    """Make the indexes and take over what the original system left; answers how many followers that were.

    The take-over comes first: the original system could hold two followers of a campaign, which our indexes refuse.
    Each follower is one transaction, so that a crash leaves whole followers and running it again finishes the rest. All
    followers are counted anew after it, where there was any or `recount` says so or their total is amiss.
    """
    await ensure_indexes(database.usage_followers, [FORM_INDEX])
    await ensure_indexes(database.usage_counters, COUNTER_INDEXES)
    await ensure_indexes(database.usage_ledger, LEDGER_INDEXES)
    taken = 0
    now = to_milliseconds(datetime.now(UTC))
    while await database.transaction(lambda session: _take_over_one(database, session, now, timedelta(seconds=hold))):
        taken += 1
    await ensure_indexes(database.usage_followers, FOLLOWER_INDEXES)
    await RowCounts(database, database.usage_followers).catch_up(recount=recount or taken > 0)
    return taken


async def _take_over_one(database: Database, session: "Session", now: datetime, hold: timedelta) -> bool:
    followers = database.usage_followers
    document = await followers.find_one({"form": None}, sort=[("form", 1), ("_id", 1)], session=session)
    if document is None:
        return False
    targets = {name: _object_id(document.get(name)) for name in ("couponId", "campaignId")}
    either = [{name: identifier, "form": FORM} for name, identifier in targets.items() if identifier is not None]
    await followers.delete_one({"_id": document["_id"]}, session=session)
    if either and await followers.find_one({"$or": either}, session=session) is not None:
        # The original system found the oldest follower of a campaign and never came to count with another.
        log.warning("usage follower %s: its coupon or campaign has an older one; set aside", document["_id"])
        await database.collection("usagefollowersaside").insert_one(document, session=session)
        return True
    follower, usages = _complete(document, targets, now, now + hold)
    counts: list[tuple[str | None, int]] = [(usage.user_id, usage.used) for usage in usages if usage.used]
    rest = follower.total_usage_count - sum(used for _, used in counts)
    if rest:
        log.warning("usage follower %s: %d uses that no user accounts for are kept", follower.id, rest)
        counts.append((None, rest))
    rows = []
    for user_id, used in counts:
        follower = replace(follower, revision=follower.revision + 1)
        rows.append(usage_ledger_row(follower, user_id, used, Move.TAKE_OVER, "migration", None, now))
    if rows:
        await database.usage_ledger.insert_many(rows, session=session, ordered=False)
    if usages:
        counters = [usage_to_document(usage) for usage in usages]
        await database.usage_counters.insert_many(counters, session=session, ordered=False)
    await followers.insert_one(follower_to_document(follower), session=session)
    return True


def _complete(
    document: Mapping[str, Any], targets: Mapping[str, ObjectId | None], now: datetime, expires_at: datetime
) -> tuple[UsageFollower, list[UserUsage]]:
    """The follower in our form, and a counter for each user of its maps; a temporary count lives as a new hold does."""
    used, held = (_counts(document.get(name)) for name in ("userUsageCount", "tempUsageCount"))
    identifier = str(document["_id"])
    usages = [
        UserUsage(
            str(ObjectId()),
            identifier,
            user_id,
            used.get(user_id, 0),
            held.get(user_id, 0),
            expires_at if held.get(user_id) else None,
        )
        for user_id in used | held
    ]
    made = document.get("createdAt") or to_milliseconds(document["_id"].generation_time)
    coupon_id, campaign_id = (targets[name] for name in ("couponId", "campaignId"))
    follower = UsageFollower(
        id=identifier,
        coupon_id=None if coupon_id is None else str(coupon_id),
        campaign_id=None if campaign_id is None else str(campaign_id),
        limits=Limits(
            *(_limit(document.get(f"max{name}")) for name in ("LimitInBasket", "TotalLimit", "LimitPerCustomer"))
        ),
        created_at=made,
        updated_at=now,
        total_usage_count=max(_whole(document.get("totalUsageCount")), sum(used.values())),
        held_count=sum(held.values()),
        user_count=len(usages),
    )
    return follower, usages


def _counts(given: Any) -> dict[str, int]:
    return {str(user_id): _whole(count) for user_id, count in given.items()} if isinstance(given, Mapping) else {}


def _limit(given: Any) -> int | None:
    return None if given is None else _whole(given)


def _whole(given: Any) -> int:
    """A count of the original system, which kept them as floating numbers: nothing below nothing."""
    return max(0, int(given)) if isinstance(given, int | float) and isfinite(given) else 0


def _object_id(given: Any) -> ObjectId | None:
    try:
        return None if given is None else ObjectId(given)
    except (InvalidId, TypeError):
        return None
