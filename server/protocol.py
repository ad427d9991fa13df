"""HTTP/1.1 on a connection: uvicorn's protocol by httptools, with bounds on the size and the time of a request.

What comes whole and in order passes as it is; the application then judges its size, with a reason in the answer. Here
ends what never comes whole: a head or a chunk without end, a request that is sent too slowly, a connection that is
opened and left.
"""

import asyncio
import sys
from asyncio import TimerHandle
from dataclasses import dataclass
from typing import Any

import orjson
from httptools import HttpRequestParser
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS

from models.errors import (
    DomainError,
    HeadersTooLarge,
    InvalidInput,
    MethodNotAllowed,
    PayloadTooLarge,
    RequestTimedOut,
    UriTooLong,
)
from server.draining import DRAIN, Drain

BOUNDS = "bounds"
"""The name of the `Bounds` in the application's state."""
CUT_SHORT = "cut_short"
"""The name, in the state of a request's scope, of the refusal because of which no more of its body comes."""
DRAIN_SECONDS = 3.0
"""How long a half-sent body may go on when the drain begins."""
LINGER_SECONDS = 1.0
LINE_FRAMING = 64
"""Bytes that a line of a head has besides a name and a value, or a path, at most."""
CLOSE = (b"connection", b"close")
FRAMING = 8
"""Bytes of framing that are allowed for each byte of a body: chunks of one byte have five."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one connection: `head` in bytes, the others in seconds.

    A head between half of `head` and `head` is for the application to refuse. `receive` is from the first byte of a
    request to its last, `idle` for a connection between requests and before the first.
    """

    head: int = 65_536
    receive: float = 20.0
    idle: float = 65.0


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Bounds and the drain are in the state that the application's lifespan has made."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._bounds: Bounds = self.app_state.get(BOUNDS) or Bounds()
        self._drain: Drain | None = self.app_state.get(DRAIN)
        self._receiving = False
        """Whether a request has begun and not all of it has come."""
        self._in_head = False
        self._one_ended = False
        """Whether a request ended in the bytes that are being read."""
        self._received = 0
        """Bytes of the request that is being received, of which `_of_body` are its body."""
        self._of_body = 0
        self._deadline: TimerHandle | None = None
        self._data = b""
        """What is being read."""
        self._upgraded = self._lingering = False

    @property
    def _answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request.
        return cycle is not None and not cycle.response_complete

    @property
    def _over(self) -> bool:
        """Whether no more requests are read here."""
        return self._upgraded or self._lingering or self.transport.is_closing()

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self._bounds.idle, self.timeout_keep_alive_handler)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end_deadline()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        self._one_ended, self._data = False, data
        super().data_received(data)
        self._data = b""
        if (self._receiving or not self._answering) and not self._over:
            self._judge(len(data))

    def _judge(self, length: int) -> None:
        """What has come is not a whole request: bound its size and its time."""
        if self._receiving:
            if not self._one_ended:
                self._received += length
            if self._received - self._of_body > self._bounds.head + FRAMING * self._of_body:
                self._cut_short(self._too_large())
                return
        elif self._one_ended:
            return  # It came whole, and its answer has gone out already.
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._bounds.receive, self._time_out)

    def _too_large(self) -> DomainError:
        if not self._in_head:
            return PayloadTooLarge()
        return UriTooLong() if len(self.url) > self._bounds.head // 2 else HeadersTooLarge()

    def _time_out(self) -> None:
        self._deadline = None
        if not self._receiving:  # Nothing but line ends has come.
            self.transport.close()
            return
        if self.flow.read_paused:  # It is we who are slow.
            self._deadline = self.loop.call_later(self._bounds.receive, self._time_out)
            return
        self._cut_short(RequestTimedOut())

    def _cut_short(self, refusal: DomainError) -> None:
        """No more of this request is read: the application answers where it waits for the body, else we do."""
        self._end_deadline()
        if not self._receiving or self._in_head:
            self._refuse(refusal)
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self.cycle.scope["state"][CUT_SHORT] = refusal
            self.cycle.keep_alive = False
            self.cycle.message_event.set()

    def _refuse(self, refusal: DomainError) -> None:
        """Answer a request that has no application yet, and close. While another is being answered, only close."""
        if self._answering:
            self.transport.close()
        else:
            told = {"status": "error", "message": refusal.message, "code": refusal.code, **refusal.data}
            body = orjson.dumps(told)
            headers = [
                *self.server_state.default_headers,
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"connection", b"close"),
            ]
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
            self.transport.write(STATUS_LINE[refusal.status] + lines + b"\r\n" + body)
            self._linger()

    def _linger(self) -> None:
        """Close when the client has had time to read: a close at once, while it still sends, can take the answer."""
        self._lingering = True
        self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    @override
    def send_400_response(self, msg: str) -> None:
        self._cut_short(InvalidInput.of("", msg.rstrip(".")))

    @override
    def handle_websocket_upgrade(self) -> None:
        self._receiving = False
        self._end_deadline()
        longest = max(len(self.url), *(len(name) + len(value) for name, value in self.headers))
        if longest > MAX_LINE_LENGTH - LINE_FRAMING or len(self.headers) > MAX_NUM_HEADERS:
            # The library of WebSockets would not take the handshake, and leave the client waiting.
            self._refuse(HeadersTooLarge())
            return
        self._upgraded = True
        super().handle_websocket_upgrade()

    @override
    def _unsupported_upgrade_warning(self) -> None:
        """Another protocol was offered, such as HTTP/2: the request goes on in HTTP/1.1, body and all."""
        stopped = sys.exc_info()[1]
        method = self.parser.get_method()
        if method == b"CONNECT" or stopped is None:
            self._refuse(MethodNotAllowed(("GET", "HEAD", "POST", "PATCH", "DELETE")))
            return
        offer = (b"upgrade", b"connection", b"http2-settings")
        lines = [method + b" " + self.url + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in self.headers if name not in offer]
        self.parser = HttpRequestParser(self)
        super().data_received(b"\r\n".join(lines) + b"\r\n\r\n" + self._data[stopped.args[0] :])

    @override
    def on_message_begin(self) -> None:
        self._receiving = self._in_head = True
        self._received = self._of_body = 0
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        if self._offers_another_protocol():
            return
        super().on_headers_complete()
        self._in_head = False
        if not self.parser.should_upgrade():
            if self._drain is not None and self._drain.leaving:
                # The next request of this client finds another process.
                self.cycle.default_headers = [*self.cycle.default_headers, CLOSE]
            # What comes after the body is no header of the request.
            self.headers = []

    @override
    def on_body(self, body: bytes) -> None:
        self._of_body += len(body)
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        if self._offers_another_protocol():
            return
        self._receiving = False
        self._one_ended = True
        self._end_deadline()
        super().on_message_complete()

    def _offers_another_protocol(self) -> bool:
        """Whether an upgrade is asked for that is none to WebSocket; the parser stops after such a head."""
        return self.parser.should_upgrade() and not self._should_upgrade()

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    @override
    def shutdown(self) -> None:
        """The drain begins: streams end, a half-sent body has a moment left, and what only waits is closed at once."""
        if self._drain is not None:
            self._drain.begin()
        if self._receiving and self._answering:
            self._end_deadline()
            self._deadline = self.loop.call_later(min(DRAIN_SECONDS, self._bounds.receive), self._time_out)
        super().shutdown()
