"""What changes access codes in GraphQL: inputs, payloads and results."""

from typing import Annotated

import strawberry

from schema.access_code import AccessCode
from schema.problems import Conflict, InvalidInput, NotFound, RateLimited, Refused
from schema.relay import IdempotentInput

_CODE = "The code, as typed or pasted: case, outer blanks, invisible characters and the kind of a dash do not count."


@strawberry.input(description="What a new access code needs.")
class CreateAccessCodeInput(IdempotentInput):
    max_uses: int = strawberry.field(description="How many users can use it, at least 1.")
    expiry_days: int = strawberry.field(description="After how many days of 24 hours it expires, 1 to 36500.")
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="What it is for; `Beta access code` when not given."
    )


@strawberry.input(description="What several new access codes need; all are of one kind.")
class CreateAccessCodesInput(IdempotentInput):
    count: int = strawberry.field(description="How many, 1 to 1000.")
    max_uses: int = strawberry.field(description="How many users can use each, at least 1.")
    expiry_days: int = strawberry.field(description="After how many days of 24 hours they expire, 1 to 36500.")
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="What they are for; `Beta access code` when not given."
    )


@strawberry.input(description="Who redeems which access code.")
class RedeemAccessCodeInput(IdempotentInput):
    code: str = strawberry.field(description=_CODE)
    username: str = strawberry.field(description="The user: the exact name, case and all, up to 256 characters.")
    twitter_id: str | None = strawberry.field(default=strawberry.UNSET, description="The user's Twitter id.")


@strawberry.input(description="Which access code to activate.")
class ActivateAccessCodeInput(IdempotentInput):
    code: str = strawberry.field(description=_CODE)


@strawberry.input(description="Which access code to deactivate.")
class DeactivateAccessCodeInput(IdempotentInput):
    code: str = strawberry.field(description=_CODE)


@strawberry.input(description="Which access code to delete.")
class DeleteAccessCodeInput(IdempotentInput):
    code: str = strawberry.field(description=_CODE)


@strawberry.type(description="An access code was made.")
class CreateAccessCodePayload:
    access_code: AccessCode = strawberry.field(description="The new code.")


@strawberry.type(description="Access codes were made.")
class CreateAccessCodesPayload:
    access_codes: list[AccessCode] = strawberry.field(description="The new codes.")


@strawberry.type(description="An access code was redeemed.")
class RedeemAccessCodePayload:
    access_code: AccessCode = strawberry.field(description="The code after it.")


@strawberry.type(description="An access code is active.")
class ActivateAccessCodePayload:
    access_code: AccessCode = strawberry.field(description="The code as it is now.")


@strawberry.type(description="An access code is not active.")
class DeactivateAccessCodePayload:
    access_code: AccessCode = strawberry.field(description="The code as it is now.")


@strawberry.type(description="An access code was deleted; its users' history stays.")
class DeleteAccessCodePayload:
    access_code: AccessCode = strawberry.field(description="The code as it was.")


CreateAccessCodeResult = Annotated[
    CreateAccessCodePayload | InvalidInput | Conflict,
    strawberry.union("CreateAccessCodeResult", description="The new code, or why there is none."),
]
CreateAccessCodesResult = Annotated[
    CreateAccessCodesPayload | InvalidInput | Conflict,
    strawberry.union("CreateAccessCodesResult", description="The new codes, or why there are none."),
]
RedeemAccessCodeResult = Annotated[
    RedeemAccessCodePayload | InvalidInput | NotFound | Conflict | Refused | RateLimited,
    strawberry.union("RedeemAccessCodeResult", description="The code after its use, or why it was not used."),
]
ActivateAccessCodeResult = Annotated[
    ActivateAccessCodePayload | InvalidInput | NotFound | Conflict | Refused,
    strawberry.union("ActivateAccessCodeResult", description="The active code, or why it is not active."),
]
DeactivateAccessCodeResult = Annotated[
    DeactivateAccessCodePayload | InvalidInput | NotFound | Conflict,
    strawberry.union("DeactivateAccessCodeResult", description="The inactive code, or why there is none."),
]
DeleteAccessCodeResult = Annotated[
    DeleteAccessCodePayload | InvalidInput | NotFound | Conflict,
    strawberry.union("DeleteAccessCodeResult", description="The deleted code, or why it was not deleted."),
]
