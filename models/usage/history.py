"""What lists of followers and of moves of usage may be narrowed by."""

from dataclasses import dataclass
from typing import Annotated

from models.inputs import Choice, Flag, Input, RawId, Text, relay_id
from models.pagination import Period
from models.usage.follower import Move


@dataclass(frozen=True, slots=True)
class UsageFollowerFilter(Input):
    """What a list of followers may be narrowed by; `exhausted` is whether nothing is left of the total limit."""

    coupon_id: Annotated[RawId, relay_id("Coupon")] | None = None
    campaign_id: RawId | None = None
    exhausted: Flag | None = None


@dataclass(frozen=True)
class UsageMoveFilter(Period):
    """What a list of moves may be narrowed by (no slots: it is mixed into others)."""

    coupon_id: Annotated[RawId, relay_id("Coupon")] | None = None
    campaign_id: RawId | None = None
    user_id: Text | None = None
    move: Choice[Move] | None = None


@dataclass(frozen=True, slots=True)
class MovesOfFollower(UsageMoveFilter):
    """The moves of one follower, which its id and what it follows name."""

    follower_id: str = ""
