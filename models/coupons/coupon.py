"""Referral coupons and their redemption: what they are, and the pure rule of who may redeem which."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from models.base import Id
from models.coupons.events import created_event, redeemed_event
from models.coupons.redemptions import LedgerEntry
from models.coupons.refusals import (
    MINIMUM_FOLLOWERS,
    AlreadyRedeemed,
    InvalidCouponCode,
    NewUserFieldsRequired,
    RedemptionFieldsRequired,
    RoleMismatch,
    SelfRedemption,
    TooFewFollowers,
)
from models.errors import DomainError, FieldError
from models.events import Event
from models.inputs import Choice, Flag, Input, NonNegative, RawId, Text, Whole, relay_id
from models.pagination import NumberedPage, Period
from models.stored import stored
from models.values.codes import draw_code, normalize_code
from models.verbs import Verb

POINTS_PER_REDEMPTION = 10

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Letters and digits without look-alikes: no 0 O 1 I L."""


@stored("couponRole")
class CouponRole(StrEnum):
    CREATOR = "creator"
    USER = "user"


@stored("coupon")
@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon: `points` are its owner's balance, `times_used` counts its redemptions."""

    id: Id
    coupon_code: str
    twitter_id: str
    username: str
    followers: int
    points: int
    times_used: int
    role: CouponRole
    active: bool
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CreateCoupon(Input):
    """What `POST /api/coupon` and `createCoupon` take."""

    verb: ClassVar = Verb("CREATE_COUPON", "A coupon was made.")
    twitter_id: Text
    username: Text
    followers: Annotated[Whole, Field(ge=MINIMUM_FOLLOWERS)]
    role: Choice[CouponRole] = CouponRole.USER


@dataclass(frozen=True, slots=True)
class RedeemCoupon(Input):
    """What `POST /api/redeem` and `redeemCoupon` take; which fields are needed is for `judge_redemption` to say."""

    verb: ClassVar = Verb("REDEEM_COUPON", "A coupon was redeemed.", when_refused=True)
    redeemer_twitter_id: Text | None = None
    coupon_code: Text | None = None
    username: Text | None = None
    followers: Whole | None = None

    @property
    def names(self) -> tuple[str | None, ...]:
        """What the redeemer is called."""
        return self.redeemer_twitter_id, self.username

    @classmethod
    def told_together(cls) -> dict[str, Any]:
        """Both are needed, whoever redeems."""
        return {"required": ["redeemerTwitterId", "couponCode"]}


@dataclass(frozen=True, slots=True)
class GetCoupon(Input):
    """What `GET /api/coupon` takes."""

    twitter_id: Text


@dataclass(frozen=True, slots=True)
class DeleteCoupon:
    """What `DELETE /admin/coupon/:couponId` and `deleteCoupon` take."""

    verb: ClassVar = Verb("DELETE_COUPON", "A coupon was deleted.")
    id: str


@dataclass(frozen=True, slots=True)
class FindCoupon(Input):
    """What the query `coupon` takes: exactly one of them."""

    twitter_id: Text | None = None
    coupon_code: Text | None = None

    @classmethod
    def judge_together(cls, given: Mapping[str, object], at_fault: Set[str]) -> list[FieldError]:
        """Exactly one is named."""
        if at_fault or len(given) == 1:
            return []
        return [FieldError("twitterId", "Give exactly one of twitterId and couponCode")]


@dataclass(frozen=True, slots=True)
class SetCouponActive(Input):
    """What `setCouponActive` takes."""

    verb: ClassVar = Verb("SET_COUPON_ACTIVE", "A coupon was switched on or off.")
    id: Annotated[RawId, relay_id("Coupon")]
    active: Flag


@dataclass(frozen=True, slots=True)
class CouponFilter(Period):
    """What a list of coupons may be narrowed by; `username` matches literally, anywhere, ignoring case.

    So does `coupon_code`, by its letters and digits alone. The period is that in which they were made.
    """

    role: Choice[CouponRole] | None = None
    min_followers: NonNegative | None = None
    username: Text | None = None
    coupon_code: Text | None = None
    active: Flag | None = None


@dataclass(frozen=True, slots=True)
class ListCoupons(NumberedPage, CouponFilter):
    """What `GET /admin/coupons` takes."""


