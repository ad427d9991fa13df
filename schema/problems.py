"""The refusals that a mutation can expect, as members of its result union. All share the interface `Problem`."""

from typing import Any

import strawberry

from models.errors import Conflict as ConflictError
from models.errors import DomainError, ErrorCode
from models.errors import InvalidInput as InvalidInputError
from models.errors import NotFound as NotFoundError
from models.errors import RateLimited as RateLimitedError
from models.errors import Refused as RefusedError
from schema.enums import describe_enum
from schema.problem_codes import MEANINGS

describe_enum(ErrorCode, "ProblemCode", "What went wrong: the same word that REST gives in `code`.", MEANINGS)


@strawberry.interface(description="Why a mutation changed nothing.")
class Problem:
    code: ErrorCode = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong, for people.")


@strawberry.type(description="A fault of one field of the input.")
class FieldFault:
    path: str = strawberry.field(description="The field, dotted where it is nested.")
    message: str = strawberry.field(description="What is wrong with it.")


@strawberry.type(description="The input is malformed.")
class InvalidInput(Problem):
    fields: list[FieldFault] = strawberry.field(description="Every fault, all at once.")


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


def problem_from_error(error: DomainError) -> Problem | None:
    """The union member for a refusal, or None for what belongs into `errors` (nobody signed in, a fault of ours)."""
    base: dict[str, Any] = {"code": error.code, "message": error.message}
    match error:
        case InvalidInputError():
            return InvalidInput(**base, fields=[FieldFault(path=f.path, message=f.message) for f in error.faults])
        case RateLimitedError():
            return RateLimited(**base, retry_after=error.retry_after)
        case NotFoundError():
            return NotFound(**base)
        case ConflictError():
            return Conflict(**base)
        case RefusedError():
            return Refused(**base)
        case _:
            return None
