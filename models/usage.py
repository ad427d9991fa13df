"""Usage followers: how often a coupon or a campaign was used, and the pure rule of what its limits still allow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from models.errors import Conflict, ErrorCode, NotFound
from models.stored import stored


@stored("limitKind")
class LimitKind(StrEnum):
    BASKET = "basket"
    CUSTOMER = "customer"
    TOTAL = "total"


@stored("followerKeyKind")
class KeyKind(StrEnum):
    """What a follower is found by; the words are the names of its fields."""

    COUPON = "couponId"
    CAMPAIGN = "campaignId"
    FOLLOWER = "_id"


@dataclass(frozen=True, slots=True)
class FollowerKey:
    """Which follower: that of a coupon, that of a campaign, or that of an id of its own; `id` is a raw ObjectId."""

    kind: KeyKind
    id: str


@stored("usageLimits")
@dataclass(frozen=True, slots=True)
class Limits:
    """What a follower allows in one basket, in all, and to each customer. None is no limit."""

    in_basket: int | None = None
    total: int | None = None
    per_customer: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a user stands with a follower: their count and open hold, all users' counts, the others' open holds."""

    used: int = 0
    held: int = 0
    total: int = 0
    held_by_others: int = 0


@stored("usageLimit")
@dataclass(frozen=True, slots=True)
class Limit:
    """One limit, and what is left of it for a user.

    `held` is what is set aside: the user's own open hold, or for the total the others'. Only the others' holds lessen
    what remains, because a user's next grant takes the place of their hold.
    """

    kind: LimitKind
    limit: int
    used: int
    held: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Decision:
    """How many units are granted, and the limits that allow fewer than were asked for."""

    granted: int
    binding: tuple[Limit, ...]


@stored("userUsage")
@dataclass(frozen=True, slots=True)
class UserUsage:
    """A user's counter with one follower, and their hold. `id` is empty until it is stored."""

    id: str
    follower_id: str
    user_id: str
    used: int = 0
    held: int = 0
    hold_expires_at: datetime | None = None

    def open_hold(self, now: datetime) -> int:
        """What the user has set aside; an expired hold is nothing, swept or not."""
        return self.held if self.hold_expires_at is not None and self.hold_expires_at > now else 0


@stored("usageFollower")
@dataclass(frozen=True, slots=True)
class UsageFollower:
    """A follower and its totals.

    `held_count` sums all holds that are stored, those among them that have expired and are not swept yet. `revision`
    grows with every change, so that no two changes can be decided upon the same state.
    """

    id: str
    coupon_id: str | None
    campaign_id: str | None
    limits: Limits
    created_at: datetime
    updated_at: datetime
    total_usage_count: int = 0
    held_count: int = 0
    user_count: int = 0
    revision: int = 0


@stored("followedUsage")
@dataclass(frozen=True, slots=True)
class Followed:
    """A follower with those of its users' counters that the answer shows, as they stood at an instant."""

    follower: UsageFollower
    usages: tuple[UserUsage, ...]
    at: datetime


@stored("usageGrant")
@dataclass(frozen=True, slots=True)
class Grant:
    """What a check set aside, and the limits that allowed no more."""

    granted: int
    limits: tuple[Limit, ...]
    followed: Followed


@dataclass(frozen=True, slots=True)
class Availability:
    """What a follower allows a user now; `available` is None where nothing limits it.

    Two are equal where a user sees no difference, whatever else moved in the follower.
    """

    follower: UsageFollower = field(compare=False)
    limits: tuple[Limit, ...]
    used: int
    held: int
    total_usage_count: int
    available: int | None


class UsageFollowerNotFound(NotFound):
    code = ErrorCode.USAGE_FOLLOWER_NOT_FOUND
    message = "Usage follower not found"


class UsageFollowerAlreadyExists(Conflict):
    code = ErrorCode.USAGE_FOLLOWER_ALREADY_EXISTS
    message = "There is a usage follower for it already"


class NoOpenHold(Conflict):
    code = ErrorCode.NO_OPEN_HOLD
    message = "There is no open hold to commit."


class UsageLimitReached(Conflict):
    """409 with every limit that binds, of every follower that was named."""

    code = ErrorCode.USAGE_LIMIT_REACHED
    message = "Usage limit reached"

    def __init__(self, limits: Sequence[tuple[UsageFollower, Limit]]) -> None:
        self.limits = tuple(limits)
        super().__init__()

    @property
    def data(self) -> dict[str, Any]:
        return {"limits": [{**limit_to_json(limit), **target_of(follower)} for follower, limit in self.limits]}


def limit_to_json(limit: Limit) -> dict[str, Any]:
    return {
        "kind": limit.kind.value,
        "limit": limit.limit,
        "used": limit.used,
        "held": limit.held,
        "remaining": limit.remaining,
    }


def target_of(follower: UsageFollower) -> dict[str, str]:
    """The coupon or the campaign that it follows, by the documents' names."""
    named = {"couponId": follower.coupon_id, "campaignId": follower.campaign_id}
    return {name: identifier for name, identifier in named.items() if identifier is not None}


def limits_left(limits: Limits, standing: Standing) -> tuple[Limit, ...]:
    """Every limit that is set, and what remains of it: never less than nothing."""
    stated = (
        (LimitKind.BASKET, limits.in_basket, 0, standing.held, 0),
        (LimitKind.CUSTOMER, limits.per_customer, standing.used, standing.held, 0),
        (LimitKind.TOTAL, limits.total, standing.total, standing.held_by_others, standing.held_by_others),
    )
    return tuple(
        Limit(kind, limit, used, held, max(0, limit - used - taken))
        for kind, limit, used, held, taken in stated
        if limit is not None
    )


def decide(limits: Limits, standing: Standing, amount: int) -> Decision:
    """How much of `amount` may be held or committed: all of it, or what the tightest limit leaves."""
    binding = tuple(limit for limit in limits_left(limits, standing) if limit.remaining < amount)
    return Decision(min([amount, *(limit.remaining for limit in binding)]), binding)


def judge_availability(follower: UsageFollower, standing: Standing) -> Availability:
    """What the user may have now."""
    limits = limits_left(follower.limits, standing)
    available = min((limit.remaining for limit in limits), default=None)
    return Availability(follower, limits, standing.used, standing.held, standing.total, available)
