"""The one error tree. A refusal carries a code, an HTTP status, a message and what it knows.

Three transports render it: REST as `{"status": "error", "message", "code"}`, GraphQL as a member of a result union
or as `extensions.code`, the consumers as "try again" or "dead letter".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from models.stored import stored


class ErrorCode(StrEnum):
    """Every code a client can meet. The same word stands in REST's `code` and in GraphQL's `ProblemCode`."""

    BAD_USER_INPUT = "BAD_USER_INPUT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    URI_TOO_LONG = "URI_TOO_LONG"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    IDEMPOTENCY_KEY_IN_USE = "IDEMPOTENCY_KEY_IN_USE"

    COUPON_NOT_FOUND = "COUPON_NOT_FOUND"
    COUPON_ALREADY_EXISTS = "COUPON_ALREADY_EXISTS"
    REDEMPTION_FIELDS_REQUIRED = "REDEMPTION_FIELDS_REQUIRED"
    INVALID_COUPON_CODE = "INVALID_COUPON_CODE"
    SELF_REDEMPTION = "SELF_REDEMPTION"
    ALREADY_REDEEMED = "ALREADY_REDEEMED"
    NEW_USER_FIELDS_REQUIRED = "NEW_USER_FIELDS_REQUIRED"
    TOO_FEW_FOLLOWERS = "TOO_FEW_FOLLOWERS"
    ROLE_MISMATCH = "ROLE_MISMATCH"

    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    ORDER_NOT_PENDING = "ORDER_NOT_PENDING"
    ORDER_ALREADY_REFUNDED = "ORDER_ALREADY_REFUNDED"
    ORDER_PARTLY_REFUNDED = "ORDER_PARTLY_REFUNDED"
    PRODUCT_NOT_FOUND = "PRODUCT_NOT_FOUND"
    PRODUCT_ALREADY_REFUNDED = "PRODUCT_ALREADY_REFUNDED"
    QUANTITY_NOT_POSITIVE = "QUANTITY_NOT_POSITIVE"
    NOT_ENOUGH_QUANTITY = "NOT_ENOUGH_QUANTITY"

    ACCESS_CODE_NOT_FOUND = "ACCESS_CODE_NOT_FOUND"
    ACCESS_CODE_BATCH_NOT_FOUND = "ACCESS_CODE_BATCH_NOT_FOUND"
    ACCESS_CODE_BATCH_ALREADY_EXISTS = "ACCESS_CODE_BATCH_ALREADY_EXISTS"
    ACCESS_CODE_BATCH_CHANGED = "ACCESS_CODE_BATCH_CHANGED"
    INVALID_ACCESS_CODE = "INVALID_ACCESS_CODE"
    ACCESS_CODE_EXPIRED = "ACCESS_CODE_EXPIRED"
    ACCESS_CODE_INACTIVE = "ACCESS_CODE_INACTIVE"
    ACCESS_CODE_FULLY_USED = "ACCESS_CODE_FULLY_USED"
    ACCESS_CODE_ALREADY_USED = "ACCESS_CODE_ALREADY_USED"

    USAGE_FOLLOWER_NOT_FOUND = "USAGE_FOLLOWER_NOT_FOUND"
    USAGE_FOLLOWER_ALREADY_EXISTS = "USAGE_FOLLOWER_ALREADY_EXISTS"
    USAGE_LIMIT_REACHED = "USAGE_LIMIT_REACHED"
    NO_OPEN_HOLD = "NO_OPEN_HOLD"

    ADMIN_KEY_NOT_FOUND = "ADMIN_KEY_NOT_FOUND"
    ADMIN_KEY_NAME_TAKEN = "ADMIN_KEY_NAME_TAKEN"


class ErrorReason(StrEnum):
    """Why a caller is forbidden something: what a client can do about it differs."""

    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    TOKEN_INVALID = "TOKEN_INVALID"
    NOT_ALLOWED = "NOT_ALLOWED"


@stored("fieldError")
@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of an input: the dotted path of the field, and a sentence for a person."""

    path: str
    message: str


REFUSALS: dict[tuple[str, int], type["DomainError"]] = {}
"""The class that stands for each code with its status: the first that bears both."""


