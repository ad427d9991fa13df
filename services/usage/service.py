"""The verbs of usage followers: create, update, delete, check, add, remove, redeem, availability, lists."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bson import ObjectId

from models.activity import Deed
from models.availability import FindPublicAvailability, PublicAvailability
from models.pagination import Slice, Window
from models.principal import CONSUMERS, Principal, Role
from models.sent import ForUserSent, RefusedCommand, accept
from models.usage.commands import (
    CheckUsage,
    Command,
    Commit,
    CreateUsageFollower,
    DeleteUsageFollower,
    FindAvailability,
    FindUsageFollower,
    GetAvailability,
    GiveBack,
    MoveUsage,
    RedeemUsage,
    UpdateUsageFollower,
)
from models.usage.follower import (
    Availability,
    FollowerKey,
    Grant,
    KeyKind,
    UsageFollower,
    UsageFollowerNotFound,
    UsageSnapshot,
    UserUsage,
    judge_availability,
)
from models.usage.history import UsageFollowerFilter
from models.usage.public import public_availability
from models.verbs import Verb
from services.kit.activity.log import ActivityLog
from services.kit.batching import Coalescer
from services.kit.counters import RowCounts
from services.kit.database import Database, Document
from services.kit.messages.outbox import Outbox
from services.kit.pagination import fetch_window
from services.kit.rate_limit import Permit
from services.usage.accounts import Question, UsageAccounts
from services.usage.live import LiveAvailability
from services.usage.repository import COUNTERS, FOLLOWERS, NEWEST_FIRST, USAGE_ORDER, followers_query, key_query
from services.usage.sweeper import UsageSweeper
from services.usage.unit_of_work import Result, UsageBus

if TYPE_CHECKING:
    from services.kit.database import Session


class Usage:
    """Every verb takes who is calling first. A user acts for themself and sees their own; an admin all.

    What is about a user is judged by `accept`: 401, 403, then the 400 that what was sent has earned.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        activity: ActivityLog,
        clock: Callable[[], datetime],
        hold: timedelta,
    ) -> None:
        self._database = database
        self._followers = database.usage_followers
        self._counters = database.usage_counters
        self._total = RowCounts(database, database.usage_followers)
        self._activity = activity
        self._clock = clock
        self._bus = UsageBus(database, outbox, activity, clock, hold)
        self._sweeper = UsageSweeper(database, self._bus, clock)
        self._availabilities: Coalescer[Question, Availability] = Coalescer(self._find_availabilities)
        self._live = LiveAvailability(database, self._availabilities, clock)
        self._by_key: Coalescer[FollowerKey, UsageFollower] = Coalescer(self._find_followers)

    async def close(self) -> None:
        await self._live.close()
        await self._sweeper.close()
        await self._bus.close()

    async def create(self, caller: Principal, command: CreateUsageFollower) -> UsageSnapshot:
        """Makes the follower of a coupon or a campaign. For admins; 409 where it is followed already."""
        caller.require_role(Role.ADMIN)
        return _one(await self._bus.submit(command, caller))

    async def update(self, caller: Principal, command: UpdateUsageFollower) -> UsageSnapshot:
        """Changes limits; null lifts one. For admins; 404. Counts stay, even where they pass the new limit."""
        caller.require_role(Role.ADMIN)
        return _one(await self._bus.submit(command, caller))

    async def delete(self, caller: Principal, command: DeleteUsageFollower) -> UsageSnapshot:
        """Deletes a follower and returns what it was, with all its users. For admins; 404. The ledger stays."""
        caller.require_role(Role.ADMIN)

        async def work(session: "Session") -> UsageSnapshot:
            (result,) = await self._bus.carry_out(session, [command], caller)
            return await self._with_all_usages(_one(result), session)

        deleted = await self._database.transaction(work)
        self._sweeper.wake()
        return deleted

    async def check(self, caller: Principal, sent: CheckUsage | RefusedCommand) -> Grant:
        """Sets aside what the limits leave of the amount, in place of the user's hold. 404 for no follower."""
        command = self._accept(CheckUsage.verb, caller, sent)
        self._sweeper.wake()
        grant = await self._bus.submit(command, caller)
        assert isinstance(grant, Grant)
        return grant

    async def add(self, caller: Principal, sent: MoveUsage | RefusedCommand) -> tuple[UsageSnapshot, ...]:
        """Counts the amount, or else the open hold, on all named followers or on none.

        404 for an unknown follower, 409 for a limit or for no open hold. The hold is consumed.
        """
        command = self._accept(Commit.verb, caller, sent).commit(caller.name)
        return _all(await self._bus.submit(command, caller))

    async def remove(self, caller: Principal, sent: MoveUsage | RefusedCommand) -> tuple[UsageSnapshot, ...]:
        """Gives back the amount (1), never below nothing, on all named followers or on none. 404."""
        command = self._accept(GiveBack.verb, caller, sent, Role.SUPPORT).give_back(caller.name)
        return _all(await self._bus.submit(command, caller))

    async def redeem(self, caller: Principal, sent: RedeemUsage | RefusedCommand) -> UsageSnapshot:
        """Checks and counts at once: the amount, else the open hold, else 1. 404, 409."""
        command = self._accept(RedeemUsage.verb, caller, sent).commit(caller.name)
        return _one(await self._bus.submit(command, caller))

    async def get_availability(self, caller: Principal, sent: GetAvailability | RefusedCommand) -> Availability:
        """Returns what the follower of a campaign or coupon of this id allows a user. 404. Writes nothing."""
        asked = accept(caller, sent, Role.VIEWER)
        for kind in (KeyKind.CAMPAIGN, KeyKind.COUPON):
            found = await self._availabilities.load((FollowerKey(kind, asked.id), asked.user_id or caller.user_id))
            if found is not None:
                return found
        raise UsageFollowerNotFound()

    async def find_availability(
        self, caller: Principal, sent: FindAvailability | RefusedCommand
    ) -> Availability | None:
        """Returns what a follower allows a user (the caller, unless another is named), or None where there is none.

        A bare admin key has no count of its own.
        """
        asked = accept(caller, sent, Role.VIEWER)
        return await self._availabilities.load((asked.key, asked.user_id or caller.user_id))

    async def watch(
        self, caller: Principal, sent: FindAvailability | RefusedCommand
    ) -> AsyncGenerator[Availability | None, None]:
        """Yields what `find_availability` returns: at once, then on every change, at most ten times a second.

        An expiring hold is a change like any other, though nobody writes it.
        """
        asked = accept(caller, sent, Role.VIEWER)
        question = (asked.key, asked.user_id or caller.user_id)
        async with aclosing(self._live.follow(question, lambda found: found)) as changes:
            async for found in changes:
                yield found

    def watch_public(
        self, _: Permit, wanted: FindPublicAvailability
    ) -> AsyncGenerator[PublicAvailability | None, None]:
        """Returns a stream of what is left in all, as `watch` does: None while there is no follower that is public."""
        target = FindAvailability(coupon_id=wanted.coupon_id, campaign_id=wanted.campaign_id)
        return self._live.follow((target.key, None), public_availability)

    async def find(self, caller: Principal, wanted: FindUsageFollower) -> UsageFollower | None:
        """Returns the follower of an id, a coupon or a campaign; None where there is none. For users and admins."""
        caller.require_signed_in()
        return await self._by_key.load(wanted.key)

    async def list_window(self, caller: Principal, wanted: UsageFollowerFilter, window: Window) -> Slice[UsageFollower]:
        """Returns a Relay window of all followers, the newest first. For admins."""
        caller.require_role(Role.VIEWER)
        return await fetch_window(self._followers, followers_query(wanted), NEWEST_FIRST, window, FOLLOWERS.load)

    async def count(self, caller: Principal, wanted: UsageFollowerFilter) -> int:
        """Returns how many followers the filter leaves. For admins."""
        caller.require_role(Role.VIEWER)
        query = followers_query(wanted)
        return await self._followers.count_documents(query) if query else await self._total.read()

    async def list_usages(self, caller: Principal, follower_id: str, window: Window) -> Slice[UserUsage]:
        """Returns a Relay window of a follower's counters in the order they were made: all, or a user's own."""
        query = _visible_usages(caller, follower_id)
        return await fetch_window(self._counters, query, USAGE_ORDER, window, COUNTERS.load)

    async def count_usages(self, caller: Principal, follower_id: str) -> int:
        """Returns how many counters of a follower the caller sees."""
        return await self._counters.count_documents(_visible_usages(caller, follower_id))

    async def with_all_usages(self, caller: Principal, snapshot: UsageSnapshot) -> UsageSnapshot:
        """Returns the same with the counters of all users, as REST shows a follower to admins."""
        caller.require_role(Role.VIEWER)
        return await self._with_all_usages(snapshot)

    async def carry_out(self, session: "Session", given: Sequence[Command]) -> list[Result | Exception]:
        """Carries out commands within the caller's transaction, each upon what those before it left.

        Returns a result or a refusal for each; a refused command writes nothing. The followers are touched first, so
        that a conflict shows in the first round trip.
        """
        if not given:
            return []
        self._sweeper.wake()
        await self._bus.touch(session, given)
        return await self._bus.carry_out(session, given, CONSUMERS)

    async def sweep(self) -> int:
        """Clears expired holds and the counters of deleted followers now, which else happens now and then."""
        return await self._sweeper.sweep()

    def now(self) -> datetime:
        """Returns the instant that holds are judged by."""
        return self._clock()

    def _accept(
        self, verb: Verb, caller: Principal, sent: ForUserSent | RefusedCommand, role: Role = Role.ADMIN
    ) -> ForUserSent:
        with self._activity.telling(caller, Deed(verb, subjects=(sent.user_id,))):
            return accept(caller, sent, role)

    async def _with_all_usages(self, snapshot: UsageSnapshot, session: "Session | None" = None) -> UsageSnapshot:
        found = self._counters.find({"followerId": ObjectId(snapshot.follower.id)}, session=session)
        return replace(snapshot, usages=tuple(map(COUNTERS.load, await found.to_list(None))))

    async def _find_followers(self, keys: Sequence[FollowerKey]) -> dict[FollowerKey, UsageFollower]:
        followers = map(FOLLOWERS.load, await self._followers.find(key_query(keys)).to_list(None))
        return {key: follower for follower in followers for key in follower.keys}

    async def _find_availabilities(self, asked: Sequence[Question]) -> dict[Question, Availability]:
        now = self._clock()
        accounts = UsageAccounts(self._database, now)
        async with self._database.snapshot() as session:
            await accounts.load(session, asked)
        found: dict[Question, Availability] = {}
        for key, user_id in asked:
            if key in accounts:
                account = accounts.account(accounts.follower(key), user_id or "")
                found[key, user_id] = judge_availability(account.follower, account.balance(now), user_id)
        return found


def _all(result: Result | Exception) -> tuple[UsageSnapshot, ...]:
    if isinstance(result, Exception):
        raise result
    assert isinstance(result, tuple)
    return result


def _one(result: Result | Exception) -> UsageSnapshot:
    (snapshot,) = _all(result)
    return snapshot


def _visible_usages(caller: Principal, follower_id: str) -> Document:
    caller.require_signed_in()
    query: Document = {"followerId": ObjectId(follower_id)}
    return query if caller.has_role(Role.VIEWER) else query | {"userId": caller.user_id}
