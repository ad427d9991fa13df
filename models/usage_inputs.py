"""What the verbs of usage followers take, and the commands they become."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any, ClassVar

from models.errors import Fault
from models.inputs import object_id, object_ids, text, whole
from models.usage import FollowerKey, KeyKind, Limits


class Keep(Enum):
    """A limit that an update does not name stays as it is; null lifts it."""

    KEEP = auto()


class Move(StrEnum):
    """Why a count moved: what the ledger says."""

    ADD = "add"
    REDEEM = "redeem"
    REMOVE = "remove"
    TAKE_OVER = "takeOver"


@dataclass(frozen=True, kw_only=True)
class LimitFields:
    """The limits of a follower (no slots: it is mixed into others)."""

    max_limit_in_basket: int | None = whole("maxLimitInBasket", None, minimum=0)
    max_total_limit: int | None = whole("maxTotalLimit", None, minimum=0)
    max_limit_per_customer: int | None = whole("maxLimitPerCustomer", None, minimum=0)

    @property
    def limits(self) -> Limits:
        return Limits(self.max_limit_in_basket, self.max_total_limit, self.max_limit_per_customer)


@dataclass(frozen=True, kw_only=True)
class Named:
    """A coupon or a campaign (no slots: it is mixed into others)."""

    KEYS: ClassVar[dict[str, str]] = {"couponId": "coupon_id", "campaignId": "campaign_id"}

    coupon_id: str | None = object_id("couponId", None, relay_type="Coupon")
    campaign_id: str | None = object_id("campaignId", None)

    @classmethod
    def judge_together(cls, values: Mapping[str, Any], at_fault: Set[str]) -> list[Fault]:
        """Exactly one is named."""
        if at_fault & set(cls.KEYS) or sum(values.get(name) is not None for name in cls.KEYS.values()) == 1:
            return []
        return [Fault("couponId", f"Give exactly one of {' and '.join(cls.KEYS)}")]

    @property
    def key(self) -> FollowerKey:
        """The follower that is meant."""
        if self.coupon_id is not None:
            return FollowerKey(KeyKind.COUPON, self.coupon_id)
        assert self.campaign_id is not None
        return FollowerKey(KeyKind.CAMPAIGN, self.campaign_id)


@dataclass(frozen=True, kw_only=True)
class FindUsageFollower(Named):
    """What `usageFollower` takes."""

    KEYS: ClassVar[dict[str, str]] = {"id": "id", **Named.KEYS}

    id: str | None = object_id("id", None, relay_type="UsageFollower")

    @property
    def key(self) -> FollowerKey:
        """The follower that is meant."""
        return super().key if self.id is None else FollowerKey(KeyKind.FOLLOWER, self.id)


@dataclass(frozen=True, kw_only=True)
class CreateUsageFollower(LimitFields, Named):
    """What `POST create-follower` and `createUsageFollower` take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateUsageFollower:
    """What `PATCH update-follower` and `updateUsageFollower` take beside the id."""

    max_limit_in_basket: int | Keep | None = whole("maxLimitInBasket", Keep.KEEP, minimum=0, nullable=True)
    max_total_limit: int | Keep | None = whole("maxTotalLimit", Keep.KEEP, minimum=0, nullable=True)
    max_limit_per_customer: int | Keep | None = whole("maxLimitPerCustomer", Keep.KEEP, minimum=0, nullable=True)

    def applied_to(self, limits: Limits) -> Limits:
        """The limits with those that are named in their places."""

        def changed(old: int | None, new: int | Keep | None) -> int | None:
            return old if isinstance(new, Keep) else new

        return Limits(
            changed(limits.in_basket, self.max_limit_in_basket),
            changed(limits.total, self.max_total_limit),
            changed(limits.per_customer, self.max_limit_per_customer),
        )


@dataclass(frozen=True, kw_only=True)
class CheckUsage(Named):
    """What `POST check-availability` and `checkUsage` take."""

    user_id: str = text("userId")
    usage_amount: int = whole("usageAmount", 1, minimum=1)


@dataclass(frozen=True, kw_only=True)
class RedeemUsage(Named):
    """What `POST redeem-follower` and `redeemUsage` take. Without an amount the hold counts, else one unit."""

    user_id: str = text("userId")
    usage_amount: int | None = whole("usageAmount", None, minimum=1)


@dataclass(frozen=True, kw_only=True)
class MoveUsage:
    """What `POST add-usage` and `POST remove-usage` take."""

    CAMPAIGNS: ClassVar[str] = "campaignId"

    user_id: str = text("userId")
    campaign_ids: tuple[str, ...] = object_ids("campaignId", ())
    coupon_id: str | None = object_id("couponId", None, relay_type="Coupon")
    usage_amount: int | None = whole("usageAmount", None, minimum=1)

    @classmethod
    def judge_together(cls, values: Mapping[str, Any], at_fault: Set[str]) -> list[Fault]:
        """At least one is named."""
        if at_fault & {cls.CAMPAIGNS, "couponId"} or values.get("campaign_ids") or values.get("coupon_id"):
            return []
        return [Fault(cls.CAMPAIGNS, f"{cls.CAMPAIGNS} or couponId is required")]

    @property
    def keys(self) -> tuple[FollowerKey, ...]:
        """The followers that are meant."""
        coupons = () if self.coupon_id is None else (FollowerKey(KeyKind.COUPON, self.coupon_id),)
        return (*(FollowerKey(KeyKind.CAMPAIGN, identifier) for identifier in self.campaign_ids), *coupons)


@dataclass(frozen=True, kw_only=True)
class MoveUsages(MoveUsage):
    """What `addUsage`, `removeUsage` and the event of a paid basket take: the same, with `campaignIds`."""

    CAMPAIGNS: ClassVar[str] = "campaignIds"

    campaign_ids: tuple[str, ...] = object_ids("campaignIds", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAvailability:
    """What `POST get-availability/:id` takes."""

    user_id: str | None = text("userId", None)
