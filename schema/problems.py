"""The refusals that a mutation can expect, as members of its result union. All share the interface `Problem`."""

from importlib import import_module
from pkgutil import walk_packages
from typing import Any, Self

import strawberry

import models as nouns
from models import errors as models
from schema.relay import Shows
from schema.scalars import described_enum

for _module in walk_packages(nouns.__path__, f"{nouns.__name__}."):
    import_module(_module.name)  # so that every refusal is known, whatever noun it is of

ProblemCode = described_enum(
    "ProblemCode", "What went wrong: the same word that REST gives in `code`.", models.MEANINGS
)


@strawberry.interface(description="Why a mutation changed nothing.")
class Problem(Shows[Any]):
    code: str = strawberry.field(description="What went wrong, for programs.", graphql_type=ProblemCode)
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
