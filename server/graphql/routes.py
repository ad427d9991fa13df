"""The routes of GraphQL: the view at `/graphql`, and the files of GraphiQL."""

from starlette.routing import BaseRoute, Route, WebSocketRoute

from server.authentication import Authenticator
from server.draining import Drain
from server.graphiql import graphiql_assets
from server.graphql.schema import tessera_schema
from server.graphql.view import GraphQLView, MakeContext
from server.metrics.api import ApiMetrics
from server.settings import Settings
from services.kit.instruments.tracing import Tracing

PATH = "/graphql"


def graphql_routes(
    settings: Settings,
    authenticator: Authenticator,
    make_context: MakeContext,
    metrics: ApiMetrics,
    drain: Drain,
    tracing: Tracing | None = None,
) -> list[BaseRoute]:
    """Returns the routes of GraphQL; the view handles every method and every WebSocket at its path.

    Live connections are told to go elsewhere by `drain`.
    """
    schema = tessera_schema(request_timeout=settings.request_timeout, open_tools=settings.open_tools, metrics=metrics)
    view = GraphQLView(schema, settings=settings, authenticator=authenticator, make_context=make_context, drain=drain)
    view.tracing = tracing
    return [*graphiql_assets, Route(PATH, view), WebSocketRoute(PATH, view)]
