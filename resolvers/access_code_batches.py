"""The GraphQL fields of batches of access codes."""

from functools import partial
from typing import Annotated

import strawberry

from models.access_codes import batches as models
from models.errors import InvalidInput
from models.inputs import parse
from models.pagination import Window
from models.principal import Principal, Role
from resolvers.context import Info, command_of
from schema.access_code import AccessCode, CreateAccessCodesInput
from schema.access_code_batch import (
    AccessCodeBatch,
    AccessCodeBatchConnection,
    AccessCodeBatchFilter,
    ActivateAccessCodeBatchInput,
    ActivateAccessCodeBatchPayload,
    ActivateAccessCodeBatchResult,
    CreateAccessCodesPayload,
    CreateAccessCodesResult,
    DeactivateAccessCodeBatchInput,
    DeactivateAccessCodeBatchPayload,
    DeactivateAccessCodeBatchResult,
)
from schema.relay import After, Before, First, Last


async def node(info: Info, name: str) -> AccessCodeBatch | None:
    """A batch by its name, for `node` and `nodes`: for admins, as `accessCodeBatch` is."""
    caller = info.context.admin(Role.VIEWER)
    return AccessCodeBatch.or_none(await info.context.services.access_code_batches.find(caller, name))


@strawberry.type
class AccessCodeBatchQuery:
    @strawberry.field(description="A batch of access codes, by one of these; null where there is none. For admins.")
    async def access_code_batch(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID | None, strawberry.argument(description="The batch, by its Relay id or its name.")
        ] = None,
        name: Annotated[str | None, strawberry.argument(description="Its name, as it is and in no other form.")] = None,
    ) -> AccessCodeBatch | None:
        caller = info.context.admin(Role.VIEWER)
        if (id is None) is (name is None):
            raise InvalidInput.of("id", "Give exactly one of id and name")
        if id is None:
            wanted = parse(models.GetAccessCodeBatchByName, {"name": name}).name
        else:
            wanted = parse(models.GetAccessCodeBatch, {"id": id}).name
        return AccessCodeBatch.or_none(await info.context.services.access_code_batches.find(caller, wanted))

    @strawberry.field(description="All batches of access codes, the newest first. For admins.")
    async def access_code_batches(
        self,
        info: Info,
        filter: Annotated[AccessCodeBatchFilter | None, strawberry.argument(description="Narrows the list.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> AccessCodeBatchConnection:
        caller, batches = info.context.admin(Role.VIEWER), info.context.services.access_code_batches
        window, wanted = Window.of(first, after, last, before), command_of(models.AccessCodeBatchFilter, filter)
        page = await batches.list_window(caller, wanted, window)
        return AccessCodeBatchConnection.of(page, AccessCodeBatch.of, partial(batches.count_batches, caller, wanted))


@strawberry.type
class AccessCodeBatchMutation:
    @strawberry.mutation(
        description=(
            "Make up to 1000 access codes of one kind, all or none; a batch where it is named. "
            "For admins of the role ADMIN."
        )
    )
    async def create_access_codes(self, info: Info, input: CreateAccessCodesInput) -> CreateAccessCodesResult:
        caller, command = info.context.admin(Role.ADMIN), command_of(models.CreateAccessCodes, input)
        batches = info.context.services.access_code_batches
        codes = await batches.create_many(caller, command)
        batch = None if command.batch is None else await batches.find(caller, command.batch)
        return CreateAccessCodesPayload(
            access_codes=[AccessCode.of(code) for code in codes], access_code_batch=AccessCodeBatch.or_none(batch)
        )

    @strawberry.mutation(
        description=(
            "Let every code of a batch be redeemed but those that are full or have expired. "
            "For admins of the role SUPPORT or ADMIN."
        )
    )
    async def activate_access_code_batch(
        self, info: Info, input: ActivateAccessCodeBatchInput
    ) -> ActivateAccessCodeBatchResult:
        caller, command = info.context.admin(Role.SUPPORT), command_of(models.ActivateAccessCodeBatch, input)
        return ActivateAccessCodeBatchPayload.of(*await _switched(info, caller, command))

    @strawberry.mutation(
        description="Let no code of a batch be redeemed any more. For admins of the role SUPPORT or ADMIN."
    )
    async def deactivate_access_code_batch(
        self, info: Info, input: DeactivateAccessCodeBatchInput
    ) -> DeactivateAccessCodeBatchResult:
        caller, command = info.context.admin(Role.SUPPORT), command_of(models.DeactivateAccessCodeBatch, input)
        return DeactivateAccessCodeBatchPayload.of(*await _switched(info, caller, command))


async def _switched(
    info: Info, caller: Principal, command: models.ActivateAccessCodeBatch | models.DeactivateAccessCodeBatch
) -> tuple[models.AccessCodeBatch, models.BatchSwitch]:
    """The batch, and what its switch came to in the end."""
    batches = info.context.services.access_code_batches
    steps = [step async for step in batches.switch(caller, command)]
    return models.require_batch(await batches.find(caller, command.name)), steps[-1]
