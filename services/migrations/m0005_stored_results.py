"""Results that release 1.0.0 stored for idempotency keys, under the tags that stand for its classes now.

It wrote names of modules and classes. The rows live for a day, and a request that is tried again must get the answer
that it was given.
"""

import logging
from collections.abc import Mapping

from services.kit.database import Database, Document
from services.migrations.options import Options

log = logging.getLogger("tessera.migration")

TAGS = {
    "models.coupons:Coupon": "coupon",
    "models.coupons:CouponRole": "couponRole",
    "models.coupons:Redemption": "redemption",
    "models.access_codes:AccessCode": "accessCode",
    "models.orders:Order": "order",
    "models.orders:OrderLine": "orderLine",
    "models.usage:UserUsage": "userUsage",
    "models.usage:UsageFollower": "usageFollower",
    "models.usage:Followed": "usageSnapshot",
    "models.usage:Grant": "usageGrant",
    "models.usage:Limit": "usageLimit",
    "models.usage:LimitKind": "limitKind",
    "models.usage:KeyKind": "followerKeyKind",
    "models.audit:Drift": "discrepancy",
    "models.audit:AuditReport": "auditReport",
    "models.audit:AuditFamily": "auditFamily",
    "models.errors:Fault": "fieldError",
    "services.idempotency:Again": "again",
}
REFUSALS = {
    "models.errors:InvalidInput": ("BAD_USER_INPUT", 400, "Validation failed"),
    "models.coupons:RedemptionFieldsRequired": ("REDEMPTION_FIELDS_REQUIRED", 400, "Validation failed"),
    "models.coupons:NewUserFieldsRequired": ("NEW_USER_FIELDS_REQUIRED", 400, "Validation failed"),
    "models.orders:QuantityNotPositive": ("QUANTITY_NOT_POSITIVE", 400, "Validation failed"),
    "models.coupons:SelfRedemption": ("SELF_REDEMPTION", 400, "Cannot redeem your own coupon"),
    "models.coupons:AlreadyRedeemed": (
        "ALREADY_REDEEMED",
        403,
        "You have already redeemed a coupon before. Each user can only redeem one coupon.",
    ),
    "models.coupons:TooFewFollowers": ("TOO_FEW_FOLLOWERS", 400, "Minimum 1000 followers required"),
    "models.coupons:RoleMismatch": ("ROLE_MISMATCH", 403, "Creator and redeemer must have the same role"),
    "models.access_codes:AccessCodeExpired": ("ACCESS_CODE_EXPIRED", 403, "Access code has expired"),
    "models.access_codes:CannotActivateExpired": (
        "ACCESS_CODE_EXPIRED",
        400,
        "Cannot activate: access code has expired",
    ),
    "models.access_codes:AccessCodeInactive": ("ACCESS_CODE_INACTIVE", 403, "Access code is inactive"),
    "models.access_codes:AccessCodeFullyUsed": (
        "ACCESS_CODE_FULLY_USED",
        403,
        "Access code has reached maximum usage limit",
    ),
    "models.access_codes:CannotActivateFullyUsed": (
        "ACCESS_CODE_FULLY_USED",
        400,
        "Cannot activate: maximum usage limit reached",
    ),
    "models.access_codes:AccessCodeAlreadyUsed": (
        "ACCESS_CODE_ALREADY_USED",
        403,
        "You have already used this access code",
    ),
    "models.orders:OrderNotPending": ("ORDER_NOT_PENDING", 403, "Only a pending order can be changed."),
    "models.errors:NotFound": ("NOT_FOUND", 404, "Not found"),
    "models.errors:RouteNotFound": ("NOT_FOUND", 404, "Not found"),
    "models.coupons:CouponNotFound": ("COUPON_NOT_FOUND", 404, "Coupon not found"),
    "models.coupons:InvalidCouponCode": ("INVALID_COUPON_CODE", 404, "Invalid coupon code"),
    "models.access_codes:AccessCodeNotFound": ("ACCESS_CODE_NOT_FOUND", 404, "Access code not found"),
    "models.access_codes:InvalidAccessCode": ("INVALID_ACCESS_CODE", 404, "Invalid access code"),
    "models.orders:OrderNotFound": ("ORDER_NOT_FOUND", 404, "Order not Found."),
    "models.orders:ProductNotFound": ("PRODUCT_NOT_FOUND", 404, "Product not found."),
    "models.usage:UsageFollowerNotFound": ("USAGE_FOLLOWER_NOT_FOUND", 404, "Usage follower not found"),
    "models.coupons:CouponAlreadyExists": ("COUPON_ALREADY_EXISTS", 409, "User already has a coupon"),
    "models.access_codes:BatchChanged": (
        "ACCESS_CODE_BATCH_CHANGED",
        409,
        "This batch was begun with other values; give it another id",
    ),
    "models.orders:OrderAlreadyRefunded": ("ORDER_ALREADY_REFUNDED", 409, "Order already refunded."),
    "models.orders:OrderPartlyRefunded": (
        "ORDER_PARTLY_REFUNDED",
        409,
        "Some products of this order are already refunded; refund the remaining products one by one.",
    ),
    "models.orders:ProductAlreadyRefunded": ("PRODUCT_ALREADY_REFUNDED", 409, "Product already refunded."),
    "models.orders:NotEnoughQuantity": ("NOT_ENOUGH_QUANTITY", 409, "Not enough quantity!"),
    "models.usage:UsageFollowerAlreadyExists": (
        "USAGE_FOLLOWER_ALREADY_EXISTS",
        409,
        "There is a usage follower for it already",
    ),
    "models.usage:NoOpenHold": ("NO_OPEN_HOLD", 409, "There is no open hold to commit."),
    "models.usage:UsageLimitReached": ("USAGE_LIMIT_REACHED", 409, "Usage limit reached"),
    "models.idempotency:IdempotencyKeyReused": (
        "IDEMPOTENCY_KEY_REUSED",
        422,
        "This idempotency key was used for another request",
    ),
    "models.idempotency:IdempotencyKeyInUse": (
        "IDEMPOTENCY_KEY_IN_USE",
        409,
        "The first request with this idempotency key is still running",
    ),
    "models.errors:Unauthenticated": ("UNAUTHENTICATED", 401, "Authentication required"),
    "models.errors:Forbidden": ("FORBIDDEN", 403, "You are not allowed to do this"),
    "models.errors:InvalidToken": ("FORBIDDEN", 403, "Invalid token provided."),
}
"""Code, status, and the message of those that were stored without it, because it was their class's."""

