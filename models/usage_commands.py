"""Commands on usage followers, made of what a caller sent. Pure; `services.usage.service` carries them out.

The caller is judged first: each function raises what refuses them (401, 403), then what is wrong with the input (400).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import Forbidden
from models.ids import either_id
from models.inputs import parse
from models.principal import Principal
from models.texts import clean
from models.usage import FollowerKey, KeyKind, Limits
from models.usage_inputs import (
    CheckUsage,
    CreateUsageFollower,
    LimitFields,
    Move,
    MoveUsage,
    RedeemUsage,
    UpdateUsageFollower,
)

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CreateFollower:
    """Make a follower; where there is one, refuse, or set its limits if `upsert`."""

    key: FollowerKey
    limits: Limits
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class ChangeLimits:
    """Change the limits that are named, or put others in place of all."""

    key: FollowerKey
    change: UpdateUsageFollower | Limits


@dataclass(frozen=True, slots=True)
class DeleteFollower:
    key: FollowerKey


@dataclass(frozen=True, slots=True)
class Enrol:
    """Give a user a counter, where they have none."""

    key: FollowerKey
    user_id: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Put what is granted of `amount` in place of the user's hold."""

    key: FollowerKey
    user_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Commit:
    """Count an amount, or else the hold, or else `default`, on all followers or on none.

    `by` and `cause` go into the ledger: who acted, and upon what.
    """

    keys: tuple[FollowerKey, ...]
    user_id: str
    amount: int | None
    default: int | None
    move: Move
    by: str
    cause: str | None


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Take an amount off the count of each follower, as far as there is one."""

    keys: tuple[FollowerKey, ...]
    user_id: str
    amount: int
    by: str
    cause: str | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """Clear some of a follower's expired holds. They count for nothing anyway; this only tidies."""

    key: FollowerKey


Command = CreateFollower | ChangeLimits | DeleteFollower | Enrol | Hold | Commit | GiveBack | Sweep


def create_follower(principal: Principal, raw: Raw) -> CreateFollower:
    principal.require_admin()
    request = parse(CreateUsageFollower, raw)
    return CreateFollower(request.key, request.limits)


def update_follower(principal: Principal, identifier: str, raw: Raw, *, path: str = "id") -> ChangeLimits:
    principal.require_admin()
    key = FollowerKey(KeyKind.FOLLOWER, either_id("UsageFollower", path, identifier))
    return ChangeLimits(key, parse(UpdateUsageFollower, raw))


def delete_follower(principal: Principal, identifier: str, *, path: str = "id") -> DeleteFollower:
    principal.require_admin()
    return DeleteFollower(FollowerKey(KeyKind.FOLLOWER, either_id("UsageFollower", path, identifier)))


def upsert_follower(principal: Principal, key: FollowerKey, raw: Raw) -> CreateFollower:
    """Of a campaign or coupon that was made elsewhere: `raw` is its document, of which only the limits are read."""
    principal.require_admin()
    return CreateFollower(key, parse(LimitFields, raw, ignore_unknown=True).limits, upsert=True)


def replace_limits(principal: Principal, key: FollowerKey, raw: Raw) -> ChangeLimits:
    """Of a campaign or coupon that was changed elsewhere: a limit that its document has not is no limit any more."""
    principal.require_admin()
    return ChangeLimits(key, parse(LimitFields, raw, ignore_unknown=True).limits)


def forget_follower(principal: Principal, key: FollowerKey) -> DeleteFollower:
    """Of a campaign or coupon that was deleted elsewhere."""
    principal.require_admin()
    return DeleteFollower(key)


def enrol(principal: Principal, key: FollowerKey, user_id: str) -> Enrol:
    principal.require_self(user_id)
    return Enrol(key, user_id)


def check_usage(principal: Principal, raw: Raw) -> Hold:
    judge_user(principal, raw)
    request = parse(CheckUsage, raw)
    return Hold(request.key, request.user_id, request.usage_amount)


def add_usage(
    principal: Principal, raw: Raw, *, shape: type[MoveUsage] = MoveUsage, cause: str | None = None
) -> Commit:
    judge_user(principal, raw)
    request = parse(shape, raw)
    return Commit(request.keys, request.user_id, request.usage_amount, None, Move.ADD, principal.name, cause)


def redeem_usage(principal: Principal, raw: Raw, *, cause: str | None = None) -> Commit:
    judge_user(principal, raw)
    request = parse(RedeemUsage, raw)
    return Commit((request.key,), request.user_id, request.usage_amount, 1, Move.REDEEM, principal.name, cause)


def remove_usage(
    principal: Principal, raw: Raw, *, shape: type[MoveUsage] = MoveUsage, cause: str | None = None
) -> GiveBack:
    judge_user(principal, raw)
    request = parse(shape, raw)
    return GiveBack(request.keys, request.user_id, request.usage_amount or 1, principal.name, cause)


def judge_user(principal: Principal, raw: Raw) -> None:
    """Whether the caller may act for the user that was sent, judged before the rest of it is read.

    A user who names nobody passes: what they sent is then at fault, not they.
    """
    principal.require_signed_in()
    user_id = raw.get("userId")
    if not principal.is_admin and isinstance(user_id, str) and clean(user_id) not in ("", principal.user_id):
        raise Forbidden()
