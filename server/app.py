"""The ASGI application, put together from settings. Making it opens no socket; its lifespan opens and closes all."""

import gc
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, WebSocketRoute

from graphql_engine.manifest import operation_names
from models.principal import Principal
from models.values.origins import LOCAL_ORIGIN
from resolvers.context import Context
from rest.routes import routes as rest_routes
from server.access_log import LogSettings, Pseudonyms, RequestLog
from server.application import Application
from server.authentication import Authenticator
from server.console import console_routes
from server.draining import DRAIN, Drain
from server.graphiql.examples import example_texts
from server.graphql.routes import graphql_routes
from server.health import health_routes
from server.metrics.api import ApiMetrics
from server.metrics.serving import REGISTRY
from server.middleware import Guard
from server.openapi import openapi_routes
from server.protocol import BOUNDS, Bounds
from server.reference.pages import page_routes
from server.settings import Settings
from server.sockets import DirectWebSockets
from services.kit.instruments.start import open_tracing
from services.kit.instruments.tracing import Tracing
from services.kit.tasks import end
from services.migrations.runner import prepare
from services.registry import Services

if TYPE_CHECKING:
    from server.fetched_keys import FetchedKeys

log = logging.getLogger("tessera")

EXPOSED_HEADERS = (
    "allow",
    "content-disposition",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "www-authenticate",
    "x-request-id",
)
"""What pages of other origins may read of an answer's headers."""


def create_app(settings: Settings) -> Starlette:
    """The whole of it: REST, GraphQL, the console and health, over one set of verbs."""
    metrics = _open_metrics(settings)
    tracing = open_tracing(settings.otel_exporter_otlp_endpoint, "tessera-api")
    services, drain = _open_services(settings, metrics, traces=tracing is not None), Drain()
    fetched = _fetched_keys(settings)
    authenticator = Authenticator(settings, services.admin_keys.live, fetched=fetched)

    def make_context(_: HTTPConnection, principal: Principal) -> Context:
        return Context(services, principal)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        looking = await prepare(services.database, usage_hold=settings.usage_hold)
        if not settings.events_enabled:
            log.warning("KAFKA_URI is not set: no event is written or read")
        # What start-up made lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        if fetched is not None:
            fetched.start()
        yield {DRAIN: drain, BOUNDS: _bounds(settings), REGISTRY: metrics.registry}
        if looking is not None:
            await end(looking)
        for part in (fetched, services, tracing):
            if part is not None:
                await part.close()

    routes = [
        *rest_routes,
        *graphql_routes(settings, authenticator, make_context, metrics, drain, tracing),
        *health_routes,
        *openapi_routes,
        *page_routes,
        *console_routes,
    ]
    app = Application(routes, _middleware(settings, metrics, tracing, routes), lifespan)
    app.state = State({"services": services, "authenticator": authenticator, "drain": drain, "metrics": metrics})
    return app


def _open_metrics(settings: Settings) -> ApiMetrics:
    registry = CollectorRegistry()
    return ApiMetrics(registry, operation_names([*settings.trusted_manifest.values(), *example_texts()]))


def _open_services(settings: Settings, metrics: ApiMetrics, *, traces: bool) -> Services:
    return Services.open(
        mongo_uri=settings.mongo_uri,
        database_name=settings.database,
        mongo_driver=settings.mongo_driver,
        rate_limit=settings.rate_limit,
        events_enabled=settings.events_enabled,
        usage_hold=settings.usage_hold,
        activity_days=settings.activity_days,
        # What each round trip takes is measured where somebody may look: it costs a little.
        metrics=None if settings.metrics_port is None else metrics.work,
        traces=traces,
    )


def _fetched_keys(settings: Settings) -> "FetchedKeys | None":
    if settings.jwks_url is None:
        return None
    from server.fetched_keys import FetchedKeys

    return FetchedKeys(settings.jwks_url, settings.jwks_refresh)


def _log_settings(settings: Settings, tracing: Tracing | None) -> LogSettings:
    return LogSettings(Pseudonyms(settings.admin_key), settings.slow_request / 1000, tracing)


def _bounds(settings: Settings) -> Bounds:
    """Of a connection. Twice the limit of a head: what lies between is refused by the application, with a reason."""
    return Bounds(2 * settings.header_limit, settings.receive_timeout, settings.idle_timeout)


def _middleware(
    settings: Settings, metrics: ApiMetrics, tracing: Tracing | None, routes: Sequence[BaseRoute]
) -> list[Middleware]:
    sockets = {route.path: route.app for route in routes if isinstance(route, WebSocketRoute)}
    around = [
        Middleware(RequestLog, metrics=metrics, settings=_log_settings(settings, tracing)),
        Middleware(DirectWebSockets, endpoints=sockets),
        Middleware(Guard, head_limit=settings.header_limit, body_limit=settings.body_limit),
    ]
    if settings.cors_origins or settings.open_tools:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            # Front ends under development are served from a port of their own, which their tools choose.
            allow_origin_regex=LOCAL_ORIGIN.pattern if settings.open_tools else None,
            allow_credentials="*" not in settings.cors_origins,
            # Which origins may call is settled by the list; a header that nothing reads is no reason to refuse them.
            allow_headers=["*"],
            allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
            allow_private_network="*" not in settings.cors_origins,
            expose_headers=EXPOSED_HEADERS,
        )
        around.insert(2, cors)
    return around
