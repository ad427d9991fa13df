"""Redemptions as the ledger keeps them, and what a list of them may be narrowed by."""

from dataclasses import dataclass
from datetime import datetime

from models.base import Id
from models.inputs import Text
from models.pagination import Period
from models.values.codes import compact_form, kept_forms


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One redemption, for ever: it outlives both coupons.

    What an older system left may not know one of its sides. `new_user`, whether the redeemer got their coupon by it,
    and `role`, that of both coupons, are None where release 1.0.0 or an older system wrote the row.
    """

    id: Id
    points: int
    redeemed_at: datetime
    coupon_id: Id | None = None
    coupon_code: str | None = None
    creator_twitter_id: str | None = None
    redeemer_twitter_id: str | None = None
    redeemer_coupon_id: Id | None = None
    new_user: bool | None = None
    role: str | None = None


@dataclass(frozen=True)
class RedemptionFilter(Period):
    """What a list of redemptions may be narrowed by (no slots: it is mixed into others)."""

    coupon_code: Text | None = None
    creator_twitter_id: Text | None = None
    redeemer_twitter_id: Text | None = None


@dataclass(frozen=True, slots=True)
class RedemptionsOfCoupon(RedemptionFilter):
    """The redemptions of one coupon, which both its id and its code name."""

    coupon_id: str = ""


def ledger_codes(typed: str) -> tuple[str, ...]:
    """The codes, as the ledger keeps them, that a typed one may be: with its dashes, and with the one of our codes."""
    compact = compact_form(typed).upper()
    return tuple(dict.fromkeys((*kept_forms(typed), f"{compact[:4]}-{compact[4:]}")))
