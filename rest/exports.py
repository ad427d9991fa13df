"""The path of exports: `/admin/export/:name`, streamed at the speed at which the client reads."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from models.exports import ExportFormat, read_export
from models.principal import Role
from rest.access import admin, caller_of, query_of, resource, services_of
from rest.openapi import exports as told
from rest.openapi.description import described
from services.exports.families import FAMILIES, Family
from services.exports.service import Piece

STALLED_SECONDS = 300.0
"""A client that takes nothing for so long is cut off, so that it keeps no other from exporting."""
MEDIA_TYPES = {ExportFormat.CSV: "text/csv", ExportFormat.NDJSON: "application/x-ndjson"}

log = logging.getLogger("tessera.rest")


class StreamedExport(StreamingResponse):
    """The pieces of an export, of which the first was read before the answer began, so that a refusal still is one.

    Where a later one cannot be had, or is not taken in time, the exception leaves the body unended: the server then
    closes the connection, and no client takes the part for the whole. Whatever ends it closes the pieces.
    """

    def __init__(self, first: Piece, pieces: AsyncGenerator[Piece, None], name: str, form: ExportFormat) -> None:
        headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"}
        super().__init__(self._texts(first), headers=headers, media_type=f"{MEDIA_TYPES[form]}; charset=utf-8")
        self._pieces = pieces
        self._name = name
        self._rows = 0

    async def _texts(self, first: Piece) -> AsyncGenerator[str, None]:
        yield first.text
        self._rows = first.rows
        async for piece in self._pieces:
            yield piece.text
            self._rows += piece.rows

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(STALLED_SECONDS):
                await send(message)

        async with aclosing(self._pieces):
            await super().__call__(scope, receive, send_in_time)

    @override
    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        except BaseException as fault:
            # It is cancelled where the client goes.
            log.warning("export broken off", extra={"export": self._name, "rows": self._rows, "reason": repr(fault)})
            raise


async def _export(family: Family[Any, Any], request: Request) -> Response:
    query = query_of(request)
    query.pop("adminKey", None)
    wanted = read_export(family.filter, query)
    pieces = services_of(request).exports.write(caller_of(request), family, wanted)
    first = await anext(pieces, Piece(""))
    answer = StreamedExport(first, pieces, family.name, wanted.options.format)
    if request.method != "HEAD":
        return answer
    # As many rows as there are would be read for a body that nobody gets.
    await pieces.aclose()
    return Response(headers=answer.headers)


def _route(family: Family[Any, Any]) -> BaseRoute:
    handle = admin(Role.VIEWER)(partial(_export, family))
    return resource(f"/export/{family.name}", GET=described(told.export_of(family))(handle))


admin_routes = [_route(family) for family in FAMILIES.values()]
