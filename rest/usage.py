"""The paths of usage followers, under `/api/usageFollower`.

An answer shows a follower's maps with the users it is about: that one user where a count moved, so that a follower of a
million users answers as quickly as an empty one, and all of them to the admin who changes or deletes it.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from models.usage import Followed
from rest.access import admin, caller_of, resource, services_of, signed_in
from rest.body import read_json, read_optional_json
from rest.envelope import JSONAnswer
from services.usage.documents import availability_to_json, followed_to_json

BASE = "/usageFollower"


@signed_in
async def check(request: Request) -> Response:
    return JSONAnswer((await services_of(request).usage.check(caller_of(request), await read_json(request))).granted)


@signed_in
async def add(request: Request) -> Response:
    return _followers(await services_of(request).usage.add(caller_of(request), await read_json(request)))


@signed_in
async def remove(request: Request) -> Response:
    return _followers(await services_of(request).usage.remove(caller_of(request), await read_json(request)))


@signed_in
async def redeem(request: Request) -> Response:
    return _follower(await services_of(request).usage.redeem(caller_of(request), await read_json(request)))


@signed_in
async def get_availability(request: Request) -> Response:
    identifier, asked = request.path_params["id"], await read_optional_json(request)
    return JSONAnswer(
        availability_to_json(await services_of(request).usage.get_availability(caller_of(request), identifier, asked))
    )


@admin
async def create(request: Request) -> Response:
    return _follower(await services_of(request).usage.create(caller_of(request), await read_json(request)), status=201)


@admin
async def update(request: Request) -> Response:
    identifier = request.path_params["usageFollowerId"]
    updated = await services_of(request).usage.update(
        caller_of(request), identifier, await read_json(request), path="usageFollowerId"
    )
    return _follower(await services_of(request).usage.with_all_usages(caller_of(request), updated))


@admin
async def delete(request: Request) -> Response:
    return _follower(
        await services_of(request).usage.delete(
            caller_of(request), request.path_params["usageFollowerId"], path="usageFollowerId"
        )
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


def _follower(followed: Followed, *, status: int = 200) -> Response:
    return JSONAnswer(followed_to_json(followed), status_code=status)


def _followers(followed: Sequence[Followed]) -> Response:
    """The bare follower where one was named, else a list of them in the order they were named."""
    if len(followed) == 1:
        return _follower(followed[0])
    return JSONAnswer([followed_to_json(one) for one in followed])
