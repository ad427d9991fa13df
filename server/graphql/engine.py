"""The engine in Tessera's words: who may know the schema, and which error of the tree a refusal is."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

from graphql import GraphQLError, OperationDefinitionNode
from prometheus_client import CollectorRegistry
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from typing_extensions import override

from graphql_engine.documents import Found
from graphql_engine.engine import Engine
from graphql_engine.errors import DocumentNotPersisted, IntrospectionRefused, MethodRefused, OutOfTime
from models.errors import DomainError, Forbidden, InternalServerError, MethodNotAllowed, ServiceUnavailable
from models.principal import Principal, Role
from server.graphql.errors import present, report
from server.metrics.api import ApiMetrics, Ended
from services.kit.instruments.metrics import DONE
from services.kit.instruments.trail import passed
from services.kit.rate_limit import RateLimitPermit
from services.kit.transactions import as_domain_error

UNKNOWN = "unknown"
"""The type of an operation that could not be read."""


class RequestContext(Protocol):
    """What the transports ask of the context of a request."""

    principal: Principal
    response_headers: dict[str, str]
    connection_params: dict[str, Any] | None
    refused: str | None
    ended: Ended | None
    leaving: asyncio.Event | None
    """Ends the subscriptions of an event stream; a WebSocket is closed with them."""

    @property
    def request_id(self) -> str: ...

    async def permit(self) -> RateLimitPermit:
        """Counts one public operation. Raises the refusal of a caller who is turned down, and `RateLimited`."""


class TesseraEngine(Engine):
    """Admins know the schema, everyone where the tools are open; faults are shown as those of REST."""

    def __init__(self, *, metrics: ApiMetrics | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.metrics = metrics or ApiMetrics(CollectorRegistry())

    @override
    def trusts(self, context: object) -> bool:
        return super().trusts(context) or cast("RequestContext", context).principal.role is not None

    @override
    def leaving(self, context: object) -> asyncio.Event:
        return cast("RequestContext", context).leaving or super().leaving(context)

    @override
    def explain(self, fault: Exception, context: object) -> DomainError:
        match fault:
            case IntrospectionRefused():
                return _refusal_of(cast("RequestContext", context).principal)
            case DocumentNotPersisted():
                return Forbidden("Only trusted documents are served")
            case MethodRefused():
                return MethodNotAllowed(["POST"])
            case OutOfTime():
                return ServiceUnavailable("The request took too long and was given up")
        shown = as_domain_error(fault)
        if shown is not fault:
            report(fault, shown, None, cast("RequestContext", context).request_id)
        return shown

    @override
    def _prepare(
        self,
        query: str | None,
        operation_name: str | None,
        allowed: Collection[OperationType],
        *,
        trusted: bool,
    ) -> tuple[Found, OperationDefinitionNode]:
        prepared = super()._prepare(query, operation_name, allowed, trusted=trusted)
        passed("prepared")
        return prepared

    @override
    def ended(
        self, operation: OperationDefinitionNode | None, result: ExecutionResult, seconds: float, context: object
    ) -> None:
        asked = cast("RequestContext", context)
        name = None if operation is None or operation.name is None else operation.name.value
        kind = UNKNOWN if operation is None else operation.operation.value
        outcome = _code_of(result.errors[0]) if result.errors else asked.refused or DONE
        asked.ended = Ended(name, kind, outcome)
        self.metrics.operation(asked.ended, seconds)
        passed("executed")

    @override
    @asynccontextmanager
    async def subscribed(self, operation: OperationDefinitionNode, context: object) -> AsyncIterator[None]:
        name = None if operation.name is None else operation.name.value
        cast("RequestContext", context).ended = Ended(name, operation.operation.value, DONE)
        with self.metrics.subscriptions.track_inprogress():
            yield

    @override
    def present(self, errors: list[GraphQLError], context: object, limit: int) -> None:
        present(errors, getattr(context, "request_id", ""), limit)


def _code_of(error: GraphQLError) -> str:
    return str((error.extensions or {}).get("code", InternalServerError.code))


def _refusal_of(caller: Principal) -> DomainError:
    """Returns why this caller is no admin."""
    try:
        caller.require_role(Role.VIEWER)
    except DomainError as refusal:
        return refusal
    raise AssertionError("An admin is trusted")
