"""How usage followers are stored and found. A follower's fields are those of its document.

A user's counter is a document of its own: user ids never become field names, where `$` and `.` would harm, and a
follower stays as small with a million users as with none.
"""

from collections.abc import Iterable

from bson import ObjectId

from models.pagination import KeysetOrder
from models.usage.follower import FollowerKey, UsageFollower, UsageMove, UserUsage
from services.kit.database import Document
from services.kit.mapping import Mapper
from services.kit.stored_form import WITH_FORM

# Only a hold that stands has an expiry, and a follower only what it follows: their indexes hold nothing else.
FOLLOWERS: Mapper[UsageFollower] = Mapper(UsageFollower, derived=[WITH_FORM], optional=("coupon_id", "campaign_id"))
COUNTERS = Mapper(UserUsage, optional=("hold_expires_at",))
LEDGER = Mapper(UsageMove, optional=("coupon_id", "campaign_id"))

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))
USAGE_ORDER = KeysetOrder("usages", (), descending=False)


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
