"""The line that each request leaves in the log, without query and secrets, and what is counted of it."""

import logging
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.principal import Principal
from models.values.card_numbers import mask_digits
from server.metrics.api import UNANSWERED, ApiMetrics, Ended, method_of, template_of
from server.scopes import header
from services.kit.instruments.metrics import DONE
from services.kit.instruments.tracing import SPAN, Span, Tracing
from services.kit.instruments.trail import TRAIL, Trail

log = logging.getLogger("tessera.access")

CODE, ASKED, TRACE = "code", "asked", "trace"
"""The names, in the state of a scope, of the code of a refusal, of what knows which GraphQL operation has ended,
and of the id of the trace."""
LONGEST_NAME = 64

_LONG_NUMBER = re.compile("[0-9]{9,}")
"""What may be a card number, within a name, where numbers have no ends of their own."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACE = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Pseudonyms:
    """Names for users in the log: the same for the same user for as long as the secret stays, and no way back."""

    def __init__(self, secret: str) -> None:
        key = blake2b(secret.encode(), digest_size=32, person=b"tessera.log").digest()
        self.of: Callable[[str], str] = lru_cache(4_096)(
            lambda user: blake2b(user.encode(errors="surrogatepass"), digest_size=8, key=key).hexdigest()
        )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How users are named, after how many seconds a request is slow (0: none is), and what begins their traces."""

    pseudonyms: Pseudonyms
    slow: float = 0.0
    tracing: Tracing | None = None


class RequestLog:
    """Gives each request an id (`X-Request-ID`, the client's own when it sends a sane one), logs and counts its end."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics, settings: LogSettings) -> None:
        self.app = app
        self.metrics = metrics
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        # An id keeps no secret, and the system's random source costs a switch of threads under load.
        request_id = given if given and _REQUEST_ID.fullmatch(given) else b"%016x" % random.getrandbits(64)
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        if scope["type"] == "websocket":
            await self._live(scope, receive, send)
            return
        started, status, seconds = time.perf_counter(), 0, None
        trail = TRAIL.set(Trail()) if self.settings.slow else None
        span = None if self.settings.tracing is None else self._begin_span(scope, self.settings.tracing)

        def send_with_id(message: Message) -> Awaitable[None]:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.perf_counter() - started
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            return send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            if span is not None:
                self._end_span(scope, span, status)
            # An answer may be a stream without end, so it is its begin that is measured.
            seconds = seconds or time.perf_counter() - started
            self.metrics.request(scope, status, seconds)
            if trail is not None:
                self._tell_slow(scope, seconds)
                TRAIL.reset(trail)
            if log.isEnabledFor(logging.INFO):
                self._log_end(scope, status, time.perf_counter() - started)

    def _begin_span(self, scope: Scope, tracing: Tracing) -> Span | None:
        span = tracing.begin("HTTP", "server", header(scope, b"traceparent").decode("latin-1"))
        if span is not None:
            # Each request has a context of its own, which ends with it.
            SPAN.set(span)
            scope["state"][TRACE] = span.trace_id
        return span

    def _end_span(self, scope: Scope, span: Span, status: int) -> None:
        """Name the step by what was found to be asked: the template of the route, or a known GraphQL operation."""
        method, route = method_of(scope), template_of(scope)
        span.note(f"{method} {route}", http__request__method=method, http__route=route)
        span.note(http__response__status_code=status or UNANSWERED)
        ended: Ended | None = getattr(scope["state"].get(ASKED), "ended", None)
        if ended is not None:
            span.note(**self.metrics.step_of(ended))
        span.end(of_outcome(scope["state"]).get(CODE))

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: its begin and its end each have a line, and so has each of its operations."""
        started, code = time.perf_counter(), 1006
        fields = _of_connection(scope)

        def send_and_see(message: Message) -> Awaitable[None]:
            nonlocal code
            if message["type"] == "websocket.accept":
                log.info("websocket opened", extra=fields | self.of_caller(scope))
            elif message["type"] == "websocket.close":
                code = message.get("code") or 1000
            return send(message)

        async def receive_and_see() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code") or 1005
            return message

        self.metrics.websockets.inc()
        try:
            await self.app(scope, receive_and_see, send_and_see)
        finally:
            self.metrics.websockets.dec()
            took = round((time.perf_counter() - started) * 1000, 1)
            log.info("websocket closed", extra=fields | self.of_caller(scope) | {"code": code, "milliseconds": took})

    def _log_end(self, scope: Scope, status: int, seconds: float) -> None:
        """Write the line of a request."""
        fields = _of_connection(scope)
        fields["method"] = scope["method"]
        # A whole card number may stand there by mistake.
        fields["path"] = mask_digits(unquote(scope["path"]))
        fields["status"] = status
        fields["milliseconds"] = round(seconds * 1000, 1)
        log.info("request", extra=fields | of_outcome(scope["state"]) | self.of_caller(scope))

    def _tell_slow(self, scope: Scope, seconds: float) -> None:
        trail = TRAIL.get()
        if trail is None or seconds < self.settings.slow:
            return
        trail.passed("answered")
        took = {"milliseconds": round(seconds * 1000, 1), "phases": trail.milliseconds}
        fields = {"request_id": scope["state"]["request_id"], **_trace_of(scope), **of_outcome(scope["state"]), **took}
        log.warning("slow request", extra=fields)

    def of_caller(self, scope: Scope) -> dict[str, str]:
        """Who called, as the transport has found out: an admin by name, a user by a pseudonym."""
        caller: Principal | None = scope["state"].get("principal")
        if caller is None:
            return {}
        if caller.role is not None:
            return {"admin": mask_digits(caller.name)}
        return {} if caller.user_id is None else {"user": self.settings.pseudonyms.of(caller.user_id)}


def of_outcome(state: dict[str, Any]) -> dict[str, str]:
    """Which operation it was, and the code of what was refused: for REST that of the answer."""
    # It is asked at the end: an event stream begins before its operation is known.
    ended: Ended | None = getattr(state.get(ASKED), "ended", None)
    if ended is None:
        return {CODE: state[CODE]} if CODE in state else {}
    fields = {} if ended.outcome == DONE else {CODE: ended.outcome}
    if ended.name is not None:
        fields["operation"] = _LONG_NUMBER.sub("-", ended.name)[:LONGEST_NAME]
    return fields


def _of_connection(scope: Scope) -> dict[str, Any]:
    client = scope.get("client") or ("",)
    return {"request_id": scope["state"]["request_id"], "client": client[0], **_trace_of(scope)}


def _trace_of(scope: Scope) -> dict[str, str]:
    """The id of the trace that the request is a step of, here or at least with its client or proxy."""
    if TRACE in scope["state"]:
        return {"trace_id": scope["state"][TRACE]}
    found = _TRACE.fullmatch(header(scope, b"traceparent"))
    return {} if found is None else {"trace_id": found[1].decode()}
