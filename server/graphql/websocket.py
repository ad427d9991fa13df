"""The protocol graphql-transport-ws: every message is looked at before it is believed, and no close is abnormal."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from copy import copy
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, cast

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)
from typing_extensions import override

from graphql_engine.errors import coded
from models.errors import DomainError, InternalServerError, RateLimited
from models.values.strict_json import DoubledKey, MalformedJSON, parse_json
from server.access_log import ASKED, of_outcome
from server.access_log import log as access
from server.graphql.broadcasts import Key
from server.graphql.engine import RequestContext
from server.graphql.errors import report
from server.graphql.messages import fault_of
from services.kit.instruments.tracing import within

if TYPE_CHECKING:
    from server.graphql.view import GraphQLView

BAD_MESSAGE = 4400
FORBIDDEN = 4403
INTERNAL_ERROR = 4500
TOO_BIG = 1009
SERVICE_RESTART = 1012
LONGEST_REASON = 123
"""Bytes; a longer reason is an error of the protocol itself, and the connection would just break."""


class WebSocketAdapter(ASGIWebSocketAdapter):
    """Reads and writes text frames; a message over the body limit closes the connection."""

    @override
    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        limit = cast("GraphQLView", self.view).settings.body_limit
        try:
            while self.ws.application_state is not WebSocketState.DISCONNECTED:
                message = await self.ws.receive()
                if message["type"] == "websocket.disconnect":
                    return
                text = message.get("text")
                if text is None:
                    raise NonTextMessageReceived
                if len(text) > limit or len(text.encode()) > limit:
                    await self.close(TOO_BIG, "Message too big")
                    return
                try:
                    decoded = parse_json(text.encode())
                except MalformedJSON as error:
                    raise NonJsonMessageReceived from error
                except DoubledKey as doubled:
                    await self.close(BAD_MESSAGE, str(doubled))
                    return
                yield decoded
                del message, text, decoded  # While nothing comes, nothing is kept.
        except WebSocketDisconnect:
            return

    @override
    async def send_json(self, message: Mapping[str, object]) -> None:
        await self.send_text(orjson.dumps(message).decode())

    async def send_text(self, text: str) -> None:
        """Sends a message that is written already."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        try:
            await self.ws.send_text(text)
        except WebSocketDisconnect as gone:
            raise WebSocketDisconnected from gone

    @override
    async def close(self, code: int, reason: str) -> None:
        if self.ws.application_state is not WebSocketState.DISCONNECTED:
            await self.ws.close(code, reason.encode()[:LONGEST_REASON].decode(errors="ignore"))


