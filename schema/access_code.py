"""Access codes in GraphQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from models.access_codes import access_code as models
from models.errors import DomainError
from models.pagination import Window
from models.values.codes import typed_form
from models.values.ids import global_id
from schema.loaders import Info
from schema.problems import PROBLEMS, Conflict, InvalidInput, NotFound, Problem, RateLimited, Refused
from schema.relay import After, Before, Connection, Entity, First, IdempotentInput, Last, PeriodInput, Shows
from schema.scalars import BigInt

if TYPE_CHECKING:
    from schema.access_code_batch import AccessCodeBatch

CODE = "The code, as typed or pasted: case, outer blanks, invisible characters and the kind of a dash do not count."


@strawberry.type(description="How far an access code is used, at the moment of asking.")
class AccessCodeUsage(Shows[models.AccessCodeUsage]):
    usage_percentage: float = strawberry.field(description="The used part of `maxUses` in percent, two decimals.")
    is_expired: bool = strawberry.field(description="Whether it has expired.")
    is_usable: bool = strawberry.field(description="Whether it can be redeemed.")
    remaining_uses: int = strawberry.field(description="How often it can still be redeemed.")
    days_until_expiry: int = strawberry.field(description="Days until it expires, rounded up, never below 0.")


@strawberry.type(description="One use of an access code.")
class AccessCodeUse(Shows[models.AccessCodeUse]):
    code: str = strawberry.field(description="The code that was used.")
    batch: str | None = strawberry.field(description="The name of the batch of the code, where it is of one.")
    twitter_id: str | None = strawberry.field(description="The user's Twitter id, where it was given.")
    username: str = strawberry.field(description="Who used it.")
    redeemed_at: datetime = strawberry.field(description="When it was used, in UTC.")
    code_id: strawberry.Private[str]

    @strawberry.field(description="The code as it is now; null once it is deleted. For admins.")
    async def access_code(self, info: Info) -> Annotated["AccessCode", strawberry.lazy("schema.access_code")] | None:
        return await info.context.loaders.access_code(self.code_id)


@strawberry.type(description="A page of uses of access codes.")
class AccessCodeUseConnection(Connection[AccessCodeUse]):
    pass


@strawberry.type(description="A code of six letters and digits that gives users access to beta features.")
class AccessCode(Entity, Shows[models.AccessCode]):
    code: str = strawberry.field(description="What users redeem, in either case.")
    description: str = strawberry.field(description="What it is for.")
    max_uses: int = strawberry.field(description="How many users can use it.")
    used_count: int = strawberry.field(description="How many have used it.")
    expires_at: datetime = strawberry.field(description="From when on it cannot be used.")
    active: bool = strawberry.field(description="Whether it is switched on.")
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="Who made it.")
    is_public: bool = strawberry.field(description="Whether everyone may watch how many uses are left.")
    model: strawberry.Private[models.AccessCode]

    @strawberry.field(description="How far it is used, at the moment of asking.")
    def stats(self, info: Info) -> AccessCodeUsage:
        return AccessCodeUsage.of(info.context.loaders.access_code_usage(self.model))

    @strawberry.field(description="Whether it can be redeemed, at the moment of asking.")
    def validity(self, info: Info) -> Annotated["AccessCodeValidity", strawberry.lazy("schema.access_code")]:
        return info.context.loaders.access_code_validity(self.model)

    @strawberry.field(description="The batch it was made or imported in; null for one that is in none. For admins.")
    async def batch(
        self, info: Info
    ) -> Annotated["AccessCodeBatch", strawberry.lazy("schema.access_code_batch")] | None:
        name = self.model.batch
        return None if name is None else await info.context.loaders.access_code_batch(name)

    @strawberry.field(description="Who used it, in order. For admins.")
    async def used_by(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> AccessCodeUseConnection | None:
        return await info.context.loaders.access_code_uses(self.model, Window.of(first, after, last, before))

    @classmethod
    def of(cls, code: models.AccessCode, /) -> Self:
        return cls.by_name(code, model=code)


@strawberry.type(description="A page of access codes.")
class AccessCodeConnection(Connection[AccessCode]):
    pass


@strawberry.type(description="Whether an access code can be redeemed, at the moment of asking.")
class AccessCodeValidity(Shows[models.AccessCode]):
    id: strawberry.ID = strawberry.field(
        description="The same for the same code wherever it is asked for, so that caches update it."
    )
    valid: bool = strawberry.field(description="Whether it can be redeemed.")
    message: str = strawberry.field(description="The same in a sentence.")
    problem: Problem | None = strawberry.field(description="Why it cannot be redeemed; null where it can.")
    description: str | None = strawberry.field(description="What it is for; null where it cannot be redeemed.")
    expires_at: datetime | None = strawberry.field(description="Until when it can be redeemed.")
    remaining_uses: int | None = strawberry.field(description="How often it can still be redeemed.")
    used_count: int | None = strawberry.field(description="How often it was redeemed.")

    @classmethod
    def of(cls, code: models.AccessCode, /) -> Self:
        identifier = _id_of_validity(code.code)
        return cls.by_name(code, id=identifier, valid=True, message="Access code is valid", problem=None)

    @classmethod
    def from_refusal(cls, code: str, refusal: DomainError) -> Self:
        """Returns that a code, as it is kept or was typed, cannot be redeemed, and why."""
        return cls(
            id=_id_of_validity(code),
            valid=False,
            message=refusal.message,
            problem=next(problem.of(refusal) for kind, problem in PROBLEMS.items() if isinstance(refusal, kind)),
            description=None,
            expires_at=None,
            remaining_uses=None,
            used_count=None,
        )


def _id_of_validity(code: str) -> strawberry.ID:
    """One for all the ways in which a code is typed."""
    return strawberry.ID(global_id("AccessCodeValidity", typed_form(code)))


@strawberry.type(description="A code that a user has redeemed; it stays in the history when the code is deleted.")
class RedeemedAccessCode(Shows[models.AccessCodeUse]):
    code: str = strawberry.field(description="The code.")
    description: str = strawberry.field(description="What it was for.")
    expires_at: datetime = strawberry.field(description="When the code expires.")
    created_at: datetime = strawberry.field(description="When the code was made.")
    redeemed_at: datetime = strawberry.field(description="When the user redeemed it.")


@strawberry.type(description="What a user has redeemed.")
class AccessCodeRedemptions:
    has_redeemed_access_code: bool = strawberry.field(description="Whether there is any.")
    access_codes: list[RedeemedAccessCode] = strawberry.field(description="The codes, the last redeemed first.")

    @classmethod
    def of(cls, uses: Sequence[models.AccessCodeUse]) -> Self:
        return cls(has_redeemed_access_code=bool(uses), access_codes=[RedeemedAccessCode.of(use) for use in uses])


@strawberry.type(description="Counts over all access codes that exist, at the moment of asking.")
class AccessCodeStats:
    total_access_codes: int = strawberry.field(description="How many codes there are.")
    active_access_codes: int = strawberry.field(description="How many are active, not expired and not fully used.")
    expired_access_codes: int = strawberry.field(description="How many have expired.")
    fully_used_access_codes: int = strawberry.field(description="How many have reached `maxUses`.")
    total_usages: BigInt = strawberry.field(description="The sum of `usedCount`.")
    most_used_code: AccessCode | None = strawberry.field(
        description="The highest `usedCount`, then the newest; null while nothing was used."
    )

    @classmethod
    def of(cls, stats: models.AccessCodeStats) -> Self:
        return cls(
            total_access_codes=stats.total,
            active_access_codes=stats.active,
            expired_access_codes=stats.expired,
            fully_used_access_codes=stats.fully_used,
            total_usages=BigInt(stats.total_usages),
            most_used_code=AccessCode.or_none(stats.most_used),
        )


@strawberry.input(description="Narrows a list of access codes; every condition given must hold.")
class AccessCodeFilter(PeriodInput):
    active: bool | None = strawberry.field(default=strawberry.UNSET, description="Switched on, or off.")
    expired: bool | None = strawberry.field(default=strawberry.UNSET, description="Expired by now, or not.")
    code: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="This text literally, anywhere in the code, ignoring case and the kind of a dash.",
    )
    batch: str | None = strawberry.field(default=strawberry.UNSET, description="The name of their batch.")
    description: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="This text literally, anywhere in the description, ignoring case in any script.",
    )
    created_by: str | None = strawberry.field(default=strawberry.UNSET, description="Who made them: the exact name.")


@strawberry.input(description="Narrows a list of uses of access codes; every condition given must hold.")
class AccessCodeUseFilter(PeriodInput):
    code: str | None = strawberry.field(
        default=strawberry.UNSET, description="The code, as typed or pasted; a deleted one too."
    )
    batch: str | None = strawberry.field(default=strawberry.UNSET, description="The name of the batch of the code.")
    username: str | None = strawberry.field(
        default=strawberry.UNSET, description="Who used it: the exact name, case and all."
    )


@strawberry.input(description="What a new access code needs.")
class CreateAccessCodeInput(IdempotentInput):
    max_uses: int = strawberry.field(description="How many users can use it, at least 1.")
    expiry_days: int = strawberry.field(description="After how many days of 24 hours it expires, 1 to 36500.")
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="What it is for; `Beta access code` when not given."
    )
    is_public: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether everyone may watch how many uses are left; false when not given."
    )


@strawberry.input(description="What several new access codes need; all are of one kind.")
class CreateAccessCodesInput(IdempotentInput):
    count: int = strawberry.field(description="How many, 1 to 1000.")
    max_uses: int = strawberry.field(description="How many users can use each, at least 1.")
    expiry_days: int = strawberry.field(description="After how many days of 24 hours they expire, 1 to 36500.")
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="What they are for; `Beta access code` when not given."
    )
    is_public: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether everyone may watch how many uses of each are left; false when not given.",
    )
    batch: str | None = strawberry.field(
        default=strawberry.UNSET, description="A name that no batch has yet: the codes are a batch of this name."
    )


@strawberry.input(description="Who redeems which access code.")
class RedeemAccessCodeInput(IdempotentInput):
    code: str = strawberry.field(description=CODE)
    username: str = strawberry.field(description="The user: the exact name, case and all, up to 256 characters.")
    twitter_id: str | None = strawberry.field(default=strawberry.UNSET, description="The user's Twitter id.")


@strawberry.input(description="Which access code to activate.")
class ActivateAccessCodeInput(IdempotentInput):
    code: str = strawberry.field(description=CODE)


@strawberry.input(description="Which access code to deactivate.")
class DeactivateAccessCodeInput(IdempotentInput):
    code: str = strawberry.field(description=CODE)


@strawberry.input(description="Which access code to delete.")
class DeleteAccessCodeInput(IdempotentInput):
    code: str = strawberry.field(description=CODE)


@strawberry.type(description="An access code was made.")
class CreateAccessCodePayload:
    access_code: AccessCode = strawberry.field(description="The new code.")


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
