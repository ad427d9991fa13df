"""The schema as it is served: parse, judge, validate, run, and tell what went wrong.

Strawberry builds the types; its per-request machinery (extension hooks around every phase, a fresh middleware manager)
is left out, because it costs more than most of Tessera's fields.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, cast

import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError, OperationDefinitionNode
from graphql import OperationType as CoreOperationType
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.types.scalar import ScalarDefinition
from typing_extensions import override

from models.errors import DomainError, ErrorCode, MethodNotAllowed, ServiceUnavailable
from models.principal import Principal
from server.draining import until_drain
from server.graphql.codes import coded
from server.graphql.deadlines import Deadlines
from server.graphql.documents import Documents, Found
from server.graphql.execution import Execute, Interpreter
from server.graphql.faults import present
from server.graphql.limits import Limits
from server.graphql.trusted import TrustedDocuments
from services.database import as_domain_error

NO_SUBSCRIPTION = "Subscriptions are served over WebSocket (graphql-transport-ws) and as text/event-stream."


KINDS = {kind: OperationType(kind.value) for kind in CoreOperationType}
"""Strawberry's words for graphql-core's."""
QUERIES_AND_MUTATIONS = frozenset({OperationType.QUERY, OperationType.MUTATION})
DEFAULT_LIMITS = Limits()


class RequestContext(Protocol):
    """What the engine needs to know of a request."""

    principal: Principal
    request_id: str


@dataclass
class Refusal(PreExecutionError):
    """Nothing ran. `reason` is the refusal of the error tree behind it; None where the request itself is at fault."""

    reason: DomainError | None = None


class RefusedDocument(Exception):
    """What was asked cannot run; `errors` say why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors
        super().__init__("the document is refused")


