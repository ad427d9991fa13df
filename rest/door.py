"""The REST door: every route passes it, and it says who calls before anything of the request is read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from models.principal import Principal
from rest.envelope import failure
from rest.idempotency import answered_by, is_keyed, once_per_key
from rest.paths import decoded
from services.kit.rate_limit import PermitToRead, RateLimitPermit
from services.registry import Services

Endpoint = Callable[[Request], Awaitable[Response]]


class Authenticates(Protocol):
    """Who is calling, by the credentials of a connection."""

    def anonymous(self, connection: HTTPConnection) -> Principal: ...

    def principal(
        self, connection: HTTPConnection, *, query_key: bool = False, changes_by_get: bool = False
    ) -> Principal: ...


@dataclass(frozen=True, slots=True)
class Door:
    """The verbs and the authentication that routes are made with."""

    services: Services
    authenticator: Authenticates

    def public(self, handle: Callable[[Request, RateLimitPermit], Awaitable[Response]]) -> Endpoint:
        """A route for everyone: each request is a hit, malformed or not, and its answer tells the count."""

        async def endpoint(request: Request) -> Response:
            permit = await self.services.rate_limit.hit(self.authenticator.anonymous(request))
            try:
                answer = await self._once(request, permit.principal, lambda: handle(request, permit))
            except Exception as fault:
                answer = failure(fault)
            answer.raw_headers.extend(permit.stats.raw_headers)
            return answer

        return endpoint

    def public_read(self, handle: Callable[[Request, PermitToRead], Awaitable[Response]]) -> Endpoint:
        """The same for what changes nothing: it runs while its hit is counted, and its answer waits for that."""

        async def endpoint(request: Request) -> Response:
            permit = self.services.rate_limit.hit(self.authenticator.anonymous(request))
            try:
                answer = await handle(request, permit)
            except Exception as fault:
                answer = failure(fault)
            answer.raw_headers.extend((await permit).stats.raw_headers)
            return answer

        return endpoint

    def signed_in(
        self, handle: Callable[[Request, Principal], Awaitable[Response]], *, changes_by_get: bool = False
    ) -> Endpoint:
        """A route for users and admins; whose thing it is, the verb judges.

        `changes_by_get` marks a documented GET that changes state, which a cookie alone may not do across sites.
        """

        return self._judged(handle, Principal.require_signed_in, changes_by_get=changes_by_get)

    def admin(self, handle: Callable[[Request, Principal], Awaitable[Response]]) -> Endpoint:
        """A route for admins, judged before the body is read."""
        return self._judged(handle, Principal.require_admin)

    def _judged(
        self,
        handle: Callable[[Request, Principal], Awaitable[Response]],
        judge: Callable[[Principal], None],
        *,
        changes_by_get: bool = False,
    ) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            principal = self.authenticator.principal(request, changes_by_get=changes_by_get)
            judge(principal)
            return await self._once(request, principal, lambda: handle(request, principal))

        return endpoint

    def admins_only(self, app: ASGIApp) -> ASGIApp:
        """Everything below needs an admin, unknown paths included."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            principal = self.authenticator.principal(HTTPConnection(scope), query_key=True)
            principal.require_admin()
            scope.setdefault("state", {})["principal"] = principal
            request = Request(scope, receive)
            if is_keyed(request):
                app_answer = await self._once(request, principal, lambda: answered_by(app, request))
                await app_answer(scope, receive, send)
            else:
                await app(scope, receive, send)

        return guarded

    async def _once(self, request: Request, caller: Principal, respond: Callable[[], Awaitable[Response]]) -> Response:
        """The answer of a route; of a change with an `Idempotency-Key`, the first answer of the key."""
        if not is_keyed(request):
            return await respond()
        return await once_per_key(self.services.idempotency, request, caller, respond)


def principal_of(request: Request) -> Principal:
    """The caller that a guard has let through."""
    principal: Principal = request.state.principal
    return principal


def resource(path: str, *, get_changes: bool = False, **endpoints: Endpoint) -> Route:
    """One path with all its methods, so that a wrong method is answered with every right one.

    HEAD is GET without its body, so there is none (405) where `get_changes` marks a documented GET that changes state.
    An endpoint finds the path's parameters decoded.
    """

    async def dispatch(request: Request) -> Response:
        given = request.path_params
        request.scope["path_params"] = {name: decoded(segment) for name, segment in given.items()}
        return await endpoints[request.method if request.method in endpoints else "GET"](request)

    route = Route(path, dispatch, methods=list(endpoints))
    if get_changes and route.methods is not None:
        route.methods.discard("HEAD")
    return route


def query_of(request: Request) -> dict[str, list[str]]:
    """All query parameters. Bytes that are no UTF-8 become half surrogates, which no text holds."""
    query = request.scope["query_string"].decode(errors="surrogateescape")
    return parse_qs(query, keep_blank_values=True, errors="surrogateescape")
