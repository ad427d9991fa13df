"""Batches of access codes in GraphQL."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from models.access_codes import batches as models
from models.pagination import Window
from schema.access_code import AccessCode, AccessCodeConnection
from schema.loaders import Info
from schema.problems import Conflict, InvalidInput, NotFound
from schema.relay import After, Before, Connection, Entity, First, IdempotentInput, Last, PeriodInput, Shows
from schema.scalars import BigInt

_OF_ITS_OWN = "null where its codes were imported, each with its own."
_BATCH = "The batch, by its name or its Relay id."


@strawberry.type(description="Counts of a batch's codes that exist, at the moment of asking.")
class AccessCodeBatchCounts(Shows[models.AccessCodeBatchCounts]):
    codes: int = strawberry.field(description="How many codes there are.")
    uses: BigInt = strawberry.field(description="The sum of their `usedCount`.")
    usable: int = strawberry.field(description="How many can be redeemed: switched on, not expired, not fully used.")
    inactive: int = strawberry.field(description="How many are switched off.")
    full: int = strawberry.field(description="How many have reached `maxUses`.")
    expired: int = strawberry.field(description="How many have expired.")


@strawberry.type(description="Access codes that were made or imported together, under a name. For admins.")
class AccessCodeBatch(Entity, Shows[models.AccessCodeBatch]):
    name: str = strawberry.field(description="Its name, which is its `databaseId` too.")
    count: int = strawberry.field(description="How many codes it is to have; `counts` tells how many there are.")
    description: str | None = strawberry.field(description=f"What the codes are for; {_OF_ITS_OWN}")
    max_uses: int | None = strawberry.field(description=f"How many users can use each; {_OF_ITS_OWN}")
    expiry_days: int | None = strawberry.field(description=f"After how many days they expire; {_OF_ITS_OWN}")
    expires_at: datetime | None = strawberry.field(description=f"When all of them expire; {_OF_ITS_OWN}")
    created_at: datetime = strawberry.field(description="When it was begun.")
    created_by: str = strawberry.field(description="Who began it.")

    @strawberry.field(description="Counts of its codes at the moment of asking, at the same cost for any number.")
    async def counts(self, info: Info) -> AccessCodeBatchCounts:
        return AccessCodeBatchCounts.of(await info.context.loaders.access_code_batch_counts(self.name))

    @strawberry.field(description="Its codes, the newest first.")
    async def codes(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> AccessCodeConnection:
        return await info.context.loaders.access_codes_of_batch(self.name, Window.of(first, after, last, before))


@strawberry.type(description="A page of batches.")
class AccessCodeBatchConnection(Connection[AccessCodeBatch]):
    pass


@strawberry.input(
    description="Narrows a list of batches; every condition given must hold, `from` and `to` of `createdAt`."
)
class AccessCodeBatchFilter(PeriodInput):
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="This text literally, anywhere in the name, ignoring case."
    )
    created_by: str | None = strawberry.field(default=strawberry.UNSET, description="The name of who began it.")


@strawberry.input(description="Which batch to activate.")
class ActivateAccessCodeBatchInput(IdempotentInput):
    id: strawberry.ID = strawberry.field(description=_BATCH)


@strawberry.input(description="Which batch to deactivate.")
class DeactivateAccessCodeBatchInput(IdempotentInput):
    id: strawberry.ID = strawberry.field(description=_BATCH)


@strawberry.type(description="Every code of a batch is active that can be.")
class ActivateAccessCodeBatchPayload:
    access_code_batch: AccessCodeBatch = strawberry.field(description="The batch.")
    changed: int = strawberry.field(description="How many codes were inactive and are active now.")
    full: int = strawberry.field(description="How many stay inactive because they have reached `maxUses`.")
    expired: int = strawberry.field(description="How many others stay inactive because they have expired.")

    @classmethod
    def of(cls, batch: models.AccessCodeBatch, done: models.BatchSwitch) -> Self:
        shown = AccessCodeBatch.of(batch)
        return cls(access_code_batch=shown, changed=done.changed, full=done.full, expired=done.expired)


@strawberry.type(description="No code of a batch is active.")
class DeactivateAccessCodeBatchPayload:
    access_code_batch: AccessCodeBatch = strawberry.field(description="The batch.")
    changed: int = strawberry.field(description="How many codes were active and are not any more.")

    @classmethod
    def of(cls, batch: models.AccessCodeBatch, done: models.BatchSwitch) -> Self:
        return cls(access_code_batch=AccessCodeBatch.of(batch), changed=done.changed)


@strawberry.type(description="Access codes were made.")
class CreateAccessCodesPayload:
    access_codes: list[AccessCode] = strawberry.field(description="The new codes.")
    access_code_batch: AccessCodeBatch | None = strawberry.field(
        description="The batch that they are; null where none was named."
    )


CreateAccessCodesResult = Annotated[
    CreateAccessCodesPayload | InvalidInput | Conflict,
    strawberry.union("CreateAccessCodesResult", description="The new codes, or why there are none."),
]
ActivateAccessCodeBatchResult = Annotated[
    ActivateAccessCodeBatchPayload | InvalidInput | NotFound | Conflict,
    strawberry.union("ActivateAccessCodeBatchResult", description="What became of the batch, or why nothing did."),
]
DeactivateAccessCodeBatchResult = Annotated[
    DeactivateAccessCodeBatchPayload | InvalidInput | NotFound | Conflict,
    strawberry.union("DeactivateAccessCodeBatchResult", description="What became of the batch, or why nothing did."),
]