class DomainError(Exception):
    """A refusal that a caller can act on.

    `code`, `status` and `message` are the class's; `headers` are extra HTTP headers of the answer.
    """

    code: ClassVar[ErrorCode]
    status: ClassVar[int]
    message: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "code") and hasattr(cls, "status"):
            REFUSALS.setdefault((cls.code.value, cls.status), cls)

    def __init__(self, message: str | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.message)

    @property
    def headers(self) -> dict[str, str]:
        return {}

    @property
    def data(self) -> dict[str, object]:
        """What the refusal knows beyond its message: shown beside it on REST and in GraphQL's `extensions`."""
        return {}


class InvalidInput(DomainError):
    """400: what was sent is malformed; carries every fault at once."""

    code = ErrorCode.BAD_USER_INPUT
    status = 400
    message = "Validation failed"

    def __init__(self, faults: Sequence[FieldError], message: str | None = None) -> None:
        self.faults = tuple(faults)
        super().__init__(message)

    @classmethod
    def of(cls, path: str, message: str) -> Self:
        """A single fault, whose sentence is also the message."""
        return cls([FieldError(path, message)], message)

    @property
    def data(self) -> dict[str, object]:
        return {"errors": [fault.message for fault in self.faults]}


class RuleViolation(DomainError):
    """A rule says no (status 400 or 403, by the rule)."""

    status = 403


class NotFound(DomainError):
    """404: there is no such thing."""

    code = ErrorCode.NOT_FOUND
    status = 404
    message = "Not found"


class Conflict(DomainError):
    """409: the state of the thing forbids it."""

    status = 409


class Unauthenticated(DomainError):
    """401: nobody said who is calling."""

    code = ErrorCode.UNAUTHENTICATED
    status = 401
    message = "Authentication required"

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(DomainError):
    """403: the caller is known and may not, or what they showed does not hold; `reason` tells which."""

    code = ErrorCode.FORBIDDEN
    status = 403
    reason: ClassVar[ErrorReason] = ErrorReason.NOT_ALLOWED
    message = "You are not allowed to do this"

    @property
    def data(self) -> dict[str, object]:
        return {"reason": self.reason.value}


class InvalidToken(Forbidden):
    """403: the JWT does not hold; the cookie that brought it is cleared."""

    reason = ErrorReason.TOKEN_INVALID
    message = "Invalid token provided."


class ExpiredToken(InvalidToken):
    """403: the JWT held until its `exp`."""

    reason = ErrorReason.TOKEN_EXPIRED
    message = "Token has expired."


class RateLimited(DomainError):
    """429: too many public requests from one address; `retry_after` in whole seconds."""

    code = ErrorCode.RATE_LIMITED
    status = 429
    message = "Too many requests from this IP, please try again later"

    def __init__(self, retry_after: int, message: str | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}

    @property
    def data(self) -> dict[str, object]:
        return {"retryAfter": self.retry_after}


class ServiceUnavailable(DomainError):
    """503: the database (or what else the verb needs) cannot be reached; nothing that was acknowledged is lost."""

    code = ErrorCode.SERVICE_UNAVAILABLE
    status = 503
    message = "Service temporarily unavailable, please try again"

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class RouteNotFound(NotFound):
    """404: no such path."""


class MethodNotAllowed(DomainError):
    """405, with the methods that are allowed."""

    code = ErrorCode.METHOD_NOT_ALLOWED
    status = 405
    message = "Method not allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__()

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class PayloadTooLarge(DomainError):
    """413: the body passes the limit."""

    code = ErrorCode.PAYLOAD_TOO_LARGE
    status = 413
    message = "Request body too large"


class RequestTimedOut(DomainError):
    """408: the request has not come whole in time; its connection ends."""

    code = ErrorCode.REQUEST_TIMEOUT
    status = 408
    message = "The request did not arrive in time"


class UriTooLong(DomainError):
    """414: path and query pass the limit."""

    code = ErrorCode.URI_TOO_LONG
    status = 414
    message = "Path and query are too long"


class HeadersTooLarge(DomainError):
    """431: the head of the request passes the limit, by its size or the number of its headers."""

    code = ErrorCode.HEADERS_TOO_LARGE
    status = 431
    message = "Request headers are too large or too many"


class UnsupportedMediaType(DomainError):
    """415: the body is not declared as JSON in UTF-8."""

    code = ErrorCode.UNSUPPORTED_MEDIA_TYPE
    status = 415
    message = "Content-Type must be application/json"


class InternalServerError(DomainError):
    """500: what no one expected, masked."""

    code = ErrorCode.INTERNAL_SERVER_ERROR
    status = 500
    message = "Internal server error"
