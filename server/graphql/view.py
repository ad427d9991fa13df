"""The endpoint `/graphql`: POST, GET for queries, server-sent events, WebSocket, and GraphiQL for a browser."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter

import orjson
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http.websocket_origin import is_same_origin, normalize_origin
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from typing_extensions import override

from graphql_engine.compiled import CompiledOperations
from graphql_engine.engine import Refusal
from graphql_engine.persisted import PersistedDocuments, PersistedMode
from models.errors import DomainError, InvalidToken
from models.principal import Principal, Transport
from models.values.origins import is_local_origin
from rest.request import WholeRequest
from server.access_log import ASKED
from server.authentication import TOKEN_COOKIE, Authenticator
from server.draining import Drain
from server.graphiql import graphiql_page
from server.graphql.broadcasts import Broadcasts
from server.graphql.engine import RequestContext, TesseraEngine
from server.graphql.event_stream import HEADERS, event_stream
from server.graphql.requests import GRAPHQL_JSON, Accepted, Parameters, negotiate, read_request
from server.graphql.websocket import FORBIDDEN, TransportHandler, WebSocketAdapter
from server.scopes import header
from server.settings import Settings
from services.kit.instruments.tracing import Tracing
from services.kit.instruments.trail import passed

log = logging.getLogger("tessera.graphql")

MakeContext = Callable[[HTTPConnection, Principal], RequestContext]
"""Makes what resolvers get."""

BY_METHOD = {
    "GET": frozenset({OperationType.QUERY, OperationType.SUBSCRIPTION}),
    "HEAD": frozenset({OperationType.QUERY}),
    "POST": frozenset(OperationType),
}
ORIGIN_SHOWN = 80
"""How much of an origin a close tells; its whole reason has room for 123 bytes."""
NO_STORE = {"Cache-Control": "no-store"}


class GraphQLView(GraphQL[RequestContext, None]):
    """An ASGI application for HTTP and WebSocket scopes. Every HTTP response but the page is JSON, faults included."""

    tracing: Tracing | None = None
    """What begins the traces of operations over WebSocket; those over HTTP are steps of their requests."""
    graphql_transport_ws_handler_class = TransportHandler
    websocket_adapter_class = WebSocketAdapter

    def __init__(
        self,
        schema: TesseraEngine,
        *,
        settings: Settings,
        authenticator: Authenticator,
        make_context: MakeContext,
        drain: Drain,
    ) -> None:
        super().__init__(
            schema,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            allowed_origins=settings.cors_origins,
        )
        if settings.compiled_operations:
            schema.run = CompiledOperations(schema, schema.interpreter)
        schema.persisted = PersistedDocuments(PersistedMode(settings.trusted_documents), settings.trusted_manifest)
        self.engine = schema
        self.broadcasts = Broadcasts(schema)
        self.settings = settings
        self.authenticator = authenticator
        self.make_context = make_context
        self.drain = drain

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            response = await self._handle(WholeRequest(scope, receive))
            await response(scope, receive, send)
            return
        connection = WebSocket(scope, receive, send)
        if self._may_connect(connection):
            await self.run(connection)
        else:
            await self.reject_websocket(connection)

    async def _handle(self, request: Request) -> Response:
        """Returns the response to one HTTP request, whatever goes wrong."""
        accepted = negotiate(header(request.scope, b"accept"))
        caller = await self.authenticator.principal(request, transport=Transport.GRAPHQL)
        request.scope["state"]["principal"] = caller
        passed("authenticated")
        context, began = self.make_context(request, caller), perf_counter()
        try:
            response = await self._respond(request, context, accepted)
        except ClientDisconnect:
            return Response(status_code=400)  # Nobody reads it.
        except Exception as fault:
            refusal = self.engine.refuse(fault, context)
            self.engine.ended(None, refusal, perf_counter() - began, context)
            response = _json_response(refusal, accepted, {})
        request.scope["state"][ASKED] = context
        if isinstance(context.principal.refusal, InvalidToken):
            response.delete_cookie(TOKEN_COOKIE)
        return response

    async def _respond(self, request: Request, context: RequestContext, accepted: Accepted) -> Response:
        if accepted.page and request.method in ("GET", "HEAD") and "query" not in request.query_params:
            return await graphiql_page(request, context.principal, self.settings)
        sent = await read_request(request)
        passed("received")
        allowed = BY_METHOD[request.method]
        if accepted.stream and request.method != "HEAD":
            return await self._stream(sent, context, allowed)
        result = await self.engine.execute(
            sent.query, sent.variables, context, None, sent.operation_name, allowed, sent.extensions
        )
        return _json_response(result, accepted, context.response_headers)

    async def _stream(self, sent: Parameters, context: RequestContext, allowed: frozenset[OperationType]) -> Response:
        context.leaving = leaving = asyncio.Event()
        results = await self.engine.stream(
            sent.query, sent.variables, context, None, sent.operation_name, sent.extensions, allowed
        )
        expired = partial(self.authenticator.expired, context.principal)
        until_end = partial(self.authenticator.until_end, context.principal)
        events = event_stream(results, expired=expired, until_end=until_end, live=self.drain.live(leaving.set))
        return StreamingResponse(events, headers=HEADERS)

    @override
    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> RequestContext:
        """Returns the context of a WebSocket connection, until `connection_init` says more."""
        takes_cookie = self._is_page_of_ours(request)
        caller = await self.authenticator.principal(request, transport=Transport.GRAPHQL, takes_cookie=takes_cookie)
        request.state.principal = caller
        return self.make_context(request, caller)

    def _may_connect(self, connection: HTTPConnection) -> bool:
        """Whether a WebSocket is opened by a page of an origin that may, or by no page."""
        origin = connection.headers.get("origin")
        return origin is None or "*" in self.allowed_origins or self._is_page_of_ours(connection)

    @override
    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        return self._may_connect(request)

    @override
    async def reject_websocket(self, request: WebSocket) -> WebSocket:
        """Refuses a page of another origin by a close with a reason: why a handshake failed is told to no page."""
        origin = request.headers["origin"][:ORIGIN_SHOWN]
        log.warning("a page of another origin may not connect: CORS_ORIGINS does not name it", extra={"origin": origin})
        await request.accept(await self.pick_websocket_subprotocol(request))
        await request.close(FORBIDDEN, f"CORS_ORIGINS does not name {origin}")
        return request

    def _is_page_of_ours(self, connection: HTTPConnection) -> bool:
        """Whether the cookies of a WebSocket were sent by a page of this origin or of one that is named, or by no page.

        With `CORS_ORIGINS=*` the pages of every site may connect, but none in the name of whoever looks at it.
        """
        headers = connection.headers
        origin = headers.get("origin")
        if origin is None or is_same_origin(origin, headers.get("host")):
            return True
        if headers.get("sec-fetch-site") == "same-origin" or normalize_origin(origin) in self.allowed_origins:
            return True
        return self.settings.open_tools and is_local_origin(origin)


def _json_response(result: ExecutionResult, accepted: Accepted, headers: Mapping[str, str]) -> Response:
    """GraphQL over HTTP: what ran is 200; what did not is 400, or 200 in plain JSON, or the status of its refusal."""
    errors = [error.formatted for error in result.errors or ()]
    status, more = 200, NO_STORE
    if isinstance(result, Refusal):
        body: dict[str, object] = {"errors": errors}
        reason = result.reason
        if isinstance(reason, DomainError):
            status, more = reason.status, {**NO_STORE, **reason.headers}
        elif accepted.media_type == GRAPHQL_JSON:
            status = 400
    else:
        body = {"data": result.data, "errors": errors} if errors else {"data": result.data}
    return Response(orjson.dumps(body), status, {**more, **headers}, media_type=accepted.media_type)