@stored("redemption")
@dataclass(frozen=True, slots=True)
class Redemption:
    """What a redemption returns: both balances after it, and the coupon made for a new user."""

    creator_points: int
    redeemer_points: int
    new_coupon: Coupon | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a redemption changes: both coupons, the ledger, and what others are told."""

    coupon: Coupon
    redeemer: Coupon
    entry: LedgerEntry
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class CouponStats:
    """Counts of what exists; `total_redeemed` is the sum of `times_used`."""

    total_coupons: int
    creators: int
    users: int
    total_redeemed: int
    most_used: Coupon | None


def make_coupon_code(draw: Callable[[int], int]) -> str:
    """A code `XXXX-XXXX`; `draw(n)` is a whole number below n (from a cryptographic source)."""
    letters = draw_code(draw, CODE_ALPHABET, 8)
    return f"{letters[:4]}-{letters[4:]}"


def new_coupon(command: CreateCoupon, *, identifier: str, code: str, now: datetime) -> Coupon:
    """A coupon that nobody has redeemed."""
    return Coupon(
        id=identifier,
        coupon_code=code,
        twitter_id=command.twitter_id,
        username=command.username,
        followers=command.followers,
        points=0,
        times_used=0,
        role=command.role,
        active=True,
        created_at=now,
        updated_at=now,
    )


def redeem(coupon: Coupon, redeemer: Coupon, *, is_new: bool, entry_id: str, at: datetime) -> Redeemed:
    """Give ten points to the coupon's creator and ten to the redeemer, whose coupon `is_new` where they had none."""
    creator = replace(
        coupon,
        points=coupon.points + POINTS_PER_REDEMPTION,
        times_used=coupon.times_used + 1,
        updated_at=at,
        last_used_at=at,
    )
    redeemer = replace(redeemer, points=redeemer.points + POINTS_PER_REDEMPTION, updated_at=at)
    entry = LedgerEntry(
        id=entry_id,
        coupon_id=creator.id,
        coupon_code=creator.coupon_code,
        creator_twitter_id=creator.twitter_id,
        redeemer_twitter_id=redeemer.twitter_id,
        redeemer_coupon_id=redeemer.id,
        points=POINTS_PER_REDEMPTION,
        redeemed_at=at,
        new_user=is_new,
        role=creator.role.value,
    )
    redeemed = redeemed_event(creator, redeemer, at, is_new=is_new)
    return Redeemed(creator, redeemer, entry, (created_event(redeemer), redeemed) if is_new else (redeemed,))


def switch(coupon: Coupon, *, active: bool, at: datetime) -> Coupon:
    """The coupon, let be redeemed or not; the same object where it is so already."""
    return coupon if coupon.active == active else replace(coupon, active=active, updated_at=at)


def require_redemption_fields(request: RedeemCoupon) -> tuple[str, str]:
    """The redeemer and the normal form of the code, which every redemption needs."""
    redeemer, code = request.redeemer_twitter_id, request.coupon_code
    if redeemer is None or code is None:
        raise RedemptionFieldsRequired.of(
            "redeemerTwitterId" if redeemer is None else "couponCode", "Twitter ID and coupon code are required"
        )
    return redeemer, normalize_code(code)


def judge_redemption(
    request: RedeemCoupon, coupon: Coupon | None, redeemer: Coupon | None, *, has_redeemed: bool
) -> DomainError | None:
    """Why this redemption is refused, or None.

    `coupon` is the one of the code, `redeemer` the redeemer's own (None for a new user). The order of the rules is that
    of the coupon document.
    """
    if coupon is None or not coupon.active:
        return InvalidCouponCode()
    if coupon.twitter_id == request.redeemer_twitter_id:
        return SelfRedemption()
    if has_redeemed:
        return AlreadyRedeemed()
    if redeemer is not None:
        return None if redeemer.role == coupon.role else RoleMismatch()
    if request.username is None or request.followers is None:
        missing = "username" if request.username is None else "followers"
        return NewUserFieldsRequired.of(missing, "Username and followers count are required for new users")
    return TooFewFollowers() if request.followers < MINIMUM_FOLLOWERS else None
