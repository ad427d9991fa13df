"""Who may watch an access code, in GraphQL."""

from typing import Annotated

import strawberry

from schema.access_code import CODE, AccessCode
from schema.problems import Conflict, InvalidInput, NotFound
from schema.relay import IdempotentInput


@strawberry.input(description="Which access code everyone may watch, or not.")
class SetAccessCodePublicInput(IdempotentInput):
    code: str = strawberry.field(description=CODE)
    is_public: bool = strawberry.field(description="Whether everyone may watch how many uses are left.")


@strawberry.type(description="An access code can be watched by everyone, or not.")
class SetAccessCodePublicPayload:
    access_code: AccessCode = strawberry.field(description="The code as it is now.")


SetAccessCodePublicResult = Annotated[
    SetAccessCodePublicPayload | InvalidInput | NotFound | Conflict,
    strawberry.union("SetAccessCodePublicResult", description="The code, or why there is none."),
]
