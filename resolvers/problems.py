"""Refusals become union members where the field's result has them; what a field does not expect stays an error."""

from typing import Any

import strawberry

from models.errors import Conflict as ConflictError
from models.errors import InvalidInput as InvalidInputError
from models.errors import NotFound as NotFoundError
from models.errors import RateLimited as RateLimitedError
from models.errors import Refused as RefusedError
from models.usage import UsageLimitReached as UsageLimitReachedError
from schema.problems import Conflict, InvalidInput, NotFound, RateLimited, Refused, problem_from_error
from schema.usage import UsageLimitReached


class InvalidInputHandler(strawberry.ExceptionHandler[InvalidInputError, InvalidInput]):
    def handle(self, exception: InvalidInputError, **_: Any) -> Any:
        return problem_from_error(exception)


class NotFoundHandler(strawberry.ExceptionHandler[NotFoundError, NotFound]):
    def handle(self, exception: NotFoundError, **_: Any) -> Any:
        return problem_from_error(exception)


class UsageLimitReachedHandler(strawberry.ExceptionHandler[UsageLimitReachedError, UsageLimitReached]):
    def handle(self, exception: UsageLimitReachedError, **_: Any) -> Any:
        return UsageLimitReached.from_error(exception)


class ConflictHandler(strawberry.ExceptionHandler[ConflictError, Conflict]):
    def handle(self, exception: ConflictError, **_: Any) -> Any:
        return problem_from_error(exception)


class RefusedHandler(strawberry.ExceptionHandler[RefusedError, Refused]):
    def handle(self, exception: RefusedError, **_: Any) -> Any:
        return problem_from_error(exception)


class RateLimitedHandler(strawberry.ExceptionHandler[RateLimitedError, RateLimited]):
    def handle(self, exception: RateLimitedError, **_: Any) -> Any:
        return problem_from_error(exception)


PROBLEM_HANDLERS = (
    InvalidInputHandler(),
    NotFoundHandler(),
    UsageLimitReachedHandler(),
    ConflictHandler(),
    RefusedHandler(),
    RateLimitedHandler(),
)
