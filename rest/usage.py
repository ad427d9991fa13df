"""The paths of usage followers, under `/api/usageFollower`.

An answer shows a follower's maps with the users it is about: that one user where a count moved, so that a follower of a
million users answers as quickly as an empty one, and all of them to the admin who changes or deletes it.
"""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from models import usage_commands as commands
from models.base import to_json
from models.errors import InvalidInput
from models.ids import either_id, require_object_id
from models.inputs import parse
from models.principal import Principal
from models.usage import Availability, FollowerKey, KeyKind, UsageSnapshot
from rest.bodies import read_command, read_json, read_optional_json
from rest.door import Door, resource
from rest.envelope import JSONAnswer

BASE = "/usageFollower"
SHOWN = ("_id", "couponId", "campaignId", "maxLimitInBasket", "maxTotalLimit", "maxLimitPerCustomer", "totalUsageCount")


def usage_routes(door: Door) -> list[BaseRoute]:
    usage = door.services.usage

    async def check(request: Request, principal: Principal) -> Response:
        grant = await usage.check(principal, commands.read_for_user(commands.CheckUsage, await read_json(request)))
        return JSONAnswer(grant.granted)

    async def add(request: Request, principal: Principal) -> Response:
        return _followers(
            await usage.add(principal, commands.read_for_user(commands.MoveUsage, await read_json(request)))
        )

    async def remove(request: Request, principal: Principal) -> Response:
        return _followers(
            await usage.remove(principal, commands.read_for_user(commands.MoveUsage, await read_json(request)))
        )

    async def redeem(request: Request, principal: Principal) -> Response:
        return _follower(
            await usage.redeem(principal, commands.read_for_user(commands.RedeemUsage, await read_json(request)))
        )

    async def get_availability(request: Request, principal: Principal) -> Response:
        body = commands.read_for_user(commands.AskedUser, await read_optional_json(request))
        found = await usage.get_availability(principal, _asked(request.path_params["id"], body))
        return JSONAnswer(_availability(found))

    return [
        resource(f"{BASE}/check-availability", POST=door.signed_in(check)),
        resource(f"{BASE}/add-usage", POST=door.signed_in(add)),
        resource(f"{BASE}/remove-usage", POST=door.signed_in(remove)),
        resource(f"{BASE}/redeem-follower", POST=door.signed_in(redeem)),
        resource(f"{BASE}/get-availability/{{id}}", POST=door.signed_in(get_availability)),
        *_admin_routes(door),
    ]


def _admin_routes(door: Door) -> list[BaseRoute]:
    usage = door.services.usage

    async def create(request: Request, principal: Principal) -> Response:
        return _follower(
            await usage.create(principal, await read_command(request, commands.CreateUsageFollower)), status=201
        )

    async def update(request: Request, principal: Principal) -> Response:
        body = await read_json(request)
        updated = await usage.update(
            principal, commands.UpdateUsageFollower(_key(request), parse(commands.LimitChange, body))
        )
        return _follower(await usage.with_all_usages(principal, updated))

    async def delete(request: Request, principal: Principal) -> Response:
        return _follower(await usage.delete(principal, commands.DeleteUsageFollower(_key(request))))

    return [
        resource(f"{BASE}/create-follower", POST=door.admin(create)),
        resource(f"{BASE}/update-follower/{{usageFollowerId}}", PATCH=door.admin(update)),
        resource(f"{BASE}/delete-follower/{{usageFollowerId}}", DELETE=door.admin(delete)),
    ]


def _key(request: Request) -> FollowerKey:
    identifier = either_id("UsageFollower", "usageFollowerId", request.path_params["usageFollowerId"])
    return FollowerKey(KeyKind.FOLLOWER, identifier)


def _asked(
    identifier: str, body: commands.AskedUser | commands.RefusedCommand
) -> commands.GetAvailability | commands.RefusedCommand:
    """The whole question; what is wrong with the id is said after what is wrong with the body."""
    if isinstance(body, commands.RefusedCommand):
        return body
    try:
        return commands.GetAvailability(id=require_object_id("campaignId", identifier), user_id=body.user_id)
    except InvalidInput as refusal:
        return commands.RefusedCommand(body.user_id, refusal)


def _follower(snapshot: UsageSnapshot, *, status: int = 200) -> Response:
    return JSONAnswer(_shown(snapshot), status_code=status)


def _followers(snapshots: Sequence[UsageSnapshot]) -> Response:
    """The bare follower where one was named, else a list of them in the order they were named."""
    if len(snapshots) == 1:
        return _follower(snapshots[0])
    return JSONAnswer([_shown(snapshot) for snapshot in snapshots])


def _shown(snapshot: UsageSnapshot) -> dict[str, Any]:
    """A follower as its document shows it, with the maps of the users that the answer is about."""
    follower = to_json(snapshot.follower)
    held = {usage.user_id: usage.open_hold(snapshot.at) for usage in snapshot.usages}
    return {name: follower[name] for name in SHOWN} | {
        "userUsageCount": {usage.user_id: usage.used for usage in snapshot.usages},
        "tempUsageCount": {user_id: number for user_id, number in held.items() if number},
    }


def _availability(found: Availability) -> dict[str, Any]:
    shown = to_json(found)
    del shown["follower"]
    return found.follower.target | shown
