"""The verbs of usage followers: create, update, delete, check, add, remove, redeem, availability, lists."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from models import usage_commands as commands
from models.ids import require_object_id
from models.inputs import parse
from models.pagination import KeysetOrder, Slice, Window
from models.principal import Principal
from models.usage import (
    Availability,
    Followed,
    FollowerKey,
    Grant,
    KeyKind,
    UsageFollower,
    UsageFollowerNotFound,
    UserUsage,
    judge_availability,
)
from models.usage_commands import Command
from models.usage_inputs import FindUsageFollower, GetAvailability, MoveUsage, Named
from services.kit.batching import Coalescer
from services.kit.change_streams import ChangeFeed, Event, Listener
from services.kit.counters import RowCounts
from services.kit.database import Database
from services.kit.pagination import fetch_window
from services.usage.batch import Result
from services.usage.documents import follower_from_document, usage_from_document
from services.usage.repository import UsageStore, key_query, keys_of, standing_of
from services.usage.sweeper import UsageSweeper
from services.usage.unit_of_work import UsageWriter

if TYPE_CHECKING:
    from services.kit.database import Session

Raw = Mapping[str, Any]
Question = tuple[FollowerKey, str | None]

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))
USAGE_ORDER = KeysetOrder("usages", (), descending=False)


class Usage:
    """Every verb takes who is calling first. A user acts for themself and sees their own; an admin all."""

    def __init__(self, database: Database, clock: Callable[[], datetime], hold: timedelta) -> None:
        self._database = database
        self._followers = database.usage_followers
        self._counters = database.usage_counters
        self._total = RowCounts(database, database.usage_followers)
        self._clock = clock
        self._store = UsageStore(database)
        self._writer = UsageWriter(database, self._store, clock, hold)
        self._sweeper = UsageSweeper(database, self._writer, clock)
        self._standings: Coalescer[Question, Availability] = Coalescer(self._find_availabilities)
        self._changes = ChangeFeed(database.usage_followers, _keys_of_event)
        self._expiries: Coalescer[str, datetime | None] = Coalescer(self._find_expiries)
        self._by_key: Coalescer[FollowerKey, UsageFollower] = Coalescer(self._find_followers)

    async def close(self) -> None:
        await self._changes.close()
        await self._sweeper.close()
        await self._writer.close()

    async def create(self, principal: Principal, raw: Raw) -> Followed:
        """Follow a coupon or a campaign. For admins; 409 where it is followed already."""
        return await self._submit_one(commands.create_follower(principal, raw))

    async def update(self, principal: Principal, identifier: str, raw: Raw, *, path: str = "id") -> Followed:
        """Change limits; null lifts one. For admins; 404. Counts stay, even where they pass the new limit."""
        return await self._submit_one(commands.update_follower(principal, identifier, raw, path=path))

    async def delete(self, principal: Principal, identifier: str, *, path: str = "id") -> Followed:
        """Delete a follower and answer what it was, with all its users. For admins; 404. The ledger stays."""
        command = commands.delete_follower(principal, identifier, path=path)

        async def work(session: "Session") -> Followed:
            (answer,) = await self._writer.carry_out(session, [command])
            return await self._with_all_usages(_one(answer), session)

        followed = await self._database.transaction(work)
        self._sweeper.wake()
        return followed

    async def check(self, principal: Principal, raw: Raw) -> Grant:
        """Set aside what the limits leave of `usageAmount`, in place of the user's hold. 404 for no follower."""
        grant = await self._submit(commands.check_usage(principal, raw))
        assert isinstance(grant, Grant)
        return grant

    async def add(self, principal: Principal, raw: Raw, *, shape: type[MoveUsage] = MoveUsage) -> tuple[Followed, ...]:
        """Count `usageAmount`, or else the open hold, on all named followers or on none.

        404 for an unknown follower, 409 for a limit or for no open hold. The hold is consumed.
        """
        return await self._submit_many(commands.add_usage(principal, raw, shape=shape))

    async def remove(
        self, principal: Principal, raw: Raw, *, shape: type[MoveUsage] = MoveUsage
    ) -> tuple[Followed, ...]:
        """Give back `usageAmount` (1), never below nothing, on all named followers or on none. 404."""
        return await self._submit_many(commands.remove_usage(principal, raw, shape=shape))

    async def redeem(self, principal: Principal, raw: Raw) -> Followed:
        """Check and count at once: `usageAmount`, else the open hold, else 1. 404, 409."""
        return await self._submit_one(commands.redeem_usage(principal, raw))

    async def get_availability(self, principal: Principal, identifier: str, raw: Raw) -> Availability:
        """What the follower of a campaign or coupon of this id allows a user. 404. Writes nothing."""
        user_id = _asked_about(principal, raw)
        raw_id = require_object_id("campaignId", identifier)
        for kind in (KeyKind.CAMPAIGN, KeyKind.COUPON):
            found = await self._standings.load((FollowerKey(kind, raw_id), user_id))
            if found is not None:
                return found
        raise UsageFollowerNotFound()

    async def find_availability(self, principal: Principal, named: Raw, raw: Raw) -> Availability | None:
        """What a follower allows a user (the caller, unless `raw` names another), or None where there is none."""
        user_id = _asked_about(principal, raw)
        return await self._standings.load((parse(Named, named).key, user_id))

    async def watch(self, principal: Principal, named: Raw, raw: Raw) -> AsyncGenerator[Availability | None, None]:
        """What `find_availability` finds: at once, then on every change, at most ten times a second.

        An expiring hold is a change like any other, though nobody writes it.
        """
        user_id = _asked_about(principal, raw)
        question = (parse(Named, named).key, user_id)

        async def look(listener: Listener) -> tuple[Availability | None, float | None]:
            found = await self._standings.load(question)
            # A follower that is not there yet is heard of by what it will follow, later by its own id.
            if found is not None and listener.also(FollowerKey(KeyKind.FOLLOWER, found.follower.id)):
                found = await self._standings.load(question)
            return found, await self._seconds_to_expiry(found)

        async with aclosing(self._changes.follow([question[0]], look)) as seen:
            async for one in seen:
                yield one

    async def find(self, principal: Principal, named: Raw) -> UsageFollower | None:
        """The follower of an `id`, a `couponId` or a `campaignId`. For users and admins."""
        principal.require_signed_in()
        return await self._by_key.load(parse(FindUsageFollower, named).key)

    async def list_window(self, principal: Principal, window: Window) -> Slice[UsageFollower]:
        """A Relay window of all followers, the newest first. For admins."""
        principal.require_admin()
        return await fetch_window(self._followers, {}, NEWEST_FIRST, window, follower_from_document)

    async def count(self, principal: Principal) -> int:
        """How many followers there are. For admins."""
        principal.require_admin()
        return await self._total.read()

    async def list_usages(self, principal: Principal, follower_id: str, window: Window) -> Slice[UserUsage]:
        """A Relay window of a follower's counters in the order they were made: an admin sees all, a user their own."""
        query = _visible_usages(principal, follower_id)
        return await fetch_window(self._counters, query, USAGE_ORDER, window, usage_from_document)

    async def count_usages(self, principal: Principal, follower_id: str) -> int:
        """How many counters of a follower the caller sees."""
        return await self._counters.count_documents(_visible_usages(principal, follower_id))

    async def with_all_usages(self, principal: Principal, followed: Followed) -> Followed:
        """The same with the counters of all users, as REST shows a follower to admins."""
        principal.require_admin()
        return await self._with_all_usages(followed)

    async def carry_out(self, session: "Session", given: Sequence[Command]) -> list[Result | Exception]:
        """Carry out `models.usage_commands` within the caller's transaction, each upon what those before it left.

        Answers a result or a refusal for each; a refused command writes nothing. The followers are touched first, so
        that a conflict shows in the first round trip.
        """
        if not given:
            return []
        self._sweeper.wake()
        await self._writer.touch(session, given)
        return await self._writer.carry_out(session, given)

    async def sweep(self) -> int:
        """Clear expired holds and the counters of deleted followers now, which else happens now and then."""
        return await self._sweeper.sweep()

    def now(self) -> datetime:
        """The clock that holds are judged by."""
        return self._clock()

    async def _seconds_to_expiry(self, found: Availability | None) -> float | None:
        if found is None or not found.follower.held_count:
            return None
        now = self._clock()
        expires_at = await self._expiries.load(found.follower.id)
        return None if expires_at is None else max(0.0, (expires_at - now).total_seconds())

    async def _find_expiries(self, follower_ids: Sequence[str]) -> dict[str, datetime | None]:
        now = self._clock()
        found = await asyncio.gather(*(self._store.next_expiry(identifier, now) for identifier in follower_ids))
        return dict(zip(follower_ids, found, strict=True))

    async def _submit(self, command: Command) -> Result:
        if isinstance(command, commands.Hold):
            self._sweeper.wake()
        return await self._writer.submit(command)

    async def _submit_one(self, command: Command) -> Followed:
        return _one(await self._submit(command))

    async def _submit_many(self, command: Command) -> tuple[Followed, ...]:
        answer = await self._submit(command)
        assert isinstance(answer, tuple)
        return answer

    async def _with_all_usages(self, followed: Followed, session: "Session | None" = None) -> Followed:
        found = self._counters.find({"followerId": ObjectId(followed.follower.id)}, session=session)
        return replace(followed, usages=tuple(map(usage_from_document, await found.to_list(None))))

    async def _find_followers(self, keys: Sequence[FollowerKey]) -> dict[FollowerKey, UsageFollower]:
        found = await self._followers.find(key_query(keys)).to_list(None)
        followers = [follower_from_document(document) for document in found]
        return {key: follower for follower in followers for key in keys_of(follower)}

    async def _find_availabilities(self, asked: Sequence[Question]) -> dict[Question, Availability]:
        now = self._clock()
        async with self._database.snapshot() as session:
            state = await self._store.load(session, asked, now)
        known, found = state.keys(), dict[Question, Availability]()
        for key, user_id in asked:
            if key in known:
                follower = state.followers[known[key]]
                usage = state.usages.get((follower.id, user_id)) if user_id is not None else None
                standing = standing_of(follower, usage, state.expired.get(follower.id, 0), now)
                found[key, user_id] = judge_availability(follower, standing)
        return found


def _keys_of_event(event: Event) -> list[FollowerKey]:
    """Every change of a follower or of its counters writes the follower; a new one is heard of by what it follows."""
    named = event["documentKey"] | (event.get("fullDocument") or {})
    return [FollowerKey(kind, str(named[kind])) for kind in KeyKind if named.get(kind) is not None]


def _one(answer: Result | Exception) -> Followed:
    if isinstance(answer, Exception):
        raise answer
    assert isinstance(answer, tuple)
    (followed,) = answer
    return followed


def _asked_about(principal: Principal, raw: Raw) -> str | None:
    """The user whose standing is asked for; a bare admin key has none of its own."""
    commands.judge_user(principal, raw)
    return parse(GetAvailability, raw).user_id or principal.user_id


def _visible_usages(principal: Principal, follower_id: str) -> dict[str, Any]:
    principal.require_signed_in()
    query: dict[str, Any] = {"followerId": ObjectId(follower_id)}
    return query if principal.is_admin else query | {"userId": principal.user_id}
