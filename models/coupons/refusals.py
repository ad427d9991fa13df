"""Why a coupon is not made or redeemed."""

from models.errors import Conflict, InvalidInput, NotFound, RuleViolation

MINIMUM_FOLLOWERS = 1000


class CouponNotFound(NotFound):
    """404: there is no coupon of this user or id."""

    code = "COUPON_NOT_FOUND"
    message = "Coupon not found"


class CouponAlreadyExists(Conflict):
    """409: the user has a coupon, and can have one only."""

    code = "COUPON_ALREADY_EXISTS"
    message = "User already has a coupon"


class RedemptionFieldsRequired(InvalidInput):
    """400: a redemption needs `redeemerTwitterId` and `couponCode`."""

    code = "REDEMPTION_FIELDS_REQUIRED"


class InvalidCouponCode(NotFound):
    """404: no coupon has this code, or it is not active."""

    code = "INVALID_COUPON_CODE"
    message = "Invalid coupon code"


class SelfRedemption(RuleViolation):
    """400: the redeemer owns the coupon."""

    code = "SELF_REDEMPTION"
    status = 400
    message = "Cannot redeem your own coupon"


class AlreadyRedeemed(RuleViolation):
    """403: the redeemer has redeemed a coupon before, which each may do once ever."""

    code = "ALREADY_REDEEMED"
    message = "You have already redeemed a coupon before. Each user can only redeem one coupon."


class NewUserFieldsRequired(InvalidInput):
    """400: a redeemer without a coupon gives `username` and `followers`."""

    code = "NEW_USER_FIELDS_REQUIRED"


class TooFewFollowers(RuleViolation):
    """400: a redeemer without a coupon needs at least 1000 followers."""

    code = "TOO_FEW_FOLLOWERS"
    status = 400
    message = f"Minimum {MINIMUM_FOLLOWERS} followers required"


class RoleMismatch(RuleViolation):
    """403: the redeemer's coupon is of the other role."""

    code = "ROLE_MISMATCH"
    message = "Creator and redeemer must have the same role"
