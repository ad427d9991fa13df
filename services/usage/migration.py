"""Indexes of usage followers, and the import of followers that an older system left.

The original system kept the counts of all users in two maps of the follower. They become counters of their own, the
temporary counts holds; the ledger gets a row for each count, so that it accounts for every unit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel

from models.usage.follower import Limits, Move, UsageFollower, UserUsage
from models.values.instants import to_milliseconds
from services.kit.counters import RowCounts
from services.kit.database import Database, Document
from services.kit.indexes import ensure_indexes
from services.kit.sharding import ShardKey
from services.migrations.legacy_import import Imported, import_all
from services.migrations.legacy_reading import Reading
from services.migrations.legacy_values import MAX_COUNT, Unreadable, legacy_text
from services.usage.repository import COUNTERS, FOLLOWERS, LEDGER

if TYPE_CHECKING:
    from services.kit.database import Session

_HOLDING = {"holdExpiresAt": {"$exists": True}}
FOLLOWER_INDEXES = [
    IndexModel([(field, ASCENDING)], name=field, unique=True, partialFilterExpression={field: {"$type": "objectId"}})
    for field in ("couponId", "campaignId")
] + [
    IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
    IndexModel([("exhausted", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="exhausted"),
]
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
_LATEST_OF_EACH_MOVE = [("move", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)]
LEDGER_INDEXES = [
    IndexModel(
        [("followerId", ASCENDING), ("sequence", ASCENDING)], name="untold", partialFilterExpression={"untold": True}
    ),
    IndexModel([("followerId", ASCENDING), ("userId", ASCENDING)], name="user"),
    IndexModel(_LATEST_OF_EACH_MOVE, name="latest"),
    IndexModel([("userId", ASCENDING), *_LATEST_OF_EACH_MOVE], name="ofUser"),
] + [
    # With the follower, so that the moves of one of several that followed the same are told apart in the index.
    IndexModel(
        [(field, ASCENDING), *_LATEST_OF_EACH_MOVE, ("followerId", ASCENDING)],
        name=field,
        partialFilterExpression={field: {"$exists": True}},
    )
    for field in ("couponId", "campaignId")
]
SHARD_KEYS = (ShardKey("usagecounters", ("followerId", "userId")), ShardKey("usageledger", ("followerId", "userId")))
Counts = Mapping[str | None, int]
_LIMITS = ("maxLimitInBasket", "maxTotalLimit", "maxLimitPerCustomer")
_KNOWN = frozenset(
    {*_LIMITS, "_id", "couponId", "campaignId", "totalUsageCount"}
    | {"userUsageCount", "tempUsageCount", "createdAt", "updatedAt", "form", "__v"}
)


async def prepare_usage(database: Database, hold: int, *, recount: bool) -> int:
    """Make the indexes and import what an older system left; returns how many followers that were.

    The import comes first: the original system could hold two followers of a campaign, which our indexes refuse. It
    found the oldest of them and never came to count with another, which is set aside. All followers are counted anew
    after it, where there was any or `recount` says so or their total is wrong.
    """
    await ensure_indexes(database.usage_counters, COUNTER_INDEXES)
    await ensure_indexes(database.usage_ledger, LEDGER_INDEXES)
    now = to_milliseconds(datetime.now(UTC))
    imported = await import_all(database, FollowerImporter(now, now + timedelta(seconds=hold)))
    await ensure_indexes(database.usage_followers, FOLLOWER_INDEXES)
    await RowCounts(database, database.usage_followers).catch_up(recount=recount or imported > 0)
    return imported


class FollowerImporter:
    """Makes the maps of users counters and ledger rows; a temporary count lives as a new hold does."""

    collection = "usagefollowers"
    unique: tuple[str, ...] = ("couponId", "campaignId")
    looked_up: tuple[str, ...] = unique

    def __init__(self, now: datetime, holds_expire_at: datetime) -> None:
        self._now = now
        self._holds_expire_at = holds_expire_at

    def convert(self, reading: Reading) -> Imported:
        limits = {name: reading.limit(name) for name in _LIMITS}
        if "revision" in reading.document:
            return Imported({**reading.document, **limits}, legacy=False)
        reading.drop_unknown(_KNOWN)
        used, held = (_counts(reading, name) for name in ("userUsageCount", "tempUsageCount"))
        usages = self._usages(reading.identifier(), used, held)
        follower = self._follower(reading, Limits(*limits.values()), used, usages)
        counts: list[tuple[str | None, int]] = [(usage.user_id, usage.used) for usage in usages if usage.used]
        if rest := follower.total_usage_count - sum(usage.used for usage in usages):
            reading.changed("totalUsageCount", f"has {rest} uses that no user accounts for")
            counts.append((None, rest))
        rows = [("usagecounters", COUNTERS.dump(usage)) for usage in usages]
        for user_id, amount in counts:
            follower = replace(follower, revision=follower.revision + 1)
            move = follower.move(user_id, amount, Move.IMPORT, by="migration", cause=None, at=self._now)
            rows.append(("usageledger", LEDGER.dump(move)))
        return Imported(FOLLOWERS.dump(follower), legacy=True, rows=rows)

    async def settle(
        self, session: "Session", kept: Sequence[Imported], doubles: Sequence[Imported]
    ) -> list[tuple[str, Document]]:
        return []

    def _usages(
        self, identifier: ObjectId, used: Mapping[str | None, int], held: Mapping[str | None, int]
    ) -> list[UserUsage]:
        return [
            UserUsage(
                str(ObjectId()),
                str(identifier),
                user_id,
                used.get(user_id, 0),
                held.get(user_id, 0),
                self._holds_expire_at if held.get(user_id) else None,
            )
            for user_id in {**used, **held}
            if user_id is not None
        ]

    def _follower(self, reading: Reading, limits: Limits, used: Counts, usages: Sequence[UserUsage]) -> UsageFollower:
        coupon_id, campaign_id = reading.object_id("couponId"), reading.object_id("campaignId")
        if coupon_id is None and campaign_id is None:
            raise Unreadable("couponId and campaignId are missing")
        total = max(reading.count("totalUsageCount", MAX_COUNT), sum(used.values()))
        if total > MAX_COUNT:
            raise reading.refuse("userUsageCount", "holds more than can be counted")
        return UsageFollower(
            id=str(reading.identifier()),
            coupon_id=None if coupon_id is None else str(coupon_id),
            campaign_id=None if campaign_id is None else str(campaign_id),
            created_at=reading.created_at(),
            updated_at=self._now,
            total_usage_count=total,
            held_count=sum(usage.held for usage in usages),
            user_count=len(usages),
        ).with_limits(limits)


def _counts(reading: Reading, name: str) -> Counter[str | None]:
    """The counts of a map by user; names that differ in nothing one can see are those of one user, blank ones None."""
    given = reading.document.get(name)
    if given is None or given == []:
        return Counter()
    if not isinstance(given, Mapping):
        raise reading.refuse(name, "is no map of users")
    inner, counts = Reading(given, f"{name}.", reading.changes), Counter[str | None]()
    for key in given:
        count, user_id = inner.count(key, MAX_COUNT), legacy_text(key)
        if user_id is None:
            inner.changed(key, "is no user; its uses count without one")
        counts[user_id] += count
    return counts
