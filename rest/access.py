"""Who may call a route: decorators that judge the caller before anything of the request is read."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial, wraps
from typing import Protocol
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from models.principal import Principal, Role
from rest.envelope import failure
from rest.idempotency import is_keyed, once_per_key
from rest.openapi.description import Access, open_to
from rest.paths import decoded
from rest.request import WholeRequest
from services.kit.instruments.trail import passed
from services.kit.rate_limit import Permit
from services.registry import Services

Endpoint = Callable[[Request], Awaitable[Response]]


class Authenticates(Protocol):
    """Who is calling, by the credentials of a connection."""

    def anonymous(self, connection: HTTPConnection) -> Principal: ...

    async def principal(
        self, connection: HTTPConnection, *, query_key: bool = False, changes_by_get: bool = False
    ) -> Principal: ...


def services_of(request: HTTPConnection) -> Services:
    """The verbs of the application."""
    services: Services = request.app.state.services
    return services


def caller_of(request: Request) -> Principal:
    """The caller that the route has let through."""
    principal: Principal = request.scope["state"]["principal"]
    return principal


def permit_of(request: Request) -> Permit:
    """The permit of a public route, whose hit may still be counted."""
    permit: Permit = request.scope["state"]["permit"]
    return permit


def public(handle: Endpoint) -> Endpoint:
    """A route for everyone: each request is a hit, malformed or not, and its answer tells the count and waits for it.

    What only reads goes on meanwhile. An `Idempotency-Key` is looked at once the hit is counted.
    """

    @wraps(handle)
    async def endpoint(request: Request) -> Response:
        permit = services_of(request).rate_limit.hit(_authenticator(request).anonymous(request))
        request.scope["state"]["permit"] = permit
        try:
            if is_keyed(request):
                await permit
                answer = await _once(request, permit.principal, handle)
            else:
                answer = await handle(request)
        except Exception as fault:
            answer = failure(fault)
        answer.raw_headers.extend((await permit).stats.raw_headers)
        passed("counted")
        return answer

    return open_to(Access("limited"), endpoint)


def signed_in(role: Role, *, changes_by_get: bool = False) -> Callable[[Endpoint], Endpoint]:
    """A route for users, and for admins of this role; whose thing it is, the verb judges.

    `changes_by_get` is for a documented GET that changes state, which a cookie alone may not do across sites.
    """
    judge = partial(Principal.require_signed_in, role=role)
    return partial(_judged, judge, Access("signed in", role, changes_by_get))


def admin(role: Role) -> Callable[[Endpoint], Endpoint]:
    """A route for admins of this role, judged before the body is read."""
    return partial(_judged, partial(Principal.require_role, role=role), Access("admin", role))


class AdminsOnly:
    """Everything below needs an admin of some role, unknown paths included; each route says of which."""

    def __init__(self, router: Router) -> None:
        self._app = router

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes below, so that they can be walked."""
        return self._app.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        scope["state"]["principal"] = await _authenticator(request).principal(request, query_key=True)
        caller_of(request).require_role(Role.VIEWER)
        await self._app(scope, receive, send)


class _Dispatch:
    """Responds to each method by its endpoint, which finds the path's parameters decoded."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = {"HEAD": endpoints["GET"], **endpoints} if "GET" in endpoints else endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = scope["path_params"]
        if given:
            scope["path_params"] = {name: decoded(segment) for name, segment in given.items()}
        answer = await self._endpoints[scope["method"]](WholeRequest(scope, receive, send))
        await answer(scope, receive, send)


class Resource(Route):
    """One path with an endpoint for each of its methods, so that a wrong method is answered with every right one."""

    def __init__(self, path: str, endpoints: Mapping[str, Endpoint]) -> None:
        super().__init__(path, _Dispatch(endpoints), methods=list(endpoints), name=path)
        self.endpoints = endpoints


def resource(path: str, *, get_changes: bool = False, **endpoints: Endpoint) -> Resource:
    """A path with its methods.

    HEAD is GET without its body, so there is none (405) where `get_changes` marks a documented GET that changes state.
    """
    route = Resource(path, endpoints)
    if get_changes and route.methods is not None:
        route.methods.discard("HEAD")
    return route


def query_of(request: Request) -> dict[str, list[str]]:
    """All query parameters. Bytes that are no UTF-8 become half surrogates, which no text holds."""
    query = request.scope["query_string"].decode(errors="surrogateescape")
    return parse_qs(query, keep_blank_values=True, errors="surrogateescape")


def _judged(judge: Callable[[Principal], None], access: Access, handle: Endpoint) -> Endpoint:
    changes_by_get = access.changes_by_get

    @wraps(handle)
    async def endpoint(request: Request) -> Response:
        if "principal" not in request.scope["state"]:  # Below `AdminsOnly` it is known who calls.
            authenticator = _authenticator(request)
            caller = await authenticator.principal(request, changes_by_get=changes_by_get)
            request.scope["state"]["principal"] = caller
            passed("authenticated")
        judge(caller_of(request))
        return await (_once(request, caller_of(request), handle) if is_keyed(request) else handle(request))

    return open_to(access, endpoint)


async def _once(request: Request, caller: Principal, handle: Endpoint) -> Response:
    """The answer of a change with an `Idempotency-Key`: the first answer of the key."""
    return await once_per_key(services_of(request).idempotency, request, caller, partial(handle, request))


def _authenticator(request: HTTPConnection) -> Authenticates:
    authenticator: Authenticates = request.app.state.authenticator
    return authenticator
