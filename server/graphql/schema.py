"""Tessera's schema: served by the view, printed by `tessera schema`."""

import orjson
from graphql import build_schema, is_abstract_type

from resolvers.problems import PROBLEM_HANDLERS
from resolvers.root import Mutation, Query, Subscription
from schema.scalars import SCALARS
from server.graphql.engine import TesseraEngine
from server.metrics.api import ApiMetrics


def tessera_schema(
    *, request_timeout: float = 30.0, open_tools: bool = False, metrics: ApiMetrics | None = None
) -> TesseraEngine:
    """Returns the whole API. `request_timeout` is in seconds; with `open_tools` introspection is for everyone."""
    return TesseraEngine(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        exception_handlers=PROBLEM_HANDLERS,
        scalars=SCALARS,
        request_timeout=request_timeout,
        open_tools=open_tools,
        metrics=metrics,
    )


def print_sdl() -> str:
    """Returns the schema definition, ending with a line break; the same text for the same schema."""
    return tessera_schema().as_str() + "\n"


def print_possible_types() -> str:
    """Returns the object types of each union and interface as JSON, ending with a line break: what caches match by."""
    schema = build_schema(print_sdl())
    abstract = filter(is_abstract_type, schema.type_map.values())
    found = {one.name: sorted(member.name for member in schema.get_possible_types(one)) for one in abstract}
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE).decode()
