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
from services.attempts import Attempt
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

    def public(self, handle: Callable[[Request, Attempt], Awaitable[Response]]) -> Endpoint:
        """A route for everyone: the attempt is counted first, malformed or not, and its answer tells the count."""

        async def endpoint(request: Request) -> Response:
            attempt = await self.services.attempts.count(self.authenticator.anonymous(request))
            try:
                answer = await handle(request, attempt)
            except Exception as fault:
                answer = failure(fault)
            answer.headers.update(attempt.headers)
            return answer

        return endpoint

    def signed_in(
        self, handle: Callable[[Request, Principal], Awaitable[Response]], *, changes_by_get: bool = False
    ) -> Endpoint:
        """A route for users and admins; whose thing it is, the verb judges.

        `changes_by_get` marks a documented GET that changes state, which a cookie alone may not do across sites.
        """

        async def endpoint(request: Request) -> Response:
            principal = self.authenticator.principal(request, changes_by_get=changes_by_get)
            principal.require_signed_in()
            return await handle(request, principal)

        return endpoint

    def admin(self, handle: Callable[[Request, Principal], Awaitable[Response]]) -> Endpoint:
        """A route for admins, judged before the body is read."""

        async def for_admin(request: Request, principal: Principal) -> Response:
            principal.require_admin()
            return await handle(request, principal)

        return self.signed_in(for_admin)

    def admins_only(self, app: ASGIApp) -> ASGIApp:
        """Everything below needs an admin, unknown paths included."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            principal = self.authenticator.principal(HTTPConnection(scope), query_key=True)
            principal.require_admin()
            scope.setdefault("state", {})["principal"] = principal
            await app(scope, receive, send)

        return guarded


def principal_of(request: Request) -> Principal:
    """The caller that a guard has let through."""
    principal: Principal = request.state.principal
    return principal


def resource(path: str, **endpoints: Endpoint) -> Route:
    """One path with all its methods, so that a wrong method is answered with every right one."""

    async def dispatch(request: Request) -> Response:
        return await endpoints[request.method if request.method in endpoints else "GET"](request)

    return Route(path, dispatch, methods=list(endpoints))


def query_of(request: Request) -> dict[str, list[str]]:
    """Every query parameter with all its values."""
    return parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
