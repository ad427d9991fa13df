"""How usage followers are stored and found. A follower's fields are those of its document.

A user's counter is a document of its own: user ids never become field names, where `$` and `.` would harm, and a
follower stays as small with a million users as with none.
"""

from collections.abc import Iterable

from bson import ObjectId

from models.pagination import KeysetOrder
from models.usage.follower import FollowerKey, Move, UsageFollower, UsageMove, UserUsage
from models.usage.history import MovesOfFollower, UsageFollowerFilter, UsageMoveFilter
from services.kit.database import Database, Document
from services.kit.mapping import Derived, Mapper
from services.kit.pagination import Listing, given, within
from services.kit.stored_form import WITH_FORM

# Only a hold that stands has an expiry, and a follower only what it follows: their indexes hold nothing else.
FOLLOWERS: Mapper[UsageFollower] = Mapper(
    UsageFollower,
    derived=[
        WITH_FORM,
        Derived(
            frozenset({"total_usage_count", "max_total_limit"}), lambda follower: {"exhausted": follower.exhausted}
        ),
    ],
    optional=("coupon_id", "campaign_id"),
)
COUNTERS = Mapper(UserUsage, optional=("hold_expires_at",))
LEDGER = Mapper(UsageMove, optional=("coupon_id", "campaign_id"))

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))
USAGE_ORDER = KeysetOrder("usages", (), descending=False)
LATEST_FIRST = KeysetOrder("moves", ("at",))

IS_EXHAUSTED: Document = {"$and": [{"$isNumber": "$maxTotalLimit"}, {"$gte": ["$totalUsageCount", "$maxTotalLimit"]}]}
"""What `exhausted` follows from, as an expression over the document."""


def key_query(keys: Iterable[FollowerKey]) -> Document:
    """Returns the query for the followers of these keys, of which there is at least one.

    It says the type that the partial indexes say: without it MongoDB does not use them for `$in`.
    """
    by_kind: dict[str, list[ObjectId]] = {}
    for key in keys:
        by_kind.setdefault(key.kind.value, []).append(ObjectId(key.id))
    return either([{field: {"$in": ids, "$type": "objectId"}} for field, ids in by_kind.items()])


def either(queries: list[Document]) -> Document:
    """Returns the query for what one of these finds, of which there is at least one."""
    return queries[0] if len(queries) == 1 else {"$or": queries}


def followers_query(wanted: UsageFollowerFilter) -> Document:
    """Returns the query for what a filter leaves of the followers."""
    named = {"couponId": wanted.coupon_id, "campaignId": wanted.campaign_id}
    targets = {name: {"$eq": ObjectId(raw), "$type": "objectId"} for name, raw in named.items() if raw is not None}
    return targets | given(exhausted=wanted.exhausted)


def moves_query(wanted: UsageMoveFilter) -> Document:
    """Returns the query for what a filter leaves of the ledger.

    It names every move where any will do: each index has the move before the instant, and MongoDB merges what it finds
    of each in the order of the list.
    """
    query: Document = {"move": {"$in": [move.value for move in Move if wanted.move in (None, move)]}}
    named = {"couponId": wanted.coupon_id, "campaignId": wanted.campaign_id}
    if isinstance(wanted, MovesOfFollower):
        named["followerId"] = wanted.follower_id
    query |= {name: ObjectId(raw) for name, raw in named.items() if raw is not None}
    return query | given(userId=wanted.user_id) | within("at", wanted)


def moves(database: Database) -> Listing[UsageMoveFilter, UsageMove]:
    """What moved a count, the latest first."""
    return Listing(database.usage_ledger, LATEST_FIRST, moves_query, LEDGER.load, by_runs=True)
