"""The OpenAPI document of all paths, at `/openapi.json`."""

import json
from functools import cache
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rest.openapi.document import openapi_document
from rest.routes import admin_routes, public_routes
from server import __version__
from server.assets import ASK_AGAIN, Asset, answer
from server.health import health_routes

ROUTES = {"": [*public_routes, *health_routes], "/admin": admin_routes}
"""What the document tells of, by the prefix that it is under."""


@cache
def openapi() -> dict[str, Any]:
    """The document, made once."""
    return openapi_document(ROUTES, __version__)


def openapi_text() -> str:
    """The document as it is kept in `openapi.json`."""
    return json.dumps(openapi(), indent=2, ensure_ascii=False) + "\n"


@cache
def _asset() -> Asset:
    return Asset.of("application/json", orjson.dumps(openapi()))


async def serve_openapi(request: Request) -> Response:
    """GET and HEAD of the document."""
    return answer(request, await run_in_threadpool(_asset), ASK_AGAIN)


openapi_routes: list[BaseRoute] = [Route("/openapi.json", serve_openapi)]
