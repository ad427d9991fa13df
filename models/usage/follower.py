"""Usage followers: how often a coupon or a campaign was used, and the pure rules of what its limits still allow."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from models.base import Id, to_json
from models.errors import Conflict, NotFound
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


class Move(StrEnum):
    """Why a count moved: what the ledger says."""

    ADD = "add"
    REDEEM = "redeem"
    REMOVE = "remove"
    IMPORT = "takeOver"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a follower allows in one basket, in all, and to each customer. None is no limit."""

    max_limit_in_basket: int | None = None
    max_total_limit: int | None = None
    max_limit_per_customer: int | None = None


@dataclass(frozen=True, slots=True)
class UsageBalance:
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
    """A user's counter with one follower, and their hold."""

    id: Id
    follower_id: Id
    user_id: str
    used: int = 0
    held: int = 0
    hold_expires_at: datetime | None = None

    def open_hold(self, now: datetime) -> int:
        """Returns what the user has set aside; an expired hold is nothing, swept or not."""
        return self.held if self.hold_expires_at is not None and self.hold_expires_at > now else 0

    def expired_hold(self, now: datetime) -> int:
        """Returns what is still stored of a hold that has expired."""
        return self.held - self.open_hold(now)


@dataclass(frozen=True, slots=True)
class UsageMove:
    """One move of a count, for ever: who, what, how much, in which order (`sequence`), by whom and upon what."""

    follower_id: Id
    user_id: str | None
    amount: int
    move: Move
    sequence: int
    by: str
    cause: str | None
    at: datetime
    coupon_id: Id | None = None
    campaign_id: Id | None = None


@stored("usageFollower")
@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFollower(Limits):
    """A follower with its limits and its totals.

    `held_count` sums all holds that are stored, those among them that have expired and are not swept yet. `revision`
    grows with every change, so that no two changes can be decided upon the same state.
    """

    id: Id
    coupon_id: Id | None = None
    campaign_id: Id | None = None
    created_at: datetime
    updated_at: datetime
    total_usage_count: int = 0
    held_count: int = 0
    user_count: int = 0
    revision: int = 0
    is_public: bool = False
    """Whether everyone may watch what is left in all."""

    def with_limits(self, limits: Limits) -> Self:
        """Returns the same follower with these limits in place of its own."""
        return replace(
            self,
            max_limit_in_basket=limits.max_limit_in_basket,
            max_total_limit=limits.max_total_limit,
            max_limit_per_customer=limits.max_limit_per_customer,
        )

    def move(
        self, user_id: str | None, amount: int, move: Move, *, by: str, cause: str | None, at: datetime
    ) -> UsageMove:
        """Returns the ledger's row of the change that has made the follower what it is."""
        followed = (self.coupon_id, self.campaign_id)
        return UsageMove(self.id, user_id, amount, move, self.revision, by, cause, at, *followed)

    @property
    def exhausted(self) -> bool:
        """Whether all units of the total limit are used; holds are not, because they may expire."""
        return self.max_total_limit is not None and self.total_usage_count >= self.max_total_limit

    @property
    def target(self) -> dict[str, str]:
        """The coupon or the campaign that it follows, by the documents' names."""
        named = {"couponId": self.coupon_id, "campaignId": self.campaign_id}
        return {name: identifier for name, identifier in named.items() if identifier is not None}

    @property
    def keys(self) -> list[FollowerKey]:
        """Everything that it is found by."""
        return [FollowerKey(KeyKind(name), identifier) for name, identifier in {"_id": self.id, **self.target}.items()]


@stored("usageSnapshot")
@dataclass(frozen=True, slots=True)
class UsageSnapshot:
    """A follower with those of its users' counters that an answer shows, as they stood at an instant."""

    follower: UsageFollower
    usages: tuple[UserUsage, ...]
    at: datetime


@stored("usageGrant")
@dataclass(frozen=True, slots=True)
class Grant:
    """What a check set aside, and the limits that allowed no more."""

    granted: int
    limits: tuple[Limit, ...]
    snapshot: UsageSnapshot


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
    user_id: str | None = None
    """Whom it is about; None for an admin's key, which uses nothing."""


class UsageFollowerNotFound(NotFound):
    """404: nothing follows this coupon or campaign, or there is no such id."""

    code = "USAGE_FOLLOWER_NOT_FOUND"
    message = "Usage follower not found"


class UsageFollowerAlreadyExists(Conflict):
    """409: the coupon or campaign has a follower, and can have one only."""

    code = "USAGE_FOLLOWER_ALREADY_EXISTS"
    message = "There is a usage follower for it already"


class NoOpenHold(Conflict):
    """409: no amount was given, and the user has set nothing aside or it has expired."""

    code = "NO_OPEN_HOLD"
    message = "There is no open hold to commit."


class UsageLimitReached(Conflict):
    """409: a limit leaves fewer units than these; `limits` tells which and how many.

    They are all that bind, of every follower that was named.
    """

    code = "USAGE_LIMIT_REACHED"
    message = "Usage limit reached"

    def __init__(self, limits: Sequence[tuple[UsageFollower, Limit]]) -> None:
        self.limits = tuple(limits)
        super().__init__()

    @property
    def data(self) -> dict[str, object]:
        return {"limits": [{**to_json(limit), **follower.target} for follower, limit in self.limits]}


def limits_left(limits: Limits, balance: UsageBalance) -> tuple[Limit, ...]:
    """Returns every limit that is set, and what remains of it: never less than nothing."""
    stated = (
        (LimitKind.BASKET, limits.max_limit_in_basket, 0, balance.held, 0),
        (LimitKind.CUSTOMER, limits.max_limit_per_customer, balance.used, balance.held, 0),
        (LimitKind.TOTAL, limits.max_total_limit, balance.total, balance.held_by_others, balance.held_by_others),
    )
    return tuple(
        Limit(kind, limit, used, held, max(0, limit - used - taken))
        for kind, limit, used, held, taken in stated
        if limit is not None
    )


def decide(limits: Limits, balance: UsageBalance, amount: int) -> Decision:
    """Returns how much of `amount` may be held or committed: all of it, or what the tightest limit leaves."""
    binding = tuple(limit for limit in limits_left(limits, balance) if limit.remaining < amount)
    return Decision(min([amount, *(limit.remaining for limit in binding)]), binding)


def judge_availability(follower: UsageFollower, balance: UsageBalance, user_id: str | None = None) -> Availability:
    """Returns what the user may have now."""
    limits = limits_left(follower, balance)
    available = min((limit.remaining for limit in limits), default=None)
    return Availability(follower, limits, balance.used, balance.held, balance.total, available, user_id)
