"""WebSockets that cost little while nothing happens on them: a worker holds thousands, most of them silent."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

_OPEN = asyncio.Event()
"""Of every connection that can be written to; nobody waits for it."""
_OPEN.set()


class _Messages(asyncio.Queue["ASGIReceiveEvent"]):
    """A queue for one reader, without the three that wait in asyncio's own."""

    def __init__(self) -> None:
        self._messages: deque[ASGIReceiveEvent] | None = None
        self._reader: asyncio.Future[None] | None = None

    @override
    def empty(self) -> bool:
        return not self._messages

    @override
    def put_nowait(self, item: "ASGIReceiveEvent") -> None:
        if self._messages is None:
            self._messages = deque()
        self._messages.append(item)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    @override
    async def get(self) -> "ASGIReceiveEvent":
        while not self._messages:
            self._messages = None
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._messages.popleft()


class LeanWebSocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's, without what only a connection under way needs."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.queue = _Messages()
        self.writable = _OPEN

    @override
    def pause_writing(self) -> None:
        self.writable = asyncio.Event()

    @override
    def resume_writing(self) -> None:
        self.writable.set()
        self.writable = _OPEN

    @override
    async def send(self, message: "ASGISendEvent") -> None:
        text = message.get("text")
        if isinstance(text, str) and not self.disconnected and self.writable is _OPEN and self.conn.state is State.OPEN:
            self.transport.write(_frame(text.encode()))
            return
        await super().send(message)
        if message["type"] == "websocket.accept":
            # The handshake is over; of the request's headers the scope has a copy.
            for ended in (self.request, self.response):
                ended.headers.clear()
            del self.response


def _frame(text: bytes) -> bytes:
    """A message in one frame, as a server sends it (RFC 6455, section 5.2), without the detour over an object."""
    size = len(text)
    if size < 126:
        return b"\x81%c%b" % (size, text)
    if size < 65_536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), text)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), text)


class DirectWebSockets:
    """Leads WebSockets of these paths straight to their applications.

    What lies between is for HTTP, and would keep a stack of coroutines for each connection as long as it lasts.
    """

    def __init__(self, app: ASGIApp, endpoints: dict[str, ASGIApp]) -> None:
        self.app = app
        self.endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self.endpoints.get(scope["path"]) if scope["type"] == "websocket" else None
        await (direct or self.app)(scope, receive, send)
