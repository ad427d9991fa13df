"""Followers with their users' counters, as a batch decides upon them and leaves them, or as a question finds them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from bson import ObjectId

from models.usage.effects import UsageAccount
from models.usage.follower import FollowerKey, UsageFollower, UsageFollowerNotFound, UserUsage
from services.kit.database import Database, Document, aggregate, joined
from services.kit.tracked import Tracked
from services.usage.repository import COUNTERS, FOLLOWERS, either, key_query

if TYPE_CHECKING:
    from services.kit.database import Session

Question: TypeAlias = tuple[FollowerKey, str | None]
"""A follower and a user, None where no user is asked about."""

_SUM_OF_HELD: Document = {"$group": {"_id": "$followerId", "held": {"$sum": "$held"}}}
_TOTALS = ("total_usage_count", "held_count", "user_count", "revision")


class UsageAccounts:
    """An identity map of accounts. Each write names the state that was decided upon, so that none is overwritten."""

    def __init__(self, database: Database, now: datetime) -> None:
        self._is_expired = {"holdExpiresAt": {"$lte": now}}
        self._database = database
        self.followers = Tracked(
            database.usage_followers,
            FOLLOWERS,
            increments=_TOTALS,
            guard=lambda before, _: {"revision": before.revision},
        )
        self.usages = Tracked(
            database.usage_counters,
            COUNTERS,
            guard=lambda before, _: {"used": before.used, "held": before.held},
            shard_key=lambda usage: {"followerId": ObjectId(usage.follower_id), "userId": usage.user_id},
        )
        self._ids: dict[FollowerKey, str] = {}
        self._usage_ids: dict[tuple[str, str], str] = {}
        self._expired: dict[str, int] = {}

    async def load(self, session: "Session", questions: Collection[Question]) -> None:
        """Takes in all that is known of these followers and users."""
        keys = {key for key, _ in questions}
        if len(keys) == 1 and self._database.joins:
            await self._load_one(session, keys, [user_id for _, user_id in questions if user_id is not None])
        else:
            await self._load_several(session, keys, questions)

    async def _load_one(self, session: "Session", keys: Collection[FollowerKey], users: list[str]) -> None:
        """Takes in a follower that all ask about, with their counters in the same round trip."""
        counters = self._database.usage_counters
        steps = [
            {"$match": key_query(keys)},
            joined(counters, "followerId", [{"$match": {"userId": {"$in": users}}}], "usages"),
            joined(counters, "followerId", [{"$match": self._is_expired}, _SUM_OF_HELD], "expired"),
        ]
        rows = [row async for row in aggregate(self._database.usage_followers, steps, session=session)]
        for row in rows:
            self.usages.take(row.pop("usages"))
            self._take_expired(row.pop("expired"))
        self.followers.take(rows)
        self._index()

    async def _load_several(
        self, session: "Session", keys: Collection[FollowerKey], questions: Collection[Question]
    ) -> None:
        """Takes in followers, then the counters of those who ask about each: joined, each would be sought in all."""
        await self.followers.load(session, key_query(keys))
        self._index()
        users: defaultdict[str, set[str]] = defaultdict(set)
        for key, user_id in questions:
            if user_id is not None and key in self._ids:
                users[self._ids[key]].add(user_id)
        if users:
            queries = [{"followerId": ObjectId(f), "userId": {"$in": [*names]}} for f, names in users.items()]
            await self.usages.load(session, either(queries))
            self._index()
        holding = [ObjectId(follower.id) for follower in self.followers if follower.held_count]
        if holding:
            steps = [{"$match": {"followerId": {"$in": holding}, **self._is_expired}}, _SUM_OF_HELD]
            self._take_expired([row async for row in aggregate(self._database.usage_counters, steps, session=session)])

    async def load_expired(self, session: "Session", keys: Collection[FollowerKey], limit: int) -> None:
        """Takes in some more counters of these followers, whose holds have expired."""
        ids = [ObjectId(self._ids[key]) for key in keys if key in self._ids]
        query = {"followerId": {"$in": ids}, **self._is_expired}
        await self.usages.load(session, query, limit=limit)
        self._index()

    def __contains__(self, key: FollowerKey) -> bool:
        return key in self._ids

    def follower(self, key: FollowerKey) -> UsageFollower:
        """Returns the follower of a key. Raises `UsageFollowerNotFound`."""
        follower = self.followers.get(self._ids.get(key, ""))
        if follower is None:
            raise UsageFollowerNotFound()
        return follower

    def ids_of(self, keys: Iterable[FollowerKey]) -> list[str]:
        """Returns the ids of those of these followers that there are, each once."""
        return [*dict.fromkeys(self._ids[key] for key in keys if key in self._ids)]

    def account(self, follower: UsageFollower, user_id: str) -> UsageAccount:
        """Returns a user's account with a follower, a new one where they have no counter yet."""
        expired = self._expired.get(follower.id, 0)
        usage = self.usages.get(self._usage_ids.get((follower.id, user_id), ""))
        if usage is None:
            return UsageAccount(follower, UserUsage(str(ObjectId()), follower.id, user_id), expired, is_new=True)
        return UsageAccount(follower, usage, expired)

    def accounts_of(self, follower_id: str) -> Iterator[UsageAccount]:
        """Yields those accounts of a follower that were loaded or made, each upon what was put before it."""
        for usage in [usage for usage in self.usages if usage.follower_id == follower_id]:
            follower = self.followers.get(follower_id)
            assert follower is not None
            yield UsageAccount(follower, usage, self._expired.get(follower_id, 0))

    def put(self, account: UsageAccount) -> None:
        """Takes an account as a command leaves it; one that is still new is not stored."""
        follower, usage = account.follower, account.usage
        if account.is_new:
            return
        self.followers.put(follower.id, follower)
        self.usages.put(usage.id, usage)
        self._usage_ids[follower.id, usage.user_id] = usage.id
        self._expired[follower.id] = account.expired

    def add(self, follower: UsageFollower) -> None:
        """Takes a new follower."""
        self.followers.put(follower.id, follower)
        self._ids |= dict.fromkeys(follower.keys, follower.id)

    def remove(self, follower: UsageFollower) -> None:
        """Deletes a follower and what was loaded of its counters; the others are found by its tombstone."""
        self.followers.remove(follower.id)
        for key in follower.keys:
            del self._ids[key]
        for usage in [usage for usage in self.usages if usage.follower_id == follower.id]:
            self.usages.remove(usage.id)
            del self._usage_ids[follower.id, usage.user_id]

    def _index(self) -> None:
        """Finds again what was taken in, followers by their keys and counters by their users."""
        self._ids = {key: follower.id for follower in self.followers for key in follower.keys}
        self._usage_ids = {(usage.follower_id, usage.user_id): usage.id for usage in self.usages}

    def _take_expired(self, sums: Iterable[Document]) -> None:
        self._expired |= {str(row["_id"]): row["held"] for row in sums}
