"""A batch of commands on usage followers: the state it decides upon, and what it has decided so far. No I/O."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from models.errors import DomainError
from models.usage import (
    Followed,
    FollowerKey,
    Grant,
    KeyKind,
    Limit,
    NoOpenHold,
    UsageFollower,
    UsageFollowerAlreadyExists,
    UsageFollowerNotFound,
    UsageLimitReached,
    UserUsage,
    decide,
)
from models.usage_commands import (
    ChangeLimits,
    Command,
    Commit,
    CreateFollower,
    DeleteFollower,
    Enrol,
    GiveBack,
    Hold,
    Sweep,
)
from models.usage_inputs import Move, UpdateUsageFollower
from services.usage.documents import usage_ledger_row
from services.usage.repository import UsageState, keys_of, standing_of

Result = tuple[Followed, ...] | Grant
Pair = tuple[str, str]


class UsageBatch:
    """Decides commands in turn, each upon what those before it left. `hold` is how long a hold lives."""

    def __init__(self, state: UsageState, now: datetime, hold: timedelta) -> None:
        self.before = state
        self.followers = dict(state.followers)
        self.usages = dict(state.usages)
        self.ledger: list[dict[str, Any]] = []
        self._ids = state.keys()
        self._expired = dict(state.expired)
        self._now = now
        self._hold = hold

    def decide(self, command: Command) -> Result | Exception:
        try:
            return self._carry_out(command)
        except DomainError as refusal:
            return refusal

    def _carry_out(self, command: Command) -> Result:
        match command:
            case Commit():
                return self._commit(command)
            case Hold():
                return self._set_hold(command)
            case GiveBack():
                return self._give_back(command)
            case Enrol():
                follower = self._follower(command.key)
                self._store(follower, self._usage(follower, command.user_id))
                return self._show([follower], command.user_id)
            case CreateFollower():
                return self._create(command)
            case ChangeLimits():
                follower = self._follower(command.key)
                return (self._change(follower, command.change),)
            case DeleteFollower():
                return (self._delete(self._follower(command.key)),)
            case Sweep():
                return self._sweep(self._follower(command.key))

    def _commit(self, command: Commit) -> Result:
        followers = self._named(command.keys)
        amounts = [self._amount(command, follower) for follower in followers]
        binding: list[tuple[UsageFollower, Limit]] = []
        for follower, amount in zip(followers, amounts, strict=True):
            decision = decide(follower.limits, self._standing(follower, command.user_id), amount)
            binding += [(follower, limit) for limit in decision.binding]
        if binding:
            raise UsageLimitReached(binding)
        for follower, amount in zip(followers, amounts, strict=True):
            usage = self._usage(follower, command.user_id)
            self._store(follower, replace(usage, used=usage.used + amount, held=0, hold_expires_at=None))
            self._record(follower, command, amount, command.move)
        return self._show(followers, command.user_id)

    def _amount(self, command: Commit, follower: UsageFollower) -> int:
        held = self._usage(follower, command.user_id).open_hold(self._now)
        amount = command.amount or held or command.default
        if amount is None:
            raise NoOpenHold()
        return amount

    def _set_hold(self, command: Hold) -> Grant:
        follower = self._follower(command.key)
        decision = decide(follower.limits, self._standing(follower, command.user_id), command.amount)
        usage, granted = self._usage(follower, command.user_id), decision.granted
        if granted or usage.held:
            expires_at = self._now + self._hold if granted else None
            self._store(follower, replace(usage, held=granted, hold_expires_at=expires_at))
        (followed,) = self._show([follower], command.user_id)
        return Grant(granted, decision.binding, followed)

    def _give_back(self, command: GiveBack) -> Result:
        followers = self._named(command.keys)
        for follower in followers:
            usage = self._usage(follower, command.user_id)
            amount = min(command.amount, usage.used)
            if amount:
                self._store(follower, replace(usage, used=usage.used - amount))
                self._record(follower, command, -amount, Move.REMOVE)
        return self._show(followers, command.user_id)

    def _create(self, command: CreateFollower) -> Result:
        existing = self._ids.get(command.key)
        if existing is not None:
            if not command.upsert:
                raise UsageFollowerAlreadyExists()
            return (self._change(self.followers[existing], command.limits),)
        by_kind = {command.key.kind: command.key.id}
        follower = UsageFollower(
            id=str(ObjectId()),
            coupon_id=by_kind.get(KeyKind.COUPON),
            campaign_id=by_kind.get(KeyKind.CAMPAIGN),
            limits=command.limits,
            created_at=self._now,
            updated_at=self._now,
        )
        self.followers[follower.id] = follower
        self._ids |= dict.fromkeys(keys_of(follower), follower.id)
        return (Followed(follower, (), self._now),)

    def _change(self, follower: UsageFollower, change: Any) -> Followed:
        limits = change.applied_to(follower.limits) if isinstance(change, UpdateUsageFollower) else change
        if limits != follower.limits:
            follower = replace(follower, limits=limits, updated_at=self._now, revision=follower.revision + 1)
            self.followers[follower.id] = follower
        return Followed(follower, (), self._now)

    def _delete(self, follower: UsageFollower) -> Followed:
        del self.followers[follower.id]
        for key in keys_of(follower):
            del self._ids[key]
        for pair in [pair for pair in self.usages if pair[0] == follower.id]:
            del self.usages[pair]
        return Followed(follower, (), self._now)

    def _sweep(self, follower: UsageFollower) -> Result:
        stale = [u for u in self.usages.values() if u.follower_id == follower.id and u.held > u.open_hold(self._now)]
        for usage in stale:
            self._store(follower, replace(usage, held=0, hold_expires_at=None))
        return (Followed(self.followers[follower.id], tuple(stale), self._now),)

    def _follower(self, key: FollowerKey) -> UsageFollower:
        identifier = self._ids.get(key)
        if identifier is None:
            raise UsageFollowerNotFound()
        return self.followers[identifier]

    def _named(self, keys: Sequence[FollowerKey]) -> list[UsageFollower]:
        """The followers of all keys, each once; raises where one of them is unknown."""
        return [*{follower.id: follower for follower in map(self._follower, keys)}.values()]

    def _usage(self, follower: UsageFollower, user_id: str) -> UserUsage:
        return self.usages.get((follower.id, user_id)) or UserUsage("", follower.id, user_id)

    def _standing(self, follower: UsageFollower, user_id: str) -> Any:
        return standing_of(follower, self._usage(follower, user_id), self._expired.get(follower.id, 0), self._now)

    def _store(self, follower: UsageFollower, usage: UserUsage) -> None:
        """Put a counter in place of what stood there, and move the follower's totals by the difference."""
        follower, pair = self.followers[follower.id], (usage.follower_id, usage.user_id)
        old = self.usages.get(pair)
        if usage == old:
            return
        was_used, was_held = (old.used, old.held) if old else (0, 0)
        no_longer_expired = self._expired_hold(old) - self._expired_hold(usage)
        if no_longer_expired:
            self._expired[follower.id] -= no_longer_expired
        self.usages[pair] = usage if usage.id else replace(usage, id=str(ObjectId()))
        self.followers[follower.id] = replace(
            follower,
            total_usage_count=follower.total_usage_count + usage.used - was_used,
            held_count=follower.held_count + usage.held - was_held,
            user_count=follower.user_count + (old is None),
            updated_at=self._now,
            revision=follower.revision + 1,
        )

    def _expired_hold(self, usage: UserUsage | None) -> int:
        """What a counter still holds although it has expired: giving back uses leaves it as it was."""
        return 0 if usage is None else usage.held - usage.open_hold(self._now)

    def _record(self, follower: UsageFollower, command: Commit | GiveBack, amount: int, move: Move) -> None:
        moved = self.followers[follower.id]
        row = usage_ledger_row(moved, command.user_id, amount, move, command.by, command.cause, self._now)
        self.ledger.append(row)

    def _show(self, followers: Sequence[UsageFollower], user_id: str) -> tuple[Followed, ...]:
        """The followers as they are now, with the counter of the user whom it was about."""
        return tuple(
            Followed(
                self.followers[follower.id], tuple(filter(None, [self.usages.get((follower.id, user_id))])), self._now
            )
            for follower in followers
        )
