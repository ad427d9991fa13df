"""The routes of GraphQL: the view at `/graphql`, and the files of GraphiQL."""

import asyncio

from starlette.routing import BaseRoute, Route, WebSocketRoute

from server.authentication import Authenticator
from server.graphiql import graphiql_assets
from server.graphql.schema import tessera_schema
from server.graphql.view import GraphQLView, MakeContext
from server.metrics.api import ApiMetrics
from server.settings import Settings

PATH = "/graphql"


def graphql_routes(
    settings: Settings,
    authenticator: Authenticator,
    make_context: MakeContext,
    metrics: ApiMetrics,
    draining: asyncio.Event,
) -> list[BaseRoute]:
    """Returns the routes of GraphQL; the view handles every method and every WebSocket at its path.

    Event streams of subscriptions end when `draining` is set.
    """
    schema = tessera_schema(request_timeout=settings.request_timeout, open_tools=settings.open_tools, metrics=metrics)
    schema.draining = draining
    view = GraphQLView(schema, settings=settings, authenticator=authenticator, make_context=make_context)
    return [*graphiql_assets, Route(PATH, view), WebSocketRoute(PATH, view)]
