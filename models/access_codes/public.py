"""What everyone may know of an access code."""

from datetime import datetime

from models.access_codes.access_code import AccessCode
from models.availability import PublicAvailability


def public_availability(code: AccessCode | None, now: datetime) -> PublicAvailability | None:
    """Returns how often it can still be redeemed; None for no code, and for one that is not public."""
    if code is None or not code.is_public:
        return None
    remaining = code.remaining_uses if code.active and not code.is_expired(now) else 0
    return PublicAvailability(access_code=code.code, limit=code.max_uses, remaining=remaining)