class Engine(strawberry.Schema):
    """A Strawberry schema with one path for all transports: `execute` for one answer, `stream` for many."""

    def __init__(self, *, limits: Limits, request_timeout: float, open_tools: bool, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.limits = limits
        self.documents = Documents(self._schema, limits)
        self.interpreter = Interpreter(self._schema, max_errors=limits.errors)
        self.run: Execute = self.interpreter
        """What runs queries and mutations; may be replaced by something quicker that means the same."""
        self.trusted = TrustedDocuments()
        self.draining = asyncio.Event()
        """Ends every subscription when it is set."""
        """Which documents may be named instead of sent, and whether others run."""
        self._deadlines = Deadlines(request_timeout)
        self._open_tools = open_tools

    def _is_trusted(self, context: RequestContext) -> bool:
        """Whether this caller may know the schema: by introspection, or by suggestions in errors."""
        return self._open_tools or context.principal.is_admin

    def text_of(self, query: str | None, extensions: Mapping[str, Any] | None, context: RequestContext) -> str | None:
        """The document that a request sends or names. Raises `GraphQLError` or `Forbidden`."""
        return self.trusted.text_of(query, extensions, privileged=self._is_trusted(context))

    def _prepare(
        self,
        query: str | None,
        operation_name: str | None,
        context: RequestContext,
        allowed: Collection[OperationType],
    ) -> tuple[Found, OperationDefinitionNode]:
        """The document and its operation to run. Raises `RefusedDocument`, `GraphQLError` or `DomainError`."""
        if query is None:
            raise coded(GraphQLError("A query is required."), ErrorCode.BAD_USER_INPUT)
        found = self.documents.find(query)
        document = found.document if found else self.documents.parse(query)
        trusted = self._is_trusted(context)
        if document.cost.introspects and not trusted:
            # Judged for each caller, so outside of the rules whose verdict is kept.
            context.principal.require_admin()
        if found is None:
            errors = self.documents.validate(document, hide_suggestions=not trusted)
            if errors:
                raise RefusedDocument(errors)
        operation = document.operation(operation_name)
        kind = KINDS[operation.operation]
        if kind not in allowed:
            if kind is OperationType.SUBSCRIPTION:
                raise coded(GraphQLError(NO_SUBSCRIPTION, operation), ErrorCode.BAD_USER_INPUT)
            raise MethodNotAllowed(["POST"])
        return found or Found(document, query), operation

    @override
    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run a query or a mutation (the types allowed say which). Never raises: a `Refusal` means that nothing ran."""
        context = cast("RequestContext", context_value)
        allowed = QUERIES_AND_MUTATIONS.intersection(allowed_operation_types or QUERIES_AND_MUTATIONS)
        try:
            text = self.text_of(query, operation_extensions, context)
            found, operation = self._prepare(text, operation_name, context, allowed)
            return await self._execute(found, operation, variable_values, context)
        except Exception as fault:
            return self.refuse(fault, context)

    @override
    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Run any operation as a stream: a subscription's events, or the one answer of a query or a mutation."""
        context = cast("RequestContext", context_value)
        allowed = frozenset(allowed_operation_types or OperationType)
        return self._results(query, operation_extensions, operation_name, variable_values, context, allowed)

    async def _results(
        self,
        query: str | None,
        extensions: Mapping[str, Any] | None,
        operation_name: str | None,
        variables: Mapping[str, Any] | None,
        context: RequestContext,
        allowed: Collection[OperationType],
    ) -> AsyncGenerator[ExecutionResult, None]:
        try:
            text = self.text_of(query, extensions, context)
            found, operation = self._prepare(text, operation_name, context, allowed)
            if operation.operation.value != OperationType.SUBSCRIPTION.value:
                yield await self._execute(found, operation, variables, context)
                return
            trusted = self._is_trusted(context)
            source = await self.interpreter.subscribe(
                found.document, operation, found.variables(variables), context, trusted=trusted
            )
            if isinstance(source, CoreResult):
                yield self._finish(source, found, context)
                return
            async with aclosing(source) as events:
                async for result in until_drain(events, self.draining):
                    yield self._finish(result, found, context)
        except Exception as fault:
            yield self.refuse(fault, context)

    async def _execute(
        self,
        found: Found,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
        context: RequestContext,
    ) -> ExecutionResult:
        trusted = self._is_trusted(context)
        try:
            with self._deadlines.begin():
                result = await self.run(found.document, operation, found.variables(variables), context, trusted=trusted)
        except TimeoutError:
            raise ServiceUnavailable("The request took too long and was given up") from None
        return self._finish(result, found, context)

    def _finish(self, result: CoreResult, found: Found, context: RequestContext) -> ExecutionResult:
        """Strawberry's result of graphql-core's, its errors presented."""
        if not result.errors:
            return ExecutionResult(result.data, None)
        found.relocate(result.errors)
        if result.data is None and all(error.path is None for error in result.errors):
            # Nothing ran: the variables do not fit.
            errors = [coded(error, ErrorCode.BAD_USER_INPUT) for error in result.errors]
            return self.refuse(RefusedDocument(errors), context)
        present(result.errors, context.request_id, self.limits.field_errors)
        return ExecutionResult(result.data, result.errors)

    def refuse(self, fault: Exception, context: RequestContext) -> Refusal:
        """What is answered when nothing ran, because of this fault."""
        reason: DomainError | None = None
        if isinstance(fault, RefusedDocument):
            errors = fault.errors
        elif isinstance(fault, GraphQLError):
            errors = [fault]
        else:
            errors, reason = [GraphQLError(str(fault), original_error=fault)], as_domain_error(fault)
        present(errors, context.request_id, self.limits.errors)
        return Refusal(None, errors, reason=reason)

    @override
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """For what runs through Strawberry's own paths (`execute_sync`): the same codes, the same masks."""
        context = execution_context.context if execution_context else None
        present(errors, getattr(context, "request_id", ""), self.limits.field_errors)


def build_schema(
    *,
    query: type,
    mutation: type | None = None,
    subscription: type | None = None,
    types: Iterable[type] = (),
    exception_handlers: Iterable[strawberry.ExceptionHandler[Any]] = (),
    scalars: Mapping[object, ScalarDefinition] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    request_timeout: float = 30.0,
    open_tools: bool = False,
) -> Engine:
    """The schema of these root types, guarded by `limits`.

    `request_timeout` (seconds) ends a query or a mutation; with `open_tools` introspection is for everyone.
    """
    return Engine(
        limits=limits,
        request_timeout=request_timeout,
        open_tools=open_tools,
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=types,
        exception_handlers=exception_handlers,
        config=StrawberryConfig(disable_field_suggestions=True, scalar_map=dict(scalars or {})),
    )
