"""What is left in all of something that is public: what visitors may watch, without any user's numbers."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Annotated

from models.errors import FieldError
from models.inputs import Input, RawId, Text, relay_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAvailability:
    """What is left in all of a coupon, a campaign or an access code; without a limit both numbers are None."""

    coupon_id: str | None = None
    campaign_id: str | None = None
    access_code: str | None = None
    limit: int | None
    remaining: int | None

    @property
    def available(self) -> bool:
        """Whether anything is left."""
        return self.remaining is None or self.remaining > 0


@dataclass(frozen=True, kw_only=True)
class FindPublicAvailability(Input):
    """What `publicAvailabilityChanged` takes: exactly one of the three."""

    coupon_id: Annotated[RawId, relay_id("Coupon")] | None = None
    campaign_id: RawId | None = None
    access_code: Text | None = None

    @classmethod
    def judge_together(cls, given: Mapping[str, object], at_fault: Set[str]) -> list[FieldError]:
        """Exactly one is named."""
        if at_fault or len(given) == 1:
            return []
        return [FieldError("couponId", "Give exactly one of couponId, campaignId and accessCode")]
