"""Live availability: what a follower allows a user, or leaves to all, as it changes."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from bson import ObjectId

from models.usage.follower import Availability, FollowerKey, KeyKind
from services.kit.batching import Coalescer
from services.kit.change_streams import ChangeFeed, Event, Listener
from services.kit.database import Database
from services.usage.accounts import Question

Shown = TypeVar("Shown")


class LiveAvailability:
    """Follows questions by one change stream for all who listen in this process; they share their look-ups."""

    def __init__(
        self, database: Database, availabilities: Coalescer[Question, Availability], clock: Callable[[], datetime]
    ) -> None:
        self.feed = ChangeFeed(database.usage_followers, _keys_of_event)
        self._counters = database.usage_counters
        self._availabilities = availabilities
        self._clock = clock
        self._expiries: Coalescer[str, datetime | None] = Coalescer(self._find_expiries)

    def follow(self, question: Question, show: Callable[[Availability | None], Shown]) -> AsyncGenerator[Shown, None]:
        """Returns what is shown of the availability, of None while there is no follower: at once, then on every change.

        An expiring hold is a change like any other, though nobody writes it.
        """

        async def look(listener: Listener) -> tuple[Shown, float | None]:
            found = await self._availabilities.load(question)
            # A follower that is not there yet is heard of by what it will follow, later by its own id.
            if found is not None and listener.also(FollowerKey(KeyKind.FOLLOWER, found.follower.id)):
                found = await self._availabilities.load(question)
            return show(found), await self._seconds_to_expiry(found)

        return self.feed.follow([question[0]], look)

    async def close(self) -> None:
        """Ends the stream and all that follow it."""
        await self.feed.close()

    async def _seconds_to_expiry(self, found: Availability | None) -> float | None:
        if found is None or not found.follower.held_count:
            return None
        now = self._clock()
        expires_at = await self._expiries.load(found.follower.id)
        return None if expires_at is None else max(0.0, (expires_at - now).total_seconds())

    async def _find_expiries(self, follower_ids: Sequence[str]) -> dict[str, datetime | None]:
        found = await asyncio.gather(*map(self._find_next_expiry, follower_ids))
        return dict(zip(follower_ids, found, strict=True))

    async def _find_next_expiry(self, follower_id: str) -> datetime | None:
        query = {"followerId": ObjectId(follower_id), "holdExpiresAt": {"$gt": self._clock()}}
        hold = await self._counters.find_one(query, {"_id": 0, "holdExpiresAt": 1}, sort=[("holdExpiresAt", 1)])
        return None if hold is None else hold["holdExpiresAt"]


def _keys_of_event(event: Event) -> list[FollowerKey]:
    """Every change of a follower or of its counters writes the follower; a new one is heard of by what it follows."""
    named = event["documentKey"] | (event.get("fullDocument") or {})
    return [FollowerKey(kind, str(named[kind])) for kind in KeyKind if named.get(kind) is not None]
