"""The GraphQL fields of access codes."""

from functools import partial
from typing import Annotated

import strawberry

from models.access_codes import access_code as models
from models.errors import NotFound, RuleViolation
from models.inputs import parse
from models.pagination import Window
from models.principal import Role
from models.sent import read_by_name
from models.values.ids import is_object_id
from resolvers.context import Info, as_mapping, command_of
from schema.access_code import (
    AccessCode,
    AccessCodeConnection,
    AccessCodeFilter,
    AccessCodeRedemptions,
    AccessCodeStats,
    AccessCodeUse,
    AccessCodeUseConnection,
    AccessCodeUseFilter,
    AccessCodeValidity,
    ActivateAccessCodeInput,
    ActivateAccessCodePayload,
    ActivateAccessCodeResult,
    CreateAccessCodeInput,
    CreateAccessCodePayload,
    CreateAccessCodeResult,
    DeactivateAccessCodeInput,
    DeactivateAccessCodePayload,
    DeactivateAccessCodeResult,
    DeleteAccessCodeInput,
    DeleteAccessCodePayload,
    DeleteAccessCodeResult,
    RedeemAccessCodeInput,
    RedeemAccessCodePayload,
    RedeemAccessCodeResult,
)
from schema.access_code_public import (
    SetAccessCodePublicInput,
    SetAccessCodePublicPayload,
    SetAccessCodePublicResult,
)
from schema.relay import After, Before, First, Last

Code = Annotated[
    str,
    strawberry.argument(
        description="The code, as typed or pasted: case, outer blanks, invisible characters, kinds of dashes are one."
    ),
]


async def node(info: Info, raw_id: str) -> AccessCode | None:
    """An access code by its raw id, for `node` and `nodes`: for admins, as `accessCode` is."""
    caller = info.context.admin(Role.VIEWER)
    if not is_object_id(raw_id):
        return None
    return AccessCode.or_none(await info.context.services.access_codes.find_by_id(caller, raw_id))


