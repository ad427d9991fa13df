"""The refusals that a mutation can expect, as members of its result union. All share the interface `Problem`."""

from enum import StrEnum
from typing import Any, Self

import strawberry

from models import errors as models
from models.errors import ErrorCode
from schema.relay import Shows
from schema.scalars import describe_enum

_MEANINGS: dict[StrEnum, str] = {
    ErrorCode.BAD_USER_INPUT: "400: something that was sent is malformed; `InvalidInput.fields` names every fault.",
    ErrorCode.UNAUTHENTICATED: "401: nobody is signed in, and this needs a user or an admin.",
    ErrorCode.FORBIDDEN: "403: the credentials do not hold, or do not allow this.",
    ErrorCode.NOT_FOUND: "404: there is no such path.",
    ErrorCode.METHOD_NOT_ALLOWED: "405: the path has other methods; `Allow` names them.",
    ErrorCode.REQUEST_TIMEOUT: "408: the request did not come whole in time.",
    ErrorCode.PAYLOAD_TOO_LARGE: "413: the body is larger than the server takes.",
    ErrorCode.URI_TOO_LONG: "414: path and query are longer than the server takes.",
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: "415: the body is not said to be JSON in UTF-8.",
    ErrorCode.HEADERS_TOO_LARGE: "431: the headers are more than the server takes.",
    ErrorCode.RATE_LIMITED: "429: too many public requests from this address; `retryAfter` says when to return.",
    ErrorCode.INTERNAL_SERVER_ERROR: "500: a mistake of the server; the request id tells it which.",
    ErrorCode.SERVICE_UNAVAILABLE: "503: the database is away or too busy; nothing was changed, try again.",
    ErrorCode.IDEMPOTENCY_KEY_REUSED: "422: this idempotency key came before with another input.",
    ErrorCode.IDEMPOTENCY_KEY_IN_USE: "409: the first request with this idempotency key has not ended; try again.",
    ErrorCode.COUPON_NOT_FOUND: "404: there is no coupon of this user or id.",
    ErrorCode.COUPON_ALREADY_EXISTS: "409: the user has a coupon, and can have one only.",
    ErrorCode.REDEMPTION_FIELDS_REQUIRED: "400: a redemption needs `redeemerTwitterId` and `couponCode`.",
    ErrorCode.INVALID_COUPON_CODE: "404: no coupon has this code, or it is not active.",
    ErrorCode.SELF_REDEMPTION: "400: the redeemer owns the coupon.",
    ErrorCode.ALREADY_REDEEMED: "403: the redeemer has redeemed a coupon before, which each may do once ever.",
    ErrorCode.NEW_USER_FIELDS_REQUIRED: "400: a redeemer without a coupon gives `username` and `followers`.",
    ErrorCode.TOO_FEW_FOLLOWERS: "400: a redeemer without a coupon needs at least 1000 followers.",
    ErrorCode.ROLE_MISMATCH: "403: the redeemer's coupon is of the other role.",
    ErrorCode.ORDER_NOT_FOUND: "404: there is no order of this id.",
    ErrorCode.ORDER_NOT_PENDING: "403: its user may change an order only while it is pending.",
    ErrorCode.ORDER_ALREADY_REFUNDED: "409: every unit of the order is refunded.",
    ErrorCode.ORDER_PARTLY_REFUNDED: "409: some products are refunded; refund the others one by one.",
    ErrorCode.PRODUCT_NOT_FOUND: "404: the order has no such product.",
    ErrorCode.PRODUCT_ALREADY_REFUNDED: "409: every unit of the product is refunded.",
    ErrorCode.QUANTITY_NOT_POSITIVE: "400: a refund needs one unit at least.",
    ErrorCode.NOT_ENOUGH_QUANTITY: "409: fewer units than these are left to refund.",
    ErrorCode.ACCESS_CODE_NOT_FOUND: "404: an admin named a code that does not exist.",
    ErrorCode.ACCESS_CODE_BATCH_NOT_FOUND: "404: there is no batch of access codes of this name.",
    ErrorCode.ACCESS_CODE_BATCH_ALREADY_EXISTS: "409: there is a batch of this name already.",
    ErrorCode.ACCESS_CODE_BATCH_CHANGED: "409: the batch was begun with other values.",
    ErrorCode.INVALID_ACCESS_CODE: "404: there is no such access code.",
    ErrorCode.ACCESS_CODE_EXPIRED: "403, or 400 for activating: the code's time is over.",
    ErrorCode.ACCESS_CODE_INACTIVE: "403: an admin has deactivated the code.",
    ErrorCode.ACCESS_CODE_FULLY_USED: "403, or 400 for activating: the code was used `maxUses` times.",
    ErrorCode.ACCESS_CODE_ALREADY_USED: "403: this user has used the code, which each may do once.",
    ErrorCode.USAGE_FOLLOWER_NOT_FOUND: "404: nothing follows this coupon or campaign, or there is no such id.",
    ErrorCode.USAGE_FOLLOWER_ALREADY_EXISTS: "409: the coupon or campaign has a follower, and can have one only.",
    ErrorCode.USAGE_LIMIT_REACHED: "409: a limit leaves fewer units than these; `limits` tells which and how many.",
    ErrorCode.NO_OPEN_HOLD: "409: no amount was given, and the user has set nothing aside or it has expired.",
    ErrorCode.ADMIN_KEY_NOT_FOUND: "404: there is no admin key of this id.",
    ErrorCode.ADMIN_KEY_NAME_TAKEN: "409: another key has this name, or it is one of Tessera's own.",
}

describe_enum(ErrorCode, "ProblemCode", "What went wrong: the same word that REST gives in `code`.", _MEANINGS)


@strawberry.interface(description="Why a mutation changed nothing.")
class Problem(Shows[Any]):
    code: ErrorCode = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong, for people.")


@strawberry.type(description="A fault of one field of the input.")
class FieldFault(Shows[models.FieldError]):
    path: str = strawberry.field(description="The field, dotted where it is nested.")
    message: str = strawberry.field(description="What is wrong with it.")


@strawberry.type(description="The input is malformed.")
class InvalidInput(Problem):
    fields: list[FieldFault] = strawberry.field(description="Every fault, all at once.")

    @classmethod
    def of(cls, error: models.InvalidInput, /) -> Self:
        return cls.by_name(error, fields=[FieldFault.of(fault) for fault in error.faults])


@strawberry.type(description="What the input names does not exist.")
class NotFound(Problem):
    pass


@strawberry.type(description="The state of what the input names forbids it.")
class Conflict(Problem):
    pass


@strawberry.type(description="A rule forbids it.")
class Refused(Problem):
    pass


@strawberry.type(description="Too many public requests from this address.")
class RateLimited(Problem):
    retry_after: int = strawberry.field(description="Seconds until the next window begins.")


PROBLEMS: dict[type[models.DomainError], type[Problem]] = {
    models.InvalidInput: InvalidInput,
    models.NotFound: NotFound,
    models.Conflict: Conflict,
    models.RuleViolation: Refused,
    models.RateLimited: RateLimited,
}
"""The type that shows each class of refusals, those derived from it included."""
