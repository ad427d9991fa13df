"""Around every request: limits, and a last resort."""

import logging
import sys
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import DomainError, HeadersTooLarge, PayloadTooLarge, UriTooLong
from rest.envelope import failure
from rest.paths import routed
from server.protocol import CUT_SHORT
from server.scopes import header
from services.connection import unusable
from services.logs import unexpected

log = logging.getLogger("tessera")

MAX_HEADERS = 128


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
            declared = header(self._scope, b"content-length") or b"0"
            if not declared.isdigit() or int(declared) > self._limit:
                raise PayloadTooLarge()
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self._limit:
            raise PayloadTooLarge()
        if message.get("more_body") and CUT_SHORT in self._scope["state"]:
            raise self._scope["state"][CUT_SHORT]
        return message


def _telling_why(send: Send) -> Send:
    async def send_reason(message: Message) -> None:
        # It is sent while the exception is handled; by itself it would bring the traceback.
        fault = sys.exc_info()[1]
        if message["type"] == "lifespan.startup.failed" and fault is not None:
            if (reason := unusable(fault)) is not None:
                message["message"] = reason
            elif not log.isEnabledFor(logging.DEBUG):
                message["message"] = unexpected(fault)
        await send(message)

    return send_reason
