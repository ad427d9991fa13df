"""All writes to usage followers, in batches: what a user may have is decided here and enforced by the writes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from bson import ObjectId
from typing_extensions import override

from models.activity import Deed, Thing
from models.usage import effects
from models.usage.commands import (
    CheckUsage,
    Command,
    Commit,
    CreateUsageFollower,
    DeleteUsageFollower,
    EnrolUser,
    FollowerChange,
    GiveBack,
    RedeemUsage,
    SweepHolds,
    UpdateUsageFollower,
    UpsertUsageFollower,
)
from models.usage.follower import (
    FollowerKey,
    Grant,
    Limits,
    Move,
    UsageFollower,
    UsageFollowerAlreadyExists,
    UsageSnapshot,
)
from models.verbs import Verb
from services.kit.activity.log import ActivityLog
from services.kit.database import Database
from services.kit.messages.outbox import Outbox
from services.kit.tracked import Tracked
from services.kit.unit_of_work import CommandBus, Contended, UnitOfWork
from services.usage.accounts import UsageAccounts
from services.usage.announcements import UNTOLD
from services.usage.repository import LEDGER, key_query
from services.usage.totals import MOVES, counted, part_of_move

if TYPE_CHECKING:
    from services.kit.database import Session

Result: TypeAlias = tuple[UsageSnapshot, ...] | Grant

SWEPT_AT_ONCE = 500


class UsageBus(CommandBus[Command, Result]):
    """Carries out commands on followers; a hold lives for `hold_lifetime`."""

    lane = "usage"

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        activity: ActivityLog,
        clock: Callable[[], datetime],
        hold_lifetime: timedelta,
    ) -> None:
        super().__init__(database, outbox, activity, clock)
        self._hold_lifetime = hold_lifetime

    @override
    def begin(self, now: datetime) -> "UsageUnitOfWork":
        return UsageUnitOfWork(self._database, now, self._hold_lifetime, told=self._outbox.enabled)

    @override
    def verb(self, command: Command) -> Verb | None:
        return _verb_of(command)

    @override
    def contended(self, commands: Sequence[Command]) -> Contended:
        keys = {key for command in commands for key in keys_of(command)}
        return Contended(self._database.usage_followers, key_query(keys))


class UsageUnitOfWork(UnitOfWork[Command, Result]):
    """The followers that a batch names, with the counters of its users; others are `told` of moves, or not."""

    def __init__(self, database: Database, now: datetime, hold_lifetime: timedelta, *, told: bool) -> None:
        super().__init__(now)
        self._waiting = UNTOLD if told else {}
        self._accounts = UsageAccounts(database, now)
        self._hold_lifetime = hold_lifetime
        self._total = self.totals[database.usage_followers.name]
        self._database = database

    @override
    def tracked(self) -> Sequence[Tracked[Any]]:
        return [self._accounts.usages, self._accounts.followers]

    @override
    async def load(self, session: "Session", commands: Sequence[Command]) -> None:
        await self._accounts.load(session, {(key, _user_of(c)) for c in commands for key in keys_of(c)})
        swept = [command.key for command in commands if isinstance(command, SweepHolds)]
        if swept:
            await self._accounts.load_expired(session, swept, SWEPT_AT_ONCE)

    @override
    def apply(self, command: Command) -> Result:
        match command:
            case Commit():
                return self._record(effects.commit(self._named(command), command, now=self.now))
            case GiveBack():
                return self._record(effects.give_back(self._named(command), command, now=self.now))
            case CheckUsage():
                return self._hold(command)
            case EnrolUser():
                return self._record([effects.Moved(effects.enrol(self._account(command), now=self.now))])
            case CreateUsageFollower():
                return self._create(command)
            case UpsertUsageFollower():
                return self._upsert(command)
            case UpdateUsageFollower():
                return self._change(self._accounts.follower(command.key), command.change)
            case DeleteUsageFollower():
                return self._delete(self._accounts.follower(command.key))
            case SweepHolds():
                return self._sweep(self._accounts.follower(command.key))

    @override
    def deed(self, command: Command, result: Result | None) -> Deed | None:
        """Of who is enrolled and of what is tidied nothing is told: nobody asked for it."""
        verb = _verb_of(command)
        if verb is None:
            return None
        if isinstance(result, tuple):
            ids = [snapshot.follower.id for snapshot in result]
        else:
            ids = self._accounts.ids_of(keys_of(command))
        return Deed(verb, tuple(Thing("UsageFollower", each) for each in ids), (_user_of(command),))

    def _account(self, command: CheckUsage | EnrolUser) -> effects.UsageAccount:
        return self._accounts.account(self._accounts.follower(command.key), command.user_id)

    def _named(self, command: Commit | GiveBack) -> list[effects.UsageAccount]:
        """The accounts of all followers that are named, each once; raises where one of them is unknown."""
        followers = {follower.id: follower for follower in map(self._accounts.follower, command.keys)}
        return [self._accounts.account(follower, command.user_id) for follower in followers.values()]

    def _record(self, moved: Sequence[effects.Moved]) -> Result:
        for one in moved:
            self._accounts.put(one.account)
            if one.move is not None:
                self.rows[self._database.usage_ledger.name].append(LEDGER.dump(one.move) | self._waiting)
                self.hours.add(MOVES, one.move.at, counted(one.move), part_of_move(one.move))
        return tuple(one.account.snapshot(self.now) for one in moved)

    def _hold(self, command: CheckUsage) -> Grant:
        account, grant = effects.hold(self._account(command), command, lifetime=self._hold_lifetime, now=self.now)
        self._accounts.put(account)
        return grant

    def _create(self, command: CreateUsageFollower) -> Result:
        if command.key in self._accounts:
            raise UsageFollowerAlreadyExists()
        return self._add(command.key, command, is_public=command.is_public)

    def _upsert(self, command: UpsertUsageFollower) -> Result:
        if command.key in self._accounts:
            return self._change(self._accounts.follower(command.key), command.limits)
        return self._add(command.key, command.limits)

    def _add(self, key: FollowerKey, limits: Limits, *, is_public: bool = False) -> Result:
        identifier = str(ObjectId())
        follower = effects.new_follower(key, limits, identifier=identifier, now=self.now, is_public=is_public)
        self._accounts.add(follower)
        self._total[self._database.usage_followers.name] += 1
        return (UsageSnapshot(follower, (), self.now),)

    def _change(self, follower: UsageFollower, change: Limits | FollowerChange) -> Result:
        follower = self._accounts.followers.put(follower.id, effects.change_follower(follower, change, now=self.now))
        return (UsageSnapshot(follower, (), self.now),)

    def _delete(self, follower: UsageFollower) -> Result:
        self._accounts.remove(follower)
        self.rows[self._database.usage_tombstones.name].append({"_id": ObjectId(follower.id)})
        self._total[self._database.usage_followers.name] -= 1
        return (UsageSnapshot(follower, (), self.now),)

    def _sweep(self, follower: UsageFollower) -> Result:
        for account in self._accounts.accounts_of(follower.id):
            self._accounts.put(effects.sweep(account, now=self.now))
        return ()


def _verb_of(command: Command) -> Verb | None:
    if isinstance(command, EnrolUser | SweepHolds):
        return None
    return RedeemUsage.verb if isinstance(command, Commit) and command.move is Move.REDEEM else command.verb


def keys_of(command: Command) -> tuple[FollowerKey, ...]:
    """Returns the followers that a command names."""
    return command.keys if isinstance(command, Commit | GiveBack) else (command.key,)


def _user_of(command: Command) -> str | None:
    return command.user_id if isinstance(command, Commit | GiveBack | CheckUsage | EnrolUser) else None
