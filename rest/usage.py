"""The paths of usage followers, under `/api/usageFollower`.

An answer shows a follower's maps with the users it is about: that one user where a count moved, so that a follower of a
million users answers as quickly as an empty one, and all of them to the admin who changes or deletes it.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from models.base import to_json
from models.errors import InvalidInput
from models.inputs import parse
from models.principal import Role
from models.sent import RefusedCommand, read_for_user
from models.usage import commands
from models.usage.follower import (
    Availability,
    FollowerKey,
    KeyKind,
    UsageSnapshot,
)
from models.values.ids import either_id, require_object_id
from rest.access import admin, caller_of, resource, services_of, signed_in
from rest.body import read_command, read_json, read_optional_json
from rest.envelope import JSONAnswer
from rest.openapi import usage as told
from rest.openapi.description import described

BASE = "/api/usageFollower"


@described(told.CHECK)
@signed_in(Role.ADMIN)
async def check(request: Request) -> Response:
    grant = await services_of(request).usage.check(
        caller_of(request), read_for_user(commands.CheckUsage, await read_json(request))
    )
    return JSONAnswer(grant.granted)


@described(told.ADD)
@signed_in(Role.ADMIN)
async def add(request: Request) -> Response:
    return _followers(
        await services_of(request).usage.add(
            caller_of(request), read_for_user(commands.MoveUsage, await read_json(request))
        )
    )


@described(told.REMOVE)
@signed_in(Role.SUPPORT)
async def remove(request: Request) -> Response:
    return _followers(
        await services_of(request).usage.remove(
            caller_of(request), read_for_user(commands.MoveUsage, await read_json(request))
        )
    )


@described(told.REDEEM)
@signed_in(Role.ADMIN)
async def redeem(request: Request) -> Response:
    return _follower(
        await services_of(request).usage.redeem(
            caller_of(request), read_for_user(commands.RedeemUsage, await read_json(request))
        )
    )


@described(told.GET_AVAILABILITY)
@signed_in(Role.VIEWER)
async def get_availability(request: Request) -> Response:
    body = read_for_user(commands.AskedUser, await read_optional_json(request))
    found = await services_of(request).usage.get_availability(
        caller_of(request), _asked(request.path_params["id"], body)
    )
    return JSONAnswer(_availability(found))


@described(told.CREATE)
@admin(Role.ADMIN)
async def create(request: Request) -> Response:
    return _follower(
        await services_of(request).usage.create(
            caller_of(request), await read_command(request, commands.CreateUsageFollower)
        ),
        status=201,
    )


@described(told.UPDATE)
@admin(Role.ADMIN)
async def update(request: Request) -> Response:
    body = await read_json(request)
    updated = await services_of(request).usage.update(
        caller_of(request), commands.UpdateUsageFollower(_key(request), parse(commands.FollowerChange, body))
    )
    return _follower(await services_of(request).usage.with_all_usages(caller_of(request), updated))


@described(told.DELETE)
@admin(Role.ADMIN)
async def delete(request: Request) -> Response:
    return _follower(
        await services_of(request).usage.delete(caller_of(request), commands.DeleteUsageFollower(_key(request)))
    )


routes = [
    resource(f"{BASE}/check-availability", POST=check),
    resource(f"{BASE}/add-usage", POST=add),
    resource(f"{BASE}/remove-usage", POST=remove),
    resource(f"{BASE}/redeem-follower", POST=redeem),
    resource(f"{BASE}/get-availability/{{id}}", POST=get_availability),
    resource(f"{BASE}/create-follower", POST=create),
    resource(f"{BASE}/update-follower/{{usageFollowerId}}", PATCH=update),
    resource(f"{BASE}/delete-follower/{{usageFollowerId}}", DELETE=delete),
]


def _key(request: Request) -> FollowerKey:
    identifier = either_id("UsageFollower", "usageFollowerId", request.path_params["usageFollowerId"])
    return FollowerKey(KeyKind.FOLLOWER, identifier)


def _asked(identifier: str, body: commands.AskedUser | RefusedCommand) -> commands.GetAvailability | RefusedCommand:
    """The whole question; what is wrong with the id is said after what is wrong with the body."""
    if isinstance(body, RefusedCommand):
        return body
    try:
        return commands.GetAvailability(id=require_object_id("campaignId", identifier), user_id=body.user_id)
    except InvalidInput as refusal:
        return RefusedCommand(refusal, body.user_id)


def _follower(snapshot: UsageSnapshot, *, status: int = 200) -> Response:
    return JSONAnswer(_shown(snapshot), status_code=status)


def _followers(snapshots: Sequence[UsageSnapshot]) -> Response:
    """The bare follower where one was named, else a list of them in the order they were named."""
    if len(snapshots) == 1:
        return _follower(snapshots[0])
    return JSONAnswer([_shown(snapshot) for snapshot in snapshots])


def _shown(snapshot: UsageSnapshot) -> dict[str, object]:
    """A follower as its document shows it, with the maps of the users that the answer is about."""
    follower = to_json(snapshot.follower)
    held = {usage.user_id: usage.open_hold(snapshot.at) for usage in snapshot.usages}
    return {name: follower[name] for name in told.SHOWN} | {
        "userUsageCount": {usage.user_id: usage.used for usage in snapshot.usages},
        "tempUsageCount": {user_id: number for user_id, number in held.items() if number},
    }


def _availability(found: Availability) -> dict[str, object]:
    shown = to_json(found)
    del shown["follower"], shown["userId"]
    return found.follower.target | shown
