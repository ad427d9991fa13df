"""What the verbs of usage followers take: commands, most of them read from what a caller sent."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from enum import Enum
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field

from models.errors import FieldError
from models.inputs import Flag, Input, NonNegative, Positive, RawId, RawIds, Text, relay_id, where_given
from models.usage.follower import FollowerKey, KeyKind, Limits, Move, UsageFollower
from models.verbs import Verb


class Unset(Enum):
    """What an update does not name stays as it is; null lifts a limit."""

    UNSET = object()  # No value that is sent is equal to it.


@dataclass(frozen=True, kw_only=True)
class LimitFields(Limits, Input):
    """The limits of a follower as they are sent (no slots: it is mixed into others)."""

    max_limit_in_basket: NonNegative | None = None
    max_total_limit: NonNegative | None = None
    max_limit_per_customer: NonNegative | None = None


@dataclass(frozen=True, kw_only=True)
class Target(Input):
    """A coupon or a campaign (no slots: it is mixed into others)."""

    KEYS: ClassVar[tuple[str, ...]] = ("couponId", "campaignId")

    coupon_id: Annotated[RawId, relay_id("Coupon")] | None = None
    campaign_id: RawId | None = None

    @classmethod
    def judge_together(cls, given: Mapping[str, object], at_fault: Set[str]) -> list[FieldError]:
        """Exactly one is named."""
        if at_fault & set(cls.KEYS) or len(given.keys() & set(cls.KEYS)) == 1:
            return []
        return [FieldError("couponId", f"Give exactly one of {' and '.join(cls.KEYS)}")]

    @classmethod
    def told_together(cls) -> dict[str, Any]:
        """The same."""
        return {"oneOf": [where_given(key) for key in cls.KEYS]}

    @property
    def key(self) -> FollowerKey:
        """The follower that is meant."""
        if self.coupon_id is not None:
            return FollowerKey(KeyKind.COUPON, self.coupon_id)
        assert self.campaign_id is not None
        return FollowerKey(KeyKind.CAMPAIGN, self.campaign_id)


@dataclass(frozen=True, kw_only=True)
class FindUsageFollower(Target):
    """What `usageFollower` takes."""

    KEYS: ClassVar[tuple[str, ...]] = ("id", *Target.KEYS)

    id: Annotated[RawId, relay_id("UsageFollower")] | None = None

    @property
    def key(self) -> FollowerKey:
        """The follower that is meant."""
        return super().key if self.id is None else FollowerKey(KeyKind.FOLLOWER, self.id)


@dataclass(frozen=True, kw_only=True)
class CreateUsageFollower(LimitFields, Target):
    """What `POST create-follower` and `createUsageFollower` take."""

    verb: ClassVar = Verb(
        "CREATE_USAGE_FOLLOWER", "A coupon or campaign was followed; an event may have changed its limits."
    )
    is_public: Flag = False


@dataclass(frozen=True, slots=True)
class UpsertUsageFollower:
    """Makes a follower; where there is one, puts these limits in place of its own."""

    verb: ClassVar = CreateUsageFollower.verb
    key: FollowerKey
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerChange(Input):
    """What `PATCH update-follower` and `updateUsageFollower` take beside the id."""

    max_limit_in_basket: NonNegative | Unset | None = Unset.UNSET
    max_total_limit: NonNegative | Unset | None = Unset.UNSET
    max_limit_per_customer: NonNegative | Unset | None = Unset.UNSET
    is_public: Flag | Unset = Unset.UNSET

    def applied_to(self, follower: UsageFollower) -> UsageFollower:
        """Returns the follower with what is named in its place."""
        return replace(
            follower,
            max_limit_in_basket=_named(self.max_limit_in_basket, follower.max_limit_in_basket),
            max_total_limit=_named(self.max_total_limit, follower.max_total_limit),
            max_limit_per_customer=_named(self.max_limit_per_customer, follower.max_limit_per_customer),
            is_public=follower.is_public if isinstance(self.is_public, Unset) else self.is_public,
        )


def _named(new: int | Unset | None, old: int | None) -> int | None:
    return old if isinstance(new, Unset) else new


@dataclass(frozen=True, slots=True)
class UpdateUsageFollower:
    """Changes what is named; `Limits` are put in place of all limits."""

    verb: ClassVar = Verb("UPDATE_USAGE_FOLLOWER", "The limits of a follower were changed, or who may watch it.")
    key: FollowerKey
    change: FollowerChange | Limits


@dataclass(frozen=True, slots=True)
class DeleteUsageFollower:
    """What `DELETE delete-follower/:usageFollowerId` and `deleteUsageFollower` take."""

    verb: ClassVar = Verb("DELETE_USAGE_FOLLOWER", "A follower was deleted.")
    key: FollowerKey


@dataclass(frozen=True, kw_only=True)
class CheckUsage(Target):
    """What `POST check-availability` and `checkUsage` take."""

    verb: ClassVar = Verb("CHECK_USAGE", "Usage was set aside for a user.", when_refused=True)
    user_id: Text
    usage_amount: Positive = 1


@dataclass(frozen=True, slots=True)
class Commit:
    """Counts an amount, or else the hold, or else `default`, on all followers or on none.

    `by` and `cause` go into the ledger: who acted, and upon what.
    """

    verb: ClassVar = Verb("ADD_USAGE", "Usage of a user was counted.", when_refused=True)
    keys: tuple[FollowerKey, ...]
    user_id: str
    amount: int | None
    default: int | None
    move: Move
    by: str
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Takes an amount off the count of each follower, as far as there is one."""

    verb: ClassVar = Verb("REMOVE_USAGE", "Usage was given back.", when_refused=True)
    keys: tuple[FollowerKey, ...]
    user_id: str
    amount: int
    by: str
    cause: str | None = None


