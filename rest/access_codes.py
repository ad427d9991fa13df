"""The paths of access codes: `/api/access-code/…`, `/admin/access-code…`, `/admin/access-codes`."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from models.access_code import AccessCode, ListAccessCodes
from models.inputs import parse_query
from models.instants import iso
from rest.access import caller_of, permit_of, public, query_of, resource, services_of
from rest.body import read_json
from rest.envelope import failure, pagination, success
from services.access_codes.documents import access_code_to_json, usage_to_json


@public
async def validate(request: Request) -> Response:
    try:
        code = await services_of(request).access_codes.validate(permit_of(request), request.path_params)
    except Exception as fault:
        return failure(fault, valid=False)
    data = {
        "description": code.description,
        "expiresAt": iso(code.expires_at),
        "remainingUses": code.remaining_uses,
        "usedCount": code.used_count,
    }
    return success(data, message="Access code is valid", valid=True)


@public
async def redeem(request: Request) -> Response:
    code = await services_of(request).access_codes.redeem(await permit_of(request), await read_json(request))
    data = {"description": code.description, "active": code.active}
    return success(data, message="Access code redeemed successfully")


@public
async def of_user(request: Request) -> Response:
    uses = await services_of(request).access_codes.redemptions(permit_of(request), request.path_params)
    shown = [
        {
            "code": use.code,
            "description": use.description,
            "expiresAt": iso(use.expires_at),
            "createdAt": iso(use.created_at),
        }
        for use in uses
    ]
    return success({"hasRedeemedAccessCode": bool(shown), "accessCodes": shown})


async def create(request: Request) -> Response:
    code = await services_of(request).access_codes.create(caller_of(request), await read_json(request))
    shown = {
        "code": code.code,
        "description": code.description,
        "maxUses": code.max_uses,
        "expiresAt": iso(code.expires_at),
        "active": code.active,
    }
    return success({"accessCode": shown}, status=201)


async def list_codes(request: Request) -> Response:
    caller, wanted = caller_of(request), parse_query(ListAccessCodes, query_of(request))
    page = await services_of(request).access_codes.list_page(caller, wanted)
    uses = await services_of(request).access_codes.uses_of(caller, page.items)
    shown = [access_code_to_json(code, uses[code.id]) for code in page.items]
    return success({"accessCodes": shown, "pagination": pagination(page)})


async def get(request: Request) -> Response:
    caller = caller_of(request)
    code = await services_of(request).access_codes.get(caller, request.path_params)
    uses = await services_of(request).access_codes.uses_of(caller, [code])
    shown = access_code_to_json(code, uses[code.id]) | {
        "stats": usage_to_json(services_of(request).access_codes.usage(code))
    }
    del shown["_id"]  # The document's details have every field of its lists but this one.
    return success({"accessCode": shown})


async def delete(request: Request) -> Response:
    await services_of(request).access_codes.delete(caller_of(request), request.path_params)
    return success(message="Access code deleted successfully")


async def activate(request: Request) -> Response:
    code = await services_of(request).access_codes.switch(caller_of(request), request.path_params, active=True)
    return success(_switch_of(code), message="Access code activated successfully")


async def deactivate(request: Request) -> Response:
    code = await services_of(request).access_codes.switch(caller_of(request), request.path_params, active=False)
    return success(_switch_of(code), message="Access code deactivated successfully")


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
            "mostUsedCode": most_used
            and {
                "code": most_used.code,
                "description": most_used.description,
                "usedCount": most_used.used_count,
                "maxUses": most_used.max_uses,
            },
        }
    )


routes = [
    resource("/access-code/validate/{code}", GET=validate),
    resource("/access-code/redeem", POST=redeem),
    resource("/access-code/user/{username}", GET=of_user),
]


admin_routes = [
    resource("/access-code", POST=create),
    resource("/access-codes", GET=list_codes),
    resource("/access-code-stats", GET=stats),
    resource("/access-code/{code}", GET=get, DELETE=delete),
    resource("/access-code/{code}/activate", PATCH=activate),
    resource("/access-code/{code}/deactivate", PATCH=deactivate),
]


def _switch_of(code: AccessCode) -> dict[str, Any]:
    return {"code": code.code, "active": code.active}
