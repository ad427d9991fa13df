"""Around every request: an id, a line in the access log (without query and secrets), limits, a last resort."""

import logging
import random
import re
import sys
import time
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import DomainError, HeadersTooLarge, PayloadTooLarge, UriTooLong
from models.principal import Principal
from models.values.card_numbers import mask_digits
from rest.envelope import failure
from rest.paths import routed
from server.protocol import CUT_SHORT
from services.connection import unusable

log = logging.getLogger("tessera.access")

MAX_HEADERS = 128

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestLog:
    """Gives each request an id (`X-Request-ID`, the client's own when it sends a sane one) and logs its end.

    The line names the admin who called, where one did: transports leave the principal in the state of the scope.
    The path goes into the log without its query, because `adminKey` may stand there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        # An id keeps no secret, and the system's random source costs a switch of threads under load.
        request_id = given if given and _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            if log.isEnabledFor(logging.INFO):
                fields = {
                    "request_id": request_id,
                    "method": scope.get("method", "WEBSOCKET"),
                    # A whole card number may stand there by mistake.
                    "path": mask_digits(unquote(scope["path"])),
                    "status": status,
                    "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                    "client": (scope.get("client") or ("",))[0],
                }
                caller: Principal | None = scope["state"].get("principal")
                if caller is not None and caller.role is not None:
                    fields["admin"] = mask_digits(caller.name)
                log.info("request", extra=fields)


class Head:
    """Judges the size of a request's head (`limit` bytes; half of it for path and query), and puts its path in order.

    Routes are found by the path as it was sent, so that an encoded slash divides no segment.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            raw_path: bytes = scope["raw_path"]
            if b"%" in raw_path:
                scope["path"] = routed(raw_path)
            if scope["type"] == "http" and (refusal := self._judge(scope)) is not None:
                answer = failure(refusal)
                answer.headers["connection"] = "close"
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _judge(self, scope: Scope) -> DomainError | None:
        line = len(scope["raw_path"]) + len(scope["query_string"])
        if line > self.limit // 2:
            return UriTooLong()
        headers = scope["headers"]
        if len(headers) > MAX_HEADERS or line + sum([len(n) + len(v) for n, v in headers]) > self.limit:
            return HeadersTooLarge()
        return None


def _telling_why(send: Send) -> Send:
    async def send_reason(message: Message) -> None:
        # It is sent while the exception is handled; by itself it would bring the traceback.
        fault = sys.exc_info()[1]
        if message["type"] == "lifespan.startup.failed" and fault is not None and (reason := unusable(fault)):
            message["message"] = reason
        await send(message)

    return send_reason


class BodyLimit:
    """Refuses bodies over `limit` bytes: unread when their length is declared, else as soon as they pass it.

    What the server has cut short, because the rest did not come in time, is refused here too.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        too_large = not declared.isdecimal() or int(declared) > self.limit
        received = 0

        async def receive_within_limit() -> Message:
            # Raised to whoever reads the body, because each transport has its own shape of errors.
            nonlocal received
            if too_large:
                raise PayloadTooLarge()
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                raise PayloadTooLarge()
            if message.get("more_body") and CUT_SHORT in scope["state"]:
                raise scope["state"][CUT_SHORT]
            return message

        await self.app(scope, receive_within_limit, send)


class ErrorMiddleware:
    """Whatever a route lets escape (a database that is away, a mistake of ours) is answered in the shape of errors.

    A start that fails because of the database is told in a sentence.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, _telling_why(send) if scope["type"] == "lifespan" else send)
            return
        started = False

        async def send_and_tell(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_tell)
        except Exception as fault:
            if started:
                raise
            await failure(fault)(scope, receive, send)