@dataclass(frozen=True, kw_only=True)
class RedeemUsage(Target):
    """What `POST redeem-follower` and `redeemUsage` take. Without an amount the hold counts, else one unit."""

    verb: ClassVar = Verb("REDEEM_USAGE", "Usage was checked and counted in one step.", when_refused=True)
    user_id: Text
    usage_amount: Positive | None = None

    def commit(self, by: str) -> Commit:
        """Returns what is to be counted."""
        return Commit((self.key,), self.user_id, self.usage_amount, 1, Move.REDEEM, by)


@dataclass(frozen=True, kw_only=True)
class MoveUsage(Input):
    """What `POST add-usage` and `POST remove-usage` take."""

    CAMPAIGNS: ClassVar[str] = "campaignId"

    user_id: Text
    campaign_ids: Annotated[RawIds, Field(alias="campaignId")] = ()
    coupon_id: Annotated[RawId, relay_id("Coupon")] | None = None
    usage_amount: Positive | None = None

    @classmethod
    def judge_together(cls, given: Mapping[str, object], at_fault: Set[str]) -> list[FieldError]:
        """At least one is named."""
        if at_fault & {cls.CAMPAIGNS, "couponId"} or given.get(cls.CAMPAIGNS) or "couponId" in given:
            return []
        return [FieldError(cls.CAMPAIGNS, f"{cls.CAMPAIGNS} or couponId is required")]

    @classmethod
    def told_together(cls) -> dict[str, Any]:
        """The same."""
        return {"anyOf": [where_given(cls.CAMPAIGNS), where_given("couponId")]}

    @property
    def keys(self) -> tuple[FollowerKey, ...]:
        """The followers that are meant."""
        coupons = () if self.coupon_id is None else (FollowerKey(KeyKind.COUPON, self.coupon_id),)
        return (*(FollowerKey(KeyKind.CAMPAIGN, identifier) for identifier in self.campaign_ids), *coupons)

    def commit(self, by: str, cause: str | None = None) -> Commit:
        """Returns what is to be counted."""
        return Commit(self.keys, self.user_id, self.usage_amount, None, Move.ADD, by, cause)

    def give_back(self, by: str) -> GiveBack:
        """Returns what is to be given back."""
        return GiveBack(self.keys, self.user_id, self.usage_amount or 1, by)


@dataclass(frozen=True, kw_only=True)
class MoveUsages(MoveUsage):
    """What `addUsage`, `removeUsage` and the event of a paid basket take: the same, with `campaignIds`."""

    CAMPAIGNS: ClassVar[str] = "campaignIds"

    campaign_ids: RawIds = ()


@dataclass(frozen=True, slots=True)
class EnrolUser:
    """Gives a user a counter, where they have none."""

    key: FollowerKey
    user_id: str


@dataclass(frozen=True, slots=True)
class SweepHolds:
    """Clears some of a follower's expired holds. They count for nothing anyway; this only tidies."""

    key: FollowerKey


@dataclass(frozen=True, kw_only=True)
class FindAvailability(Target):
    """What `usageAvailability` and `usageAvailabilityChanged` take; without a user it is about the caller."""

    user_id: Text | None = None


@dataclass(frozen=True, kw_only=True)
class AskedUser(Input):
    """The body of `POST get-availability/:id`; without a user it is about the caller."""

    user_id: Text | None = None


@dataclass(frozen=True, kw_only=True)
class GetAvailability(AskedUser):
    """What `POST get-availability/:id` takes: the id is that of a campaign or of a coupon."""

    id: str


Command: TypeAlias = (
    CreateUsageFollower
    | UpsertUsageFollower
    | UpdateUsageFollower
    | DeleteUsageFollower
    | CheckUsage
    | Commit
    | GiveBack
    | EnrolUser
    | SweepHolds
)
