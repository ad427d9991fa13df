"""The paths of access codes: `/api/access-code/…`, `/admin/access-code…`, `/admin/access-codes`."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from models.access_codes.access_code import (
    AccessCode,
    AccessCodeUse,
    ActivateAccessCode,
    CreateAccessCode,
    DeactivateAccessCode,
    DeleteAccessCode,
    GetAccessCode,
    ListAccessCodes,
    ListRedemptions,
    RedeemAccessCode,
)
from models.base import to_json
from models.inputs import parse, parse_query
from models.principal import Role
from models.sent import read_by_name
from rest.access import admin, caller_of, permit_of, public, query_of, resource, services_of
from rest.body import read_command, read_json
from rest.envelope import failure, fields_of, pagination, success
from rest.openapi import access_codes as told
from rest.openapi.description import described


@described(told.VALIDATE)
@public
async def validate(request: Request) -> Response:
    try:
        wanted = parse(GetAccessCode, request.path_params)
        code = await services_of(request).access_codes.validate(permit_of(request), wanted)
    except Exception as fault:
        return failure(fault, valid=False)
    more = {"remainingUses": code.remaining_uses, "usedCount": code.used_count}
    data = fields_of(code, "description", "expiresAt") | more
    return success(data, message="Access code is valid", valid=True)


@described(told.REDEEM)
@public
async def redeem(request: Request) -> Response:
    sent = read_by_name(RedeemAccessCode, await read_json(request))
    code = await services_of(request).access_codes.redeem(permit_of(request), sent)
    return success(fields_of(code, "description", "active"), message="Access code redeemed successfully")


@described(told.OF_USER)
@public
async def of_user(request: Request) -> Response:
    wanted = parse(ListRedemptions, request.path_params)
    uses = await services_of(request).access_codes.list_redemptions(permit_of(request), wanted)
    shown = [fields_of(use, "code", "description", "expiresAt", "createdAt") for use in uses]
    return success({"hasRedeemedAccessCode": bool(shown), "accessCodes": shown})


@described(told.CREATE)
@admin(Role.ADMIN)
async def create(request: Request) -> Response:
    command = await read_command(request, CreateAccessCode)
    code = await services_of(request).access_codes.create(caller_of(request), command)
    shown = fields_of(code, "code", "description", "maxUses", "expiresAt", "active")
    return success({"accessCode": shown}, status=201)


@described(told.LIST_CODES)
@admin(Role.VIEWER)
async def list_codes(request: Request) -> Response:
    caller, wanted = caller_of(request), parse_query(ListAccessCodes, query_of(request))
    page = await services_of(request).access_codes.list_page(caller, wanted)
    uses = await services_of(request).access_codes.uses_of(caller, page.items)
    shown = [_shown(code, uses[code.id]) for code in page.items]
    return success({"accessCodes": shown, "pagination": pagination(page)})


@described(told.GET)
@admin(Role.VIEWER)
async def get(request: Request) -> Response:
    caller, access_codes = caller_of(request), services_of(request).access_codes
    code = await access_codes.get(caller, parse(GetAccessCode, request.path_params))
    uses = await access_codes.uses_of(caller, [code])
    shown = _shown(code, uses[code.id]) | {"stats": to_json(access_codes.usage(code))}
    del shown["_id"]  # The document's details have every field of its lists but this one.
    return success({"accessCode": shown})


@described(told.DELETE)
@admin(Role.ADMIN)
async def delete(request: Request) -> Response:
    command = parse(DeleteAccessCode, request.path_params)
    await services_of(request).access_codes.delete(caller_of(request), command)
    return success(message="Access code deleted successfully")


@described(told.ACTIVATE)
@admin(Role.SUPPORT)
async def activate(request: Request) -> Response:
    command = parse(ActivateAccessCode, request.path_params)
    code = await services_of(request).access_codes.activate(caller_of(request), command)
    return success(fields_of(code, "code", "active"), message="Access code activated successfully")


@described(told.DEACTIVATE)
@admin(Role.SUPPORT)
async def deactivate(request: Request) -> Response:
    command = parse(DeactivateAccessCode, request.path_params)
    code = await services_of(request).access_codes.deactivate(caller_of(request), command)
    return success(fields_of(code, "code", "active"), message="Access code deactivated successfully")


@described(told.STATS)
@admin(Role.VIEWER)
async def stats(request: Request) -> Response:
    found = await services_of(request).access_codes.stats(caller_of(request))
    most_used = found.most_used
    return success(
        {
            "totalAccessCodes": found.total,
            "activeAccessCodes": found.active,
            "expiredAccessCodes": found.expired,
            "fullyUsedAccessCodes": found.fully_used,
            "totalUsages": found.total_usages,
            "mostUsedCode": most_used and fields_of(most_used, "code", "description", "usedCount", "maxUses"),
        }
    )


routes = [
    resource("/api/access-code/validate/{code}", GET=validate),
    resource("/api/access-code/redeem", POST=redeem),
    resource("/api/access-code/user/{username}", GET=of_user),
]


admin_routes = [
    resource("/access-code", POST=create),
    resource("/access-codes", GET=list_codes),
    resource("/access-code-stats", GET=stats),
    resource("/access-code/{code}", GET=get, DELETE=delete),
    resource("/access-code/{code}/activate", PATCH=activate),
    resource("/access-code/{code}/deactivate", PATCH=deactivate),
]


def _shown(code: AccessCode, uses: Sequence[AccessCodeUse]) -> dict[str, object]:
    """A code as the access code document shows it in lists."""
    shown = to_json(code) | {"usedBy": [fields_of(use, "twitterId", "username", "redeemedAt") for use in uses]}
    del shown["updatedAt"], shown["batch"], shown["isPublic"]  # Of none of them the document knows.
    return shown
