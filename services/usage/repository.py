"""What is read of usage followers, within a transaction or a snapshot, by those who decide and those who only ask."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from models.usage import FollowerKey, KeyKind, Standing, UsageFollower, UserUsage
from services.kit.database import Database, aggregate
from services.usage.documents import follower_from_document, usage_from_document

if TYPE_CHECKING:
    from services.kit.database import Session


@dataclass(frozen=True, slots=True)
class UsageState:
    """Followers by id, users' counters by follower and user, and what each follower still counts of expired holds."""

    followers: Mapping[str, UsageFollower]
    usages: Mapping[tuple[str, str], UserUsage]
    expired: Mapping[str, int]

    def keys(self) -> dict[FollowerKey, str]:
        """The id of each follower by everything that it is found by."""
        found: dict[FollowerKey, str] = {}
        for follower in self.followers.values():
            found |= dict.fromkeys(keys_of(follower), follower.id)
        return found


def keys_of(follower: UsageFollower) -> list[FollowerKey]:
    named = {
        KeyKind.FOLLOWER: follower.id,
        KeyKind.COUPON: follower.coupon_id,
        KeyKind.CAMPAIGN: follower.campaign_id,
    }
    return [FollowerKey(kind, identifier) for kind, identifier in named.items() if identifier is not None]


def standing_of(follower: UsageFollower, usage: UserUsage | None, expired: int, now: datetime) -> Standing:
    """Where a user stands; `expired` is what the follower's holds still count of expired ones."""
    open_holds = follower.held_count - expired
    if usage is None:
        return Standing(total=follower.total_usage_count, held_by_others=open_holds)
    own = usage.open_hold(now)
    return Standing(usage.used, own, follower.total_usage_count, open_holds - own)


class UsageStore:
    """Finds followers and counters."""

    def __init__(self, database: Database) -> None:
        self._followers = database.usage_followers
        self._counters = database.usage_counters

    async def load(
        self, session: "Session", wanted: Collection[tuple[FollowerKey, str | None]], now: datetime
    ) -> UsageState:
        """Everything that is known of these followers and users (None where no user is asked about)."""
        followers = await self._load_followers({key for key, _ in wanted}, session)
        state = UsageState(followers, {}, {})
        keys, users = state.keys(), dict[str, set[str]]()
        for key, user_id in wanted:
            if user_id is not None and key in keys:
                users.setdefault(keys[key], set()).add(user_id)
        usages = await self._load_usages(users, session) if users else {}
        expired = await self._sum_expired([f.id for f in followers.values() if f.held_count], now, session)
        return UsageState(followers, usages, expired)

    async def load_expired(
        self, session: "Session", state: UsageState, keys: Collection[FollowerKey], now: datetime, limit: int
    ) -> UsageState:
        """The same state with some counters of these followers whose holds have expired."""
        known = state.keys()
        ids = [ObjectId(known[key]) for key in keys if key in known]
        query = {"followerId": {"$in": ids}, "holdExpiresAt": {"$lte": now}}
        found = await self._counters.find(query, session=session).limit(limit).to_list(None)
        expired = {(usage.follower_id, usage.user_id): usage for usage in map(usage_from_document, found)}
        return replace(state, usages={**expired, **state.usages})

    async def next_expiry(self, follower_id: str, now: datetime) -> datetime | None:
        """When the next open hold of a follower expires."""
        query = {"followerId": ObjectId(follower_id), "holdExpiresAt": {"$gt": now}}
        hold = await self._counters.find_one(query, {"_id": 0, "holdExpiresAt": 1}, sort=[("holdExpiresAt", 1)])
        return None if hold is None else hold["holdExpiresAt"]

    async def _load_followers(self, keys: Collection[FollowerKey], session: "Session") -> dict[str, UsageFollower]:
        found = self._followers.find(key_query(keys), session=session)
        return {str(document["_id"]): follower_from_document(document) for document in await found.to_list(None)}

    async def _load_usages(
        self, users: Mapping[str, Collection[str]], session: "Session"
    ) -> dict[tuple[str, str], UserUsage]:
        either = [{"followerId": ObjectId(f), "userId": {"$in": [*names]}} for f, names in users.items()]
        found = self._counters.find(either[0] if len(either) == 1 else {"$or": either}, session=session)
        usages = [usage_from_document(document) for document in await found.to_list(None)]
        return {(usage.follower_id, usage.user_id): usage for usage in usages}

    async def _sum_expired(self, follower_ids: Iterable[str], now: datetime, session: "Session") -> dict[str, int]:
        ids = [ObjectId(identifier) for identifier in follower_ids]
        if not ids:
            return {}
        steps: list[dict[str, Any]] = [
            {"$match": {"followerId": {"$in": ids}, "holdExpiresAt": {"$lte": now}}},
            {"$group": {"_id": "$followerId", "held": {"$sum": "$held"}}},
        ]
        sums = aggregate(self._counters, steps, session=session)
        return {str(row["_id"]): row["held"] async for row in sums}


def key_query(keys: Iterable[FollowerKey]) -> dict[str, Any]:
    """The query for the followers of these keys, of which there is at least one.

    It says the type that the partial indexes say: without it MongoDB does not use them for `$in`.
    """
    by_kind: dict[str, list[ObjectId]] = {}
    for key in keys:
        by_kind.setdefault(key.kind.value, []).append(ObjectId(key.id))
    either = [{field: {"$in": ids, "$type": "objectId"}} for field, ids in by_kind.items()]
    return either[0] if len(either) == 1 else {"$or": either}
