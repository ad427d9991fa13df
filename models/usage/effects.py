"""What commands on usage followers bring about: pure effects, upon a follower or upon a user's account with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from models.events import Event
from models.usage.commands import CheckUsage, Commit, FollowerChange, GiveBack
from models.usage.follower import (
    FollowerKey,
    Grant,
    KeyKind,
    Limits,
    Move,
    NoOpenHold,
    UsageBalance,
    UsageFollower,
    UsageLimitReached,
    UsageMove,
    UsageSnapshot,
    UserUsage,
    decide,
)
from models.values.instants import iso


@dataclass(frozen=True, slots=True)
class UsageAccount:
    """A follower and a user's counter with it: what a command is decided upon, and what it leaves.

    `expired` is what the follower's `held_count` still holds of holds that have expired, all users' together. `is_new`
    marks a counter that is not stored yet.
    """

    follower: UsageFollower
    usage: UserUsage
    expired: int = 0
    is_new: bool = False

    def balance(self, now: datetime) -> UsageBalance:
        """Returns where the user stands; an expired hold counts for nothing, swept or not."""
        used, own, follower = self.usage.used, self.usage.open_hold(now), self.follower
        return UsageBalance(used, own, follower.total_usage_count, follower.held_count - self.expired - own)

    def snapshot(self, now: datetime) -> UsageSnapshot:
        """Returns the follower with this user's counter, where they have one."""
        return UsageSnapshot(self.follower, () if self.is_new else (self.usage,), now)


@dataclass(frozen=True, slots=True)
class Moved:
    """An account as a command leaves it, and the move of its count for the ledger, or None where it stands still."""

    account: UsageAccount
    move: UsageMove | None = None


def new_follower(
    key: FollowerKey, limits: Limits, *, identifier: str, now: datetime, is_public: bool = False
) -> UsageFollower:
    """Returns the follower of a coupon or a campaign that nobody has used."""
    return UsageFollower(
        id=identifier,
        coupon_id=key.id if key.kind is KeyKind.COUPON else None,
        campaign_id=key.id if key.kind is KeyKind.CAMPAIGN else None,
        created_at=now,
        updated_at=now,
        is_public=is_public,
    ).with_limits(limits)


def change_follower(follower: UsageFollower, change: Limits | FollowerChange, *, now: datetime) -> UsageFollower:
    """Returns the follower as it is changed; the same object where it is so already. Counts stay."""
    changed = change.applied_to(follower) if isinstance(change, FollowerChange) else follower.with_limits(change)
    return follower if changed == follower else replace(changed, updated_at=now, revision=follower.revision + 1)


def commit(accounts: Sequence[UsageAccount], command: Commit, *, now: datetime) -> list[Moved]:
    """Counts the amount, or else the open hold, or else the default, on all accounts; consumes the holds.

    Raises `NoOpenHold` where there is none of the three, then `UsageLimitReached` with every limit that binds.
    """
    both = [(account, _amount(account, command, now)) for account in accounts]
    binding = [
        (account.follower, limit)
        for account, amount in both
        for limit in decide(account.follower, account.balance(now), amount).binding
    ]
    if binding:
        raise UsageLimitReached(binding)
    return [_moved(account, _committed(account.usage, amount), command.move, command, now) for account, amount in both]


def hold(
    account: UsageAccount, command: CheckUsage, *, lifetime: timedelta, now: datetime
) -> tuple[UsageAccount, Grant]:
    """Puts what the limits leave of the amount in place of the user's hold."""
    decision = decide(account.follower, account.balance(now), command.usage_amount)
    granted = decision.granted
    if granted or account.usage.held:
        held = replace(account.usage, held=granted, hold_expires_at=now + lifetime if granted else None)
        account = _changed(account, held, now)
    return account, Grant(granted, decision.binding, account.snapshot(now))


def give_back(accounts: Sequence[UsageAccount], command: GiveBack, *, now: datetime) -> list[Moved]:
    """Takes the amount off each account's count, as far as there is one; holds stay."""
    return [
        _moved(
            account, replace(account.usage, used=max(0, account.usage.used - command.amount)), Move.REMOVE, command, now
        )
        for account in accounts
    ]


def enrol(account: UsageAccount, *, now: datetime) -> UsageAccount:
    """Gives a user a counter of 0; the same object where they have one."""
    return _changed(account, account.usage, now)


def sweep(account: UsageAccount, *, now: datetime) -> UsageAccount:
    """Clears a hold that has expired; it counts for nothing anyway."""
    return _changed(account, _committed(account.usage, 0), now) if account.usage.expired_hold(now) else account


def moved_event(move: UsageMove) -> Event:
    """What others are told of a move."""
    value = {
        "usageFollowerId": move.follower_id,
        "couponId": move.coupon_id,
        "campaignId": move.campaign_id,
        "userId": move.user_id,
        "amount": move.amount,
        "move": move.move.name,
        "sequence": move.sequence,
        "by": move.by,
        "cause": move.cause,
        "movedAt": iso(move.at),
    }
    return Event("couponSystem-usageMoved", move.follower_id, value)


def _amount(account: UsageAccount, command: Commit, now: datetime) -> int:
    amount = command.amount or account.usage.open_hold(now) or command.default
    if amount is None:
        raise NoOpenHold()
    return amount


def _committed(usage: UserUsage, amount: int) -> UserUsage:
    return replace(usage, used=usage.used + amount, held=0, hold_expires_at=None)


def _moved(account: UsageAccount, usage: UserUsage, move: Move, command: Commit | GiveBack, now: datetime) -> Moved:
    """The account with this counter in place of its own, and how far its count moved by that."""
    after, amount = _changed(account, usage, now), usage.used - account.usage.used
    if not amount:
        return Moved(account)
    row = after.follower.move(usage.user_id, amount, move, by=command.by, cause=command.cause, at=now)
    return Moved(after, row)


def _changed(account: UsageAccount, usage: UserUsage, now: datetime) -> UsageAccount:
    """The account with this counter in place of its own; the follower's totals move by the difference."""
    follower, old = account.follower, account.usage
    if usage == old and not account.is_new:
        return account
    follower = replace(
        follower,
        total_usage_count=follower.total_usage_count + usage.used - old.used,
        held_count=follower.held_count + usage.held - old.held,
        user_count=follower.user_count + account.is_new,
        updated_at=now,
        revision=follower.revision + 1,
    )
    return UsageAccount(follower, usage, account.expired - old.expired_hold(now) + usage.expired_hold(now))
