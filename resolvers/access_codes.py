"""The GraphQL fields of access codes."""

from functools import partial
from typing import Annotated

import strawberry

from models.errors import NotFound, Refused
from models.ids import is_object_id
from models.pagination import Window
from resolvers.context import Info, as_mapping
from schema.access_code import (
    AccessCode,
    AccessCodeConnection,
    AccessCodeFilter,
    AccessCodeRedemptions,
    AccessCodeStats,
    AccessCodeValidity,
    ActivateAccessCodeInput,
    ActivateAccessCodePayload,
    ActivateAccessCodeResult,
    CreateAccessCodeInput,
    CreateAccessCodePayload,
    CreateAccessCodeResult,
    CreateAccessCodesInput,
    CreateAccessCodesPayload,
    CreateAccessCodesResult,
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
from schema.relay import After, Before, First, Last

Code = Annotated[
    str,
    strawberry.argument(
        description="The code, as typed or pasted: case, outer blanks, invisible characters, kinds of dashes are one."
    ),
]


async def node(info: Info, raw_id: str) -> AccessCode | None:
    """An access code by its raw id, for `node` and `nodes`: for admins, as `accessCode` is."""
    caller = info.context.caller()
    caller.require_admin()
    if not is_object_id(raw_id):
        return None
    code = await info.context.services.access_codes.find_by_id(caller, raw_id)
    return AccessCode.or_none(code)


@strawberry.type
class AccessCodeQuery:
    @strawberry.field(description="Whether an access code can be redeemed. Open to everyone, rate limited.")
    async def access_code_validity(self, info: Info, code: Code) -> AccessCodeValidity:
        access_codes = info.context.services.access_codes
        try:
            valid = await info.context.public(lambda permit: access_codes.validate(permit, {"code": code}))
            return AccessCodeValidity.of(valid)
        except (NotFound, Refused) as refusal:
            return AccessCodeValidity.from_refusal(refusal)

    @strawberry.field(description="An access code; null where there is none. For admins.")
    async def access_code(self, info: Info, code: Code) -> AccessCode | None:
        found = await info.context.services.access_codes.find(info.context.caller(), {"code": code})
        return AccessCode.or_none(found)

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
        caller, access_codes = info.context.caller(), info.context.services.access_codes
        caller.require_admin()
        wanted, window = as_mapping(filter), Window.of(first, after, last, before)
        page = await access_codes.list_window(caller, wanted, window)
        return AccessCodeConnection.of(page, AccessCode.of, partial(access_codes.count, caller, wanted))

    @strawberry.field(description="What a user has redeemed. Open to everyone, rate limited.")
    async def access_code_redemptions(
        self,
        info: Info,
        username: Annotated[str, strawberry.argument(description="The user: the exact name, case and all.")],
    ) -> AccessCodeRedemptions:
        access_codes = info.context.services.access_codes
        uses = await info.context.public(lambda permit: access_codes.redemptions(permit, {"username": username}))
        return AccessCodeRedemptions.of(uses)

    @strawberry.field(description="Counts over all access codes that exist. For admins.")
    async def access_code_stats(self, info: Info) -> AccessCodeStats:
        stats = await info.context.services.access_codes.stats(info.context.caller())
        return AccessCodeStats.of(stats)


@strawberry.type
class AccessCodeMutation:
    @strawberry.mutation(description="Make an access code. For admins.")
    async def create_access_code(self, info: Info, input: CreateAccessCodeInput) -> CreateAccessCodeResult:
        code = await info.context.services.access_codes.create(info.context.caller(), as_mapping(input))
        return CreateAccessCodePayload(access_code=AccessCode.of(code))

    @strawberry.mutation(description="Make up to 1000 access codes of one kind, all or none. For admins.")
    async def create_access_codes(self, info: Info, input: CreateAccessCodesInput) -> CreateAccessCodesResult:
        batches = info.context.services.access_code_batches
        codes = await batches.create_many(info.context.caller(), as_mapping(input))
        return CreateAccessCodesPayload(access_codes=[AccessCode.of(code) for code in codes])

    @strawberry.mutation(description="Redeem an access code, once for each user. Open to everyone, rate limited.")
    async def redeem_access_code(self, info: Info, input: RedeemAccessCodeInput) -> RedeemAccessCodeResult:
        permit = await info.context.permit()
        code = await info.context.services.access_codes.redeem(permit, as_mapping(input))
        return RedeemAccessCodePayload(access_code=AccessCode.of(code))

    @strawberry.mutation(description="Let an access code be redeemed again. For admins.")
    async def activate_access_code(self, info: Info, input: ActivateAccessCodeInput) -> ActivateAccessCodeResult:
        access_codes = info.context.services.access_codes
        code = await access_codes.switch(info.context.caller(), as_mapping(input), active=True)
        return ActivateAccessCodePayload(access_code=AccessCode.of(code))

    @strawberry.mutation(description="Let an access code no longer be redeemed. For admins.")
    async def deactivate_access_code(self, info: Info, input: DeactivateAccessCodeInput) -> DeactivateAccessCodeResult:
        access_codes = info.context.services.access_codes
        code = await access_codes.switch(info.context.caller(), as_mapping(input), active=False)
        return DeactivateAccessCodePayload(access_code=AccessCode.of(code))

    @strawberry.mutation(description="Delete an access code; its users' history stays. For admins.")
    async def delete_access_code(self, info: Info, input: DeleteAccessCodeInput) -> DeleteAccessCodeResult:
        code = await info.context.services.access_codes.delete(info.context.caller(), as_mapping(input))
        return DeleteAccessCodePayload(access_code=AccessCode.of(code))
