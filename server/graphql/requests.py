"""What a client asks by HTTP: which media type it takes, and the query, variables and operation name it sent."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from starlette.requests import Request

from graphql_engine.persisted import names_document
from models.errors import InvalidInput, MethodNotAllowed
from models.values.media_types import JSON, require_json
from models.values.strict_json import DoubledKey, MalformedJSON, parse_json
from server.scopes import values

GRAPHQL_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
METHODS = ("GET", "HEAD", "POST")
NAMES = ("query", "variables", "operationName", "extensions")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the `Accept` header asks for."""

    media_type: str = JSON
    """Of the JSON answer: the newer `application/graphql-response+json` only where it is preferred by name."""
    stream: bool = False
    """Server-sent events stand first: many clients list them last for every query, and mean JSON."""
    page: bool = False
    """A browser that shows what it gets."""


@lru_cache(256)
def negotiate(accept: bytes) -> Accepted:
    """Reads an `Accept` header. What names nothing that is served gets JSON, as does a missing one."""
    listed = [_media_range(part) for part in accept.decode("latin-1").lower().split(",") if part.strip()]
    names = [name for name, quality in sorted(listed, key=lambda one: -one[1]) if quality > 0]
    served = {JSON: JSON, GRAPHQL_JSON: GRAPHQL_JSON, "application/*": JSON, "*/*": JSON}
    media_type = next((served[name] for name in names if name in served), JSON)
    return Accepted(media_type, stream=names[:1] == [EVENT_STREAM], page="text/html" in names)


def _media_range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
    try:
        return name, float(quality)
    except ValueError:
        return name, 1.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a GraphQL request, of the right JSON types."""

    query: str | None
    """None where `extensions` name the document."""
    variables: dict[str, object] | None = None
    operation_name: str | None = None
    extensions: dict[str, object] | None = None


async def read_request(request: Request) -> Parameters:
    """Returns the parameters of a GET (or the HEAD of one) or a POST.

    Raises `MethodNotAllowed`, `UnsupportedMediaType` and `InvalidInput`.
    """
    if request.method in ("GET", "HEAD"):
        return _shaped(_query_parameters(request))
    if request.method != "POST":
        raise MethodNotAllowed(METHODS)
    require_json(values(request.scope, b"content-type"), values(request.scope, b"content-encoding"))
    return _shaped(decode(await request.body(), "The body"))


def decode(raw: bytes, what: str) -> object:
    """Returns strict JSON, decoded. Raises `InvalidInput`, naming `what` or the key that is doubled in it."""
    try:
        return parse_json(raw)
    except MalformedJSON:
        raise InvalidInput.of("", f"{what} must be valid JSON") from None
    except DoubledKey as doubled:
        raise InvalidInput.of(doubled.key or "", str(doubled)) from None


def _query_parameters(request: Request) -> dict[str, object]:
    given: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name not in NAMES:
            continue
        if name in given:
            raise InvalidInput.of(name, f"{name} must be given once")
        given[name] = value
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = decode(given[name].encode(), name) if given[name] else None
    return given


def _shaped(given: object) -> Parameters:
    if isinstance(given, list):
        raise InvalidInput.of("", "Batches are not served; send one operation at a time")
    if not isinstance(given, dict):
        raise InvalidInput.of("", "The body must be a JSON object")
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    extensions = given.get("extensions")
    if not isinstance(query, str) and (query is not None or not names_document(extensions)):
        raise InvalidInput.of("query", "query is required and must be a string")
    if variables is not None and not isinstance(variables, dict):
        raise InvalidInput.of("variables", "variables must be an object or null")
    if name is not None and not isinstance(name, str):
        raise InvalidInput.of("operationName", "operationName must be a string or null")
    if extensions is not None and not isinstance(extensions, dict):
        raise InvalidInput.of("extensions", "extensions must be an object or null")
    return Parameters(query, variables, name, extensions)
