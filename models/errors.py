"""The one error tree. A refusal carries a code, an HTTP status, a message and what it knows.

Three transports render it: REST as `{"status": "error", "message", "code"}`, GraphQL as a member of a result union
or as `extensions.code`, the consumers as "try again" or "dead letter".

A refusal of a noun's own is declared where the noun is. Clients read of its code what the first line of its
docstring says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from models.stored import stored


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
MEANINGS: dict[str, str] = {}
"""Every code a client can meet, the same word in REST's `code` and in GraphQL's `ProblemCode`, and what it means."""


class DomainError(Exception):
    """A refusal that a caller can act on.

    `code`, `status` and `message` are the class's; `headers` are extra HTTP headers of the answer.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    message: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "code") and hasattr(cls, "status"):
            REFUSALS.setdefault((cls.code, cls.status), cls)
            MEANINGS.setdefault(cls.code, (cls.__doc__ or "").partition("\n")[0])

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
    """400: something that was sent is malformed; `InvalidInput.fields` names every fault.

    `faults` are all of them, at once.
    """

    code = "BAD_USER_INPUT"
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
    """404: there is no such path.

    Or no such thing, by the code of the class that is derived from it.
    """

    code = "NOT_FOUND"
    status = 404
    message = "Not found"


class Conflict(DomainError):
    """409: the state of the thing forbids it."""

    status = 409


class Unauthenticated(DomainError):
    """401: nobody is signed in, and this needs a user or an admin."""

    code = "UNAUTHENTICATED"
    status = 401
    message = "Authentication required"

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(DomainError):
    """403: the credentials do not hold, or do not allow this.

    `reason` tells which.
    """

    code = "FORBIDDEN"
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
    """429: too many public requests from this address; `retryAfter` says when to return.

    `retry_after` is in whole seconds.
    """

    code = "RATE_LIMITED"
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
    """503: the database is away or too busy; nothing was changed, try again."""

    code = "SERVICE_UNAVAILABLE"
    status = 503
    message = "Service temporarily unavailable, please try again"

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class RouteNotFound(NotFound):
    """404: no such path."""


class MethodNotAllowed(DomainError):
    """405: the path has other methods; `Allow` names them."""

    code = "METHOD_NOT_ALLOWED"
    status = 405
    message = "Method not allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__()

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class PayloadTooLarge(DomainError):
    """413: the body is larger than the server takes."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413
    message = "Request body too large"


class RequestTimedOut(DomainError):
    """408: the request did not come whole in time."""

    code = "REQUEST_TIMEOUT"
    status = 408
    message = "The request did not arrive in time"


class UriTooLong(DomainError):
    """414: path and query are longer than the server takes."""

    code = "URI_TOO_LONG"
    status = 414
    message = "Path and query are too long"


class HeadersTooLarge(DomainError):
    """431: the headers are more than the server takes."""

    code = "HEADERS_TOO_LARGE"
    status = 431
    message = "Request headers are too large or too many"


class UnsupportedMediaType(DomainError):
    """415: the body is not said to be JSON in UTF-8."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415
    message = "Content-Type must be application/json"


class InternalServerError(DomainError):
    """500: a mistake of the server; the request id tells it which."""

    code = "INTERNAL_SERVER_ERROR"
    status = 500
    message = "Internal server error"