class TransportHandler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    """One connection. Credentials come with the handshake or with `connection_init`; wrong ones close it with 4403.

    So does the end of the token or the key: then nothing is run and nothing is sent, whatever is under way.
    """

    end: asyncio.Task[None] | None = None
    leaving: asyncio.Task[None] | None = None
    started = 0
    """How many operations have been started."""

    @property
    def _view(self) -> "GraphQLView":
        return cast("GraphQLView", self.view)

    @property
    def _expired(self) -> DomainError | None:
        if not self.connection_acknowledged:
            return None
        return self._view.authenticator.expired(self.context.principal)

    async def _close_at_end(self) -> None:
        ended = await self._view.authenticator.until_end(self.context.principal)
        for identifier in list(self.operations):
            await self.cleanup_operation(identifier)
        await self.websocket.close(FORBIDDEN, ended.message)

    @override
    async def handle(self) -> None:
        with self._view.drain.live(self._go_elsewhere):
            await super().handle()

    def _go_elsewhere(self) -> None:
        # Once the drain has begun the server closes what is connected, with the same code.
        if not self._view.drain.begun:
            self.leaving = asyncio.create_task(self.websocket.close(SERVICE_RESTART, "Service restart"))
            self.leaving.add_done_callback(self._task_done)

    @override
    async def shutdown(self) -> None:
        if self.end is not None:
            self.end.cancel()
        if (expired := self._expired) is not None:
            await self.websocket.close(FORBIDDEN, expired.message)
        await super().shutdown()

    @override
    async def send_message(self, message: Message) -> None:
        if self._expired is not None:
            raise WebSocketDisconnected  # The connection is about to be closed.
        await super().send_message(message)

    @override
    async def handle_message(self, message: Message) -> None:
        if (expired := self._expired) is not None:
            await self.websocket.close(FORBIDDEN, expired.message)
            return
        fault = fault_of(message)
        if fault is not None:
            await self.handle_invalid_message(fault)
            return
        try:
            await super().handle_message(message)
        except WebSocketDisconnected:
            raise
        except Exception as error:
            await self.handle_task_exception(error)
            await self.websocket.close(INTERNAL_ERROR, InternalServerError.message)

    @override
    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        parameters = message.get("payload") or {}
        if self.connection_init_received:
            await super().handle_connection_init({**message, "payload": parameters})  # It closes the connection.
            return
        caller = await self._view.authenticator.websocket_principal(self.context.principal, parameters)
        if caller.refusal is not None:
            code = FORBIDDEN if caller.refusal.status < 500 else INTERNAL_ERROR
            await self.websocket.close(code, caller.refusal.message)
            return
        self.context.principal = caller
        connection = cast("WebSocketAdapter", self.websocket).ws
        connection.state.principal = caller
        await super().handle_connection_init({**message, "payload": parameters})
        # Nothing reads these again, however long the connection lasts.
        self.connection_init_timeout_task = None
        self.context.connection_params = None
        connection.scope["headers"].clear()
        if caller.may_end:
            self.end = asyncio.create_task(self._close_at_end())
            self.end.add_done_callback(self._task_done)

    @override
    async def run_operation(self, operation: Operation[RequestContext, None]) -> None:
        """Runs an operation under a request id of its own: that of the connection with the operation's number."""
        if self._expired is not None:
            return
        key = self._view.broadcasts.key_of(operation.query, operation.operation_name, operation.variables, self.context)
        if key is not None:
            await self._pass_on(operation, key)
            return
        self.started += 1
        number, one = self.started, copy(self)
        one.context = copy(self.context)
        one.context.principal = replace(self.context.principal, request_id=self._id_of(number))
        began = perf_counter()
        tracing = self._view.tracing
        span = None if tracing is None else tracing.begin("graphql", "server", None)
        try:
            with within(span):
                await super(TransportHandler, one).run_operation(operation)
                if span is not None and one.context.ended is not None:
                    span.note(**self._view.engine.metrics.step_of(one.context.ended))
        finally:
            self._log_operation(number, began, one.context)

    def _id_of(self, number: int) -> str:
        """The request id of one operation: that of the connection with the operation's number."""
        return f"{self.context.request_id}.{number}"

    def _log_operation(self, number: int, began: float, asked: RequestContext) -> None:
        took = round((perf_counter() - began) * 1000, 1)
        ended = {"request_id": self._id_of(number), "milliseconds": took}
        access.info("operation", extra=ended | of_outcome({ASKED: asked}))

    async def _pass_on(self, operation: Operation[RequestContext, None], key: Key) -> None:
        """Sends what is told to all who subscribe to the same."""
        frame, told = f'{{"id":{orjson.dumps(operation.id).decode()},"type":"next","payload":', 0
        self.started += 1
        number, began, asked = self.started, perf_counter(), self.context
        try:
            broadcast = await self._view.broadcasts.join(key, self.context)
            try:
                operation.query, operation.variables = "", None  # All that listen share them.
                asked = broadcast.context
                while await broadcast.after(told):
                    told = broadcast.told
                    if self._expired is not None:
                        return  # The connection is about to be closed.
                    await cast("WebSocketAdapter", self.websocket).send_text(f"{frame}{broadcast.payload}}}")
                refusal = broadcast.refusal
            finally:
                self._view.broadcasts.leave(key, broadcast)
        except DomainError as fault:
            refusal = self._view.engine.refuse(fault, self.context).errors
        finally:
            self._log_operation(number, began, asked)
        if refusal is not None:
            await operation.send_initial_errors(refusal)
        else:
            await operation.send_operation_message({"id": operation.id, "type": "complete"})

    @override
    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if not self.connection_acknowledged or message["id"] in self.operations:
            await super().handle_subscribe(message)  # It closes the connection.
            return
        most = self.max_subscriptions_per_connection
        if most is not None and len(self.operations) >= most:
            error = GraphQLError(f"At most {most} operations may run on one connection at a time.")
            await self._send_errors(message["id"], [coded(error, RateLimited.code)])
            return
        payload, engine = message["payload"], self._view.engine
        try:
            text = engine.text_of(
                payload.get("query"), payload.get("extensions"), self.context, trusted=engine.trusts(self.context)
            )
        except (GraphQLError, DomainError) as fault:
            await self._send_errors(message["id"], engine.refuse(fault, self.context).errors or [])
            return
        await super().handle_subscribe({**message, "payload": {**payload, "query": text or ""}})

    async def _send_errors(self, identifier: str, errors: list[GraphQLError]) -> None:
        await self.send_message({"id": identifier, "type": "error", "payload": [error.formatted for error in errors]})

    @staticmethod
    @override
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """A document that does not parse is refused like any other: it costs its operation, not the connection."""
        return None

    @override
    async def handle_task_exception(self, error: Exception) -> None:
        if not isinstance(error, WebSocketDisconnected):
            report(error, InternalServerError(), None, self.context.request_id)
