"""What everyone may know of a usage follower."""

from models.availability import PublicAvailability
from models.usage.follower import Availability, LimitKind


def public_availability(found: Availability | None) -> PublicAvailability | None:
    """Returns what is left in all, open holds taken off; None for no follower, and for one that is not public."""
    if found is None or not found.follower.is_public:
        return None
    total = next((limit for limit in found.limits if limit.kind is LimitKind.TOTAL), None)
    return PublicAvailability(
        coupon_id=found.follower.coupon_id,
        campaign_id=found.follower.campaign_id,
        limit=None if total is None else total.limit,
        remaining=None if total is None else total.remaining,
    )
