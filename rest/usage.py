"""The paths of usage followers, under `/api/usageFollower`.

An answer shows a follower's maps with the users it is about: that one user where a count moved, so that a follower of a
million users answers as quickly as an empty one, and all of them to the admin who changes or deletes it.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from models.principal import Principal
from models.usage import Followed
from rest.bodies import read_json, read_optional_json
from rest.door import Door, resource
from rest.envelope import JSONAnswer
from services.usage.documents import availability_to_json, followed_to_json

BASE = "/usageFollower"


def usage_routes(door: Door) -> list[BaseRoute]:
    usage = door.services.usage

    async def check(request: Request, principal: Principal) -> Response:
        return JSONAnswer((await usage.check(principal, await read_json(request))).granted)

    async def add(request: Request, principal: Principal) -> Response:
        return _followers(await usage.add(principal, await read_json(request)))

    async def remove(request: Request, principal: Principal) -> Response:
        return _followers(await usage.remove(principal, await read_json(request)))

    async def redeem(request: Request, principal: Principal) -> Response:
        return _follower(await usage.redeem(principal, await read_json(request)))

    async def get_availability(request: Request, principal: Principal) -> Response:
        identifier, asked = request.path_params["id"], await read_optional_json(request)
        return JSONAnswer(availability_to_json(await usage.get_availability(principal, identifier, asked)))

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
        return _follower(await usage.create(principal, await read_json(request)), status=201)

    async def update(request: Request, principal: Principal) -> Response:
        identifier = request.path_params["usageFollowerId"]
        updated = await usage.update(principal, identifier, await read_json(request), path="usageFollowerId")
        return _follower(await usage.with_all_usages(principal, updated))

    async def delete(request: Request, principal: Principal) -> Response:
        return _follower(await usage.delete(principal, request.path_params["usageFollowerId"], path="usageFollowerId"))

    return [
        resource(f"{BASE}/create-follower", POST=door.admin(create)),
        resource(f"{BASE}/update-follower/{{usageFollowerId}}", PATCH=door.admin(update)),
        resource(f"{BASE}/delete-follower/{{usageFollowerId}}", DELETE=door.admin(delete)),
    ]


def _follower(followed: Followed, *, status: int = 200) -> Response:
    return JSONAnswer(followed_to_json(followed), status_code=status)


def _followers(followed: Sequence[Followed]) -> Response:
    """The bare follower where one was named, else a list of them in the order they were named."""
    if len(followed) == 1:
        return _follower(followed[0])
    return JSONAnswer([followed_to_json(one) for one in followed])