_OF_THE_FIRST_RELEASE = {"$or": [{"outcomes": {"$ne": []}}, {"answer": {"$ne": None}}], "tags": {"$exists": False}}


async def run(database: Database, _: Options) -> int:
    """Rewrite every row that has not been; returns how many. A row that changes meanwhile is looked at again."""
    rows, retagged = database.idempotency_keys, 0
    async for row in rows.find(_OF_THE_FIRST_RELEASE):
        before: Document = {name: row[name] for name in ("outcomes", "answer") if name in row}
        after = {name: retag(value) for name, value in before.items()}
        done = await rows.update_one({"_id": row["_id"], **before}, {"$set": {**after, "tags": True}})
        retagged += done.modified_count if after != before else 0
    if retagged:
        log.info("the results of %d idempotency keys are stored under tags", retagged)
    return retagged


def retag(stored: object) -> object:
    """A stored result with tags and codes in place of names of classes; what has them already is left as it is."""
    if isinstance(stored, list):
        return [retag(item) for item in stored]
    if not isinstance(stored, Mapping):
        return stored
    match stored:
        case {"enum": str(name), "of": member}:
            return {"enum": TAGS.get(name, name), "of": member}
        case {"object": str(name), "of": given}:
            of = {field: retag(item) for field, item in in_fields_of_now(name, given).items()}
            return {"object": TAGS.get(name, name), "of": of}
        case {"refusal": str(name), "of": state} if name in REFUSALS:
            code, status, message = REFUSALS[name]
            of = {"message": message} | {field: retag(item) for field, item in state.items()}
            return {"refusal": code, "status": status, "of": of}
    return {name: retag(item) for name, item in stored.items()}


def in_fields_of_now(name: str, given: Document) -> Mapping[str, object]:
    """The fields of an object of release 1.0.0 by the names and in the shape that they have now.

    A usage follower held its limits in an object of their own; a grant called what it shows `followed`.
    """
    match name:
        case "models.usage:UsageFollower":
            limits = given["limits"]["of"]
            return {field: item for field, item in given.items() if field != "limits"} | {
                "max_limit_in_basket": limits["in_basket"],
                "max_total_limit": limits["total"],
                "max_limit_per_customer": limits["per_customer"],
            }
        case "models.usage:Grant":
            return {("snapshot" if field == "followed" else field): item for field, item in given.items()}
    return given