@strawberry.type
class AccessCodeQuery:
    @strawberry.field(description="Whether an access code can be redeemed. Open to everyone, rate limited.")
    async def access_code_validity(self, info: Info, code: Code) -> AccessCodeValidity:
        access_codes = info.context.services.access_codes
        try:
            return AccessCodeValidity.of(
                await info.context.public(
                    lambda permit: access_codes.validate(permit, parse(models.GetAccessCode, {"code": code}))
                )
            )
        except (NotFound, RuleViolation) as refusal:
            return AccessCodeValidity.from_refusal(code, refusal)

    @strawberry.field(description="An access code; null where there is none. For admins.")
    async def access_code(self, info: Info, code: Code) -> AccessCode | None:
        caller, wanted = info.context.admin(Role.VIEWER), parse(models.GetAccessCode, {"code": code})
        return AccessCode.or_none(await info.context.services.access_codes.find(caller, wanted))

    @strawberry.field(description="All access codes, the newest first. For admins.")
    async def access_codes(
        self,
        info: Info,
        filter: Annotated[AccessCodeFilter | None, strawberry.argument(description="Narrows the list.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> AccessCodeConnection:
        caller, access_codes = info.context.admin(Role.VIEWER), info.context.services.access_codes
        window, wanted = Window.of(first, after, last, before), command_of(models.AccessCodeFilter, filter)
        page = await access_codes.list_window(caller, wanted, window)
        return AccessCodeConnection.of(page, AccessCode.of, partial(access_codes.count, caller, wanted))

    @strawberry.field(description="Who used which access code, the latest first; deleted codes too. For admins.")
    async def access_code_uses(
        self,
        info: Info,
        filter: Annotated[AccessCodeUseFilter | None, strawberry.argument(description="Narrows the list.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> AccessCodeUseConnection:
        caller, uses = info.context.admin(Role.VIEWER), info.context.services.access_code_uses
        window, wanted = Window.of(first, after, last, before), command_of(models.AccessCodeUseFilter, filter)
        page = await uses.window(caller, wanted, window)
        return AccessCodeUseConnection.of(page, AccessCodeUse.of, partial(uses.count, caller, wanted))

    @strawberry.field(description="What a user has redeemed. Open to everyone, rate limited.")
    async def access_code_redemptions(
        self,
        info: Info,
        username: Annotated[str, strawberry.argument(description="The user: the exact name, case and all.")],
    ) -> AccessCodeRedemptions:
        named, access_codes = {"username": username}, info.context.services.access_codes
        return AccessCodeRedemptions.of(
            await info.context.public(
                lambda permit: access_codes.list_redemptions(permit, parse(models.ListRedemptions, named))
            )
        )

    @strawberry.field(description="Counts over all access codes that exist. For admins.")
    async def access_code_stats(self, info: Info) -> AccessCodeStats:
        return AccessCodeStats.of(await info.context.services.access_codes.stats(info.context.caller()))


@strawberry.type
class AccessCodeMutation:
    @strawberry.mutation(description="Make an access code. For admins of the role ADMIN.")
    async def create_access_code(self, info: Info, input: CreateAccessCodeInput) -> CreateAccessCodeResult:
        caller, command = info.context.admin(Role.ADMIN), command_of(models.CreateAccessCode, input)
        code = await info.context.services.access_codes.create(caller, command)
        return CreateAccessCodePayload(access_code=AccessCode.of(code))

    @strawberry.mutation(description="Redeem an access code, once for each user. Open to everyone, rate limited.")
    async def redeem_access_code(self, info: Info, input: RedeemAccessCodeInput) -> RedeemAccessCodeResult:
        redeem = info.context.services.access_codes.redeem
        sent = read_by_name(models.RedeemAccessCode, as_mapping(input))
        code = await info.context.public(lambda permit: redeem(permit, sent))
        return RedeemAccessCodePayload(access_code=AccessCode.of(code))

    @strawberry.mutation(description="Let an access code be redeemed again. For admins of the role SUPPORT or ADMIN.")
    async def activate_access_code(self, info: Info, input: ActivateAccessCodeInput) -> ActivateAccessCodeResult:
        caller, command = info.context.admin(Role.SUPPORT), command_of(models.ActivateAccessCode, input)
        code = await info.context.services.access_codes.activate(caller, command)
        return ActivateAccessCodePayload(access_code=AccessCode.of(code))

    @strawberry.mutation(
        description="Let an access code no longer be redeemed. For admins of the role SUPPORT or ADMIN."
    )
    async def deactivate_access_code(self, info: Info, input: DeactivateAccessCodeInput) -> DeactivateAccessCodeResult:
        caller, command = info.context.admin(Role.SUPPORT), command_of(models.DeactivateAccessCode, input)
        code = await info.context.services.access_codes.deactivate(caller, command)
        return DeactivateAccessCodePayload(access_code=AccessCode.of(code))

    @strawberry.mutation(
        description="Let everyone watch what is left of an access code, or not. For admins of the role ADMIN."
    )
    async def set_access_code_public(self, info: Info, input: SetAccessCodePublicInput) -> SetAccessCodePublicResult:
        caller, command = info.context.admin(Role.ADMIN), command_of(models.SetAccessCodePublic, input)
        code = await info.context.services.access_codes.set_public(caller, command)
        return SetAccessCodePublicPayload(access_code=AccessCode.of(code))

    @strawberry.mutation(description="Delete an access code; its users' history stays. For admins of the role ADMIN.")
    async def delete_access_code(self, info: Info, input: DeleteAccessCodeInput) -> DeleteAccessCodeResult:
        caller, command = info.context.admin(Role.ADMIN), command_of(models.DeleteAccessCode, input)
        code = await info.context.services.access_codes.delete(caller, command)
        return DeleteAccessCodePayload(access_code=AccessCode.of(code))
