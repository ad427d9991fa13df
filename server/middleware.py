"""Around every request: an id, a line in the access log (without query and secrets), limits, a last resort."""

import logging
import random
import re
import sys
import time
from collections.abc import Awaitable
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import DomainError, HeadersTooLarge, PayloadTooLarge, UriTooLong
from models.principal import Principal
from models.values.card_numbers import mask_digits
from rest.envelope import failure
from rest.paths import routed
from server.metrics.api import ApiMetrics
from server.protocol import CUT_SHORT
from services.connection import unusable

log = logging.getLogger("tessera.access")

MAX_HEADERS = 128

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestLog:
    """Gives each request an id (`X-Request-ID`, the client's own when it sends a sane one) and logs its end."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = _header(scope, b"x-request-id")
        # An id keeps no secret, and the system's random source costs a switch of threads under load.
        request_id = given if given and _REQUEST_ID.fullmatch(given) else b"%016x" % random.getrandbits(64)
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        started, status, seconds = time.perf_counter(), 0, None

        def send_with_id(message: Message) -> Awaitable[None]:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.perf_counter() - started
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            return send(message)

        is_http = scope["type"] == "http"
        if not is_http:
            self.metrics.websockets.inc()
        try:
            await self.app(scope, receive, send_with_id)
        finally:
            if not is_http:
                self.metrics.websockets.dec()
            else:
                # An answer may be a stream without end, so it is its begin that is measured.
                self.metrics.request(scope, status, seconds or time.perf_counter() - started)
            if log.isEnabledFor(logging.INFO):
                _log_end(scope, status, time.perf_counter() - started)


def _log_end(scope: Scope, status: int, seconds: float) -> None:
    """Write the line of a request: without its query, because `adminKey` may stand there.

    It names the admin who called, where one did: transports leave the principal in the state of the scope.
    """
    state = scope["state"]
    fields = {
        "request_id": state["request_id"],
        "method": scope.get("method", "WEBSOCKET"),
        # A whole card number may stand there by mistake.
        "path": mask_digits(unquote(scope["path"])),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "client": (scope.get("client") or ("",))[0],
    }
    caller: Principal | None = state.get("principal")
    if caller is not None and caller.role is not None:
        fields["admin"] = mask_digits(caller.name)
    log.info("request", extra=fields)


class Guard:
    """Refuses requests that are too large, and answers in the shape of errors whatever a route lets escape: a database
    that is away, a mistake of ours.

    Of a head `head_limit` bytes are allowed, half of them for path and query, and of a body `body_limit`. Routes are
    found by the path as it was sent, so that an encoded slash divides no segment. A start that fails because of the
    database is told in a sentence.
    """

    def __init__(self, app: ASGIApp, head_limit: int, body_limit: int) -> None:
        self.app = app
        self.head_limit = head_limit
        self.body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, _telling_why(send))
            return
        if b"%" in scope["raw_path"]:
            scope["path"] = routed(scope["raw_path"])
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        if (refusal := self._judge_head(scope)) is not None:
            answer = failure(refusal)
            answer.headers["connection"] = "close"
            await answer(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self.body_limit)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception as fault:
            if exchange.answered:
                raise
            await failure(fault)(scope, receive, send)

    def _judge_head(self, scope: Scope) -> DomainError | None:
        line = len(scope["raw_path"]) + len(scope["query_string"])
        if line > self.head_limit // 2:
            return UriTooLong()
        headers = scope["headers"]
        if len(headers) > MAX_HEADERS or line + sum([len(n) + len(v) for n, v in headers]) > self.head_limit:
            return HeadersTooLarge()
        return None


class _Exchange:
    """A request whose body is read as far as it may be, and whether its answer has begun."""

    __slots__ = ("_limit", "_receive", "_received", "_scope", "_send", "answered")

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._received = 0
        self.answered = False

    def send(self, message: Message) -> Awaitable[None]:
        self.answered = True
        return self._send(message)

    async def receive(self) -> Message:
        """Returns what comes next of the body. A body over the limit is refused unread when its length is declared,
        else as soon as it passes it; one that the server has cut short, because the rest did not come in time, too.

        Raised to whoever reads the body, because each transport has its own shape of errors.
        """
        if not self._received:
            declared = _header(self._scope, b"content-length") or b"0"
            if not declared.isdigit() or int(declared) > self._limit:
                raise PayloadTooLarge()
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self._limit:
            raise PayloadTooLarge()
        if message.get("more_body") and CUT_SHORT in self._scope["state"]:
            raise self._scope["state"][CUT_SHORT]
        return message


def _header(scope: Scope, name: bytes) -> bytes:
    """Returns the first header of this name, or nothing: for one or two the dictionary of them all is not worth it."""
    for given, value in scope["headers"]:
        if given == name:
            found: bytes = value
            return found
    return b""


def _telling_why(send: Send) -> Send:
    async def send_reason(message: Message) -> None:
        # It is sent while the exception is handled; by itself it would bring the traceback.
        fault = sys.exc_info()[1]
        if message["type"] == "lifespan.startup.failed" and fault is not None and (reason := unusable(fault)):
            message["message"] = reason
        await send(message)

    return send_reason
