"""JSON bodies, read strictly: the right content type, one object, no duplicate keys, nothing that is not JSON."""

import json
from typing import TypeVar

from starlette.requests import Request

from models.errors import DomainError, FieldError, InvalidInput
from models.inputs import Input, parse
from models.sent import RefusedCommand
from models.values.media_types import require_json
from models.values.money import from_json_fraction
from models.values.strict_json import DoubledKey, parse_json
from services.kit.instruments.trail import passed

MALFORMED = "Request body must be valid JSON"
NO_OBJECT = "Request body must be a JSON object"

Shape = TypeVar("Shape", bound=Input)


_decoder = json.JSONDecoder(parse_float=from_json_fraction)


async def read_json(request: Request) -> dict[str, object]:
    """The body as an object; raises `InvalidInput` (400) or `UnsupportedMediaType` (415)."""
    require_json(request.headers.getlist("content-type"), request.headers.getlist("content-encoding"))
    raw = await request.body()
    passed("received")
    try:
        parse_json(raw)
        # Read a second time, because orjson rounds fractions to binary ones.
        body = _decoder.decode(raw.decode())
    except DoubledKey as doubled:
        raise InvalidInput([FieldError(doubled.key or "", str(doubled))]) from None
    except (ValueError, RecursionError):
        raise InvalidInput.of("", MALFORMED) from None
    if not isinstance(body, dict):
        raise InvalidInput.of("", NO_OBJECT)
    return body


async def read_command(request: Request, shape: type[Shape]) -> Shape:
    """The body as a command; raises as `read_json` does, and `InvalidInput` with every fault of its fields."""
    return parse(shape, await read_json(request))


async def read_optional_json(request: Request) -> dict[str, object]:
    """The same, where nothing at all may be sent too."""
    return await read_json(request) if await request.body() else {}


async def read_sent_command(request: Request, shape: type[Shape]) -> Shape | RefusedCommand:
    """The body as a command, or the refusal that it has earned, for a verb that judges the caller first."""
    try:
        return await read_command(request, shape)
    except DomainError as refusal:
        return RefusedCommand(refusal)
