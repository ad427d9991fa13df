"""What is told of refusals: which of them each route may answer, their one shape, their headers, an example of each."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Literal

from models.errors import (
    MEANINGS,
    DomainError,
    ErrorReason,
    ExpiredToken,
    FieldError,
    Forbidden,
    HeadersTooLarge,
    InternalServerError,
    InvalidInput,
    InvalidToken,
    PayloadTooLarge,
    RateLimited,
    RequestTimedOut,
    ServiceUnavailable,
    Unauthenticated,
    UnsupportedMediaType,
    UriTooLong,
)
from models.idempotency import IdempotencyKeyInUse, IdempotencyKeyReused
from models.orders.lines import OrderLine
from models.usage.follower import Limit
from rest.envelope import error_body
from rest.openapi.description import Access, Description, ListOf, Of, Shape
from rest.openapi.samples import CAMPAIGN
from rest.openapi.schemas import JsonSchema, SchemaBook

_LIMIT = Shape(
    Limit,
    more={"campaignId": Of(str, CAMPAIGN), "couponId": Of(str, CAMPAIGN)},
    optional=frozenset({"campaignId", "couponId"}),
)
ERROR = Shape(
    name="Error",
    more={
        "status": Of(Literal["error"], "error"),
        "message": Of(str, Forbidden.message),
        "code": Of(str, Forbidden.code),
        "errors": Of(list[str], []),
        "reason": Of(ErrorReason, Forbidden.reason.value),
        "retryAfter": Of(int, 60),
        "limits": ListOf(_LIMIT),
        "left": Of(int, 1),
        "refunded": Of(bool, False),
        "products": ListOf(Shape(OrderLine, only=("productId", "quantity", "refundedQuantity"))),
        "valid": Of(Literal[False], False),
    },
    optional=frozenset({"errors", "reason", "retryAfter", "limits", "left", "refunded", "products", "valid"}),
)
HEADERS: dict[str, JsonSchema] = {
    "X-Request-ID": {
        "description": "The id of the request in the logs: the client's own where it sent a sane one.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "How to say who is calling.", "schema": {"const": "Bearer"}},
    "Set-Cookie": {
        "description": "Clears the cookie `token` where its token does not hold.",
        "schema": {"type": "string"},
    },
    "RateLimit-Limit": {
        "description": "Public requests of one address in a window; absent where nothing is limited.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit-Remaining": {"description": "How many of them are left.", "schema": {"type": "integer", "minimum": 0}},
    "RateLimit-Reset": {
        "description": "Seconds until the window ends.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit-Policy": {
        "description": "The limit and the seconds of its window.",
        "schema": {"type": "string", "pattern": "^[0-9]+;w=[0-9]+$"},
    },
}
RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")

_ALWAYS = (RequestTimedOut(), UriTooLong(), HeadersTooLarge(), InternalServerError(), ServiceUnavailable())
_FAULTY = InvalidInput([FieldError("username", "username is required")])


def refusals_of(description: Description, access: Access, *, changes: bool) -> list[DomainError]:
    """An instance of each refusal that a route may answer: those of its verb, its transport and its callers."""
    refusals = list(description.refuses)
    if description.path or description.query or description.body or changes:
        refusals.append(_FAULTY)
    if description.body:
        refusals.append(UnsupportedMediaType())
    if changes:  # A key of idempotency is kept with the body, whatever that is.
        refusals += [PayloadTooLarge(), IdempotencyKeyInUse(), IdempotencyKeyReused()]
    if access.kind == "limited":
        refusals.append(RateLimited(540))
    elif access.kind != "open":
        refusals += [Unauthenticated(), Forbidden(), InvalidToken(), ExpiredToken()]
    return [*refusals, *_ALWAYS]


class RefusalBook:
    """The responses of refusals: one for each status, which is told of once where it is alike."""

    def __init__(self, spec: Any, schemas: SchemaBook) -> None:
        self._spec = spec
        self._schemas = schemas
        self._known: set[str] = set()
        for name, header in HEADERS.items():
            spec.components.header(name, header)

    def responses(self, refusals: Sequence[DomainError], headers: Sequence[str]) -> Iterator[tuple[str, JsonSchema]]:
        """Status and reference of each response; `headers` are those of every answer of the route."""
        ordered = sorted(refusals, key=lambda refusal: refusal.status)
        for status, alike in groupby(ordered, key=lambda refusal: refusal.status):
            yield str(status), self._reference(status, list(alike), headers)

    def _reference(self, status: int, refusals: list[DomainError], headers: Sequence[str]) -> JsonSchema:
        kinds = [type(refusal).__name__ for refusal in refusals]
        name = "-".join([str(status), *kinds, *(["Limited"] if headers[1:] else [])])
        if name not in self._known:
            self._known.add(name)
            self._spec.components.response(name, self._response(refusals, headers))
        return {"$ref": f"#/components/responses/{name}"}

    def _response(self, refusals: list[DomainError], headers: Sequence[str]) -> JsonSchema:
        codes = list(dict.fromkeys(refusal.code for refusal in refusals))
        shape = {
            "allOf": [
                self._schemas.of_part(ERROR),
                {"type": "object", "properties": {"code": {"enum": codes}}},
            ]
        }
        examples = {
            type(refusal).__name__: {
                "summary": refusal.message,
                "description": MEANINGS[refusal.code].partition(": ")[2],
                "value": error_body(refusal),
            }
            for refusal in refusals
        }
        own = {name for refusal in refusals for name in refusal.headers if name in HEADERS}
        own |= {"Set-Cookie" for refusal in refusals if isinstance(refusal, InvalidToken)}
        return {
            "description": " · ".join(dict.fromkeys(refusal.message for refusal in refusals)),
            "headers": header_references([*headers, *sorted(own)]),
            "content": {"application/json": {"schema": shape, "examples": examples}},
        }


def header_references(names: Sequence[str]) -> JsonSchema:
    """The headers of a response, by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
