"""Who may call a route: decorators that judge the caller before anything of the request is read."""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Protocol
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from models.principal import Principal
from rest.envelope import failure
from rest.idempotency import answered_by, is_keyed, once_per_key
from rest.paths import decoded
from services.kit.rate_limit import PendingPermit
from services.registry import Services

Endpoint = Callable[[Request], Awaitable[Response]]


class Authenticates(Protocol):
    """Who is calling, by the credentials of a connection."""

    def anonymous(self, connection: HTTPConnection) -> Principal: ...

    def principal(
        self, connection: HTTPConnection, *, query_key: bool = False, changes_by_get: bool = False
    ) -> Principal: ...


def services_of(request: HTTPConnection) -> Services:
    """The verbs of the application."""
    services: Services = request.app.state.services
    return services


def caller_of(request: Request) -> Principal:
    """The caller that the route has let through."""
    principal: Principal = request.state.principal
    return principal


def permit_of(request: Request) -> PendingPermit:
    """The permit of a public route, whose hit may still be counted."""
    permit: PendingPermit = request.state.permit
    return permit


def public(handle: Endpoint) -> Endpoint:
    """A route for everyone: each request is a hit, malformed or not, and its answer tells the count and waits for it.

    What only reads goes on meanwhile. An `Idempotency-Key` is looked at once the hit is counted.
    """

    @wraps(handle)
    async def endpoint(request: Request) -> Response:
        permit = services_of(request).rate_limit.hit(_authenticator(request).anonymous(request))
        request.state.permit = permit
        try:
            if is_keyed(request):
                await permit
            answer = await _once(request, permit.principal, partial(handle, request))
        except Exception as fault:
            answer = failure(fault)
        answer.raw_headers.extend((await permit).stats.raw_headers)
        return answer

    return endpoint


def signed_in(handle: Endpoint) -> Endpoint:
    """A route for users and admins; whose thing it is, the verb judges."""
    return _judged(handle, Principal.require_signed_in)


def signed_in_to_change(handle: Endpoint) -> Endpoint:
    """The same for a documented GET that changes state, which a cookie alone may not do across sites."""
    return _judged(handle, Principal.require_signed_in, changes_by_get=True)


def admin(handle: Endpoint) -> Endpoint:
    """A route for admins, judged before the body is read."""
    return _judged(handle, Principal.require_admin)


class AdminsOnly:
    """Everything below needs an admin, unknown paths included; an `Idempotency-Key` holds for all of it."""

    def __init__(self, router: Router) -> None:
        self._app = router

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes below, so that they can be walked."""
        return self._app.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        principal = _authenticator(request).principal(request, query_key=True)
        principal.require_admin()
        request.state.principal = principal
        if is_keyed(request):
            answer = await _once(request, principal, partial(answered_by, self._app, request))
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def resource(path: str, *, get_changes: bool = False, **endpoints: Endpoint) -> Route:
    """One path with all its methods, so that a wrong method is answered with every right one.

    HEAD is GET without its body, so there is none (405) where `get_changes` marks a documented GET that changes state.
    An endpoint finds the path's parameters decoded.
    """
    route = Route(path, partial(_dispatch, endpoints), methods=list(endpoints))
    if get_changes and route.methods is not None:
        route.methods.discard("HEAD")
    return route


def query_of(request: Request) -> dict[str, list[str]]:
    """All query parameters. Bytes that are no UTF-8 become half surrogates, which no text holds."""
    query = request.scope["query_string"].decode(errors="surrogateescape")
    return parse_qs(query, keep_blank_values=True, errors="surrogateescape")


def _judged(handle: Endpoint, judge: Callable[[Principal], None], *, changes_by_get: bool = False) -> Endpoint:
    @wraps(handle)
    async def endpoint(request: Request) -> Response:
        principal = _authenticator(request).principal(request, changes_by_get=changes_by_get)
        judge(principal)
        request.state.principal = principal
        return await _once(request, principal, partial(handle, request))

    return endpoint


async def _dispatch(endpoints: dict[str, Endpoint], request: Request) -> Response:
    given = request.path_params
    request.scope["path_params"] = {name: decoded(segment) for name, segment in given.items()}
    return await endpoints[request.method if request.method in endpoints else "GET"](request)


async def _once(request: Request, caller: Principal, respond: Callable[[], Awaitable[Response]]) -> Response:
    """The answer of a route; of a change with an `Idempotency-Key`, the first answer of the key."""
    if not is_keyed(request):
        return await respond()
    return await once_per_key(services_of(request).idempotency, request, caller, respond)


def _authenticator(request: HTTPConnection) -> Authenticates:
    authenticator: Authenticates = request.app.state.authenticator
    return authenticator
