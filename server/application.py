"""Starlette with the shortest way to a route: for a coupon that is looked up, the way is most of what it costs."""

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send
from typing_extensions import override


class Application(Starlette):
    """Starlette without its two layers for exceptions, because `Guard` catches all of them, and with `PathRouter`."""

    def __init__(
        self, routes: Sequence[BaseRoute], middleware: Sequence[Middleware], lifespan: Lifespan[Any] | None = None
    ) -> None:
        super().__init__(middleware=middleware)
        self.router = PathRouter(routes, lifespan=lifespan, redirect_slashes=False)

    @override
    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = self.router.app
        for layer, arguments, named in reversed(self.user_middleware):
            app = layer(app, *arguments, **named)
        return app


class PathRouter(Router):
    """Finds the route of a path without parameters at once, and the others by trying one after another."""

    @override
    def __init__(self, routes: Sequence[BaseRoute], **named: Any) -> None:
        super().__init__(routes, **named)
        plain = [route for route in routes if isinstance(route, Route) and not route.param_convertors]
        self._plain = {route.path: route for route in reversed(plain)}

    @override
    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._plain.get(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            await super().app(scope, receive, send)
            return
        scope.update(router=self, route=route, endpoint=route.endpoint, path_params={})
        await route.handle(scope, receive, send)
