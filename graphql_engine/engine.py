"""The schema as it is served: parse, judge, validate, run, and present what went wrong.

Strawberry builds the types; its per-request machinery (extension hooks around every phase, a fresh middleware manager)
is left out, because it costs more than most of Tessera's fields.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import FieldNode, GraphQLError, OperationDefinitionNode
from graphql import OperationType as CoreOperationType
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.types.scalar import ScalarDefinition
from typing_extensions import override

from graphql_engine.deadlines import Deadlines
from graphql_engine.documents import Documents, Found
from graphql_engine.draining import Drained, until_drain
from graphql_engine.errors import (
    DocumentNotPersisted,
    GraphQLCode,
    IntrospectionRefused,
    MethodRefused,
    OutOfTime,
    Refused,
    coded,
)
from graphql_engine.execution import Execute, Interpreter
from graphql_engine.limits import Limits
from graphql_engine.persisted import PersistedDocuments

NO_SUBSCRIPTION = "Subscriptions are served over WebSocket (graphql-transport-ws) and as text/event-stream."


KINDS = {kind: OperationType(kind.value) for kind in CoreOperationType}
"""Strawberry's words for graphql-core's."""
QUERIES_AND_MUTATIONS = frozenset({OperationType.QUERY, OperationType.MUTATION})
DEFAULT_LIMITS = Limits()


@dataclass
class Refusal(PreExecutionError):
    """Nothing ran. `reason` is the application's exception behind it; None where the request itself is at fault."""

    reason: Exception | None = None


class RefusedDocument(Exception):
    """What was asked cannot run; `errors` say why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors
        super().__init__("the document is refused")


class Engine(strawberry.Schema):
    """A Strawberry schema with one path for all transports: `execute` for one answer, `stream` for many.

    It is guarded by `limits`; `request_timeout` (seconds) ends a query or a mutation; with `open_tools` everyone may
    know the schema. All other arguments are those of `strawberry.Schema`.
    """

    def __init__(
        self,
        *,
        limits: Limits = DEFAULT_LIMITS,
        request_timeout: float = 30.0,
        open_tools: bool = False,
        scalars: Mapping[object, ScalarDefinition] | None = None,
        **arguments: Any,
    ) -> None:
        config = StrawberryConfig(disable_field_suggestions=True, scalar_map=dict(scalars or {}))
        super().__init__(config=config, **arguments)
        self.limits = limits
        self.documents = Documents(self._schema, limits)
        self.interpreter = Interpreter(self._schema, max_errors=limits.errors)
        self.run: Execute = self.interpreter
        """What runs queries and mutations; may be replaced by something quicker that means the same."""
        self.persisted = PersistedDocuments()
        """Which documents may be named instead of sent, and whether others run."""
        self._never = asyncio.Event()
        self._deadlines = Deadlines(request_timeout)
        self._open_tools = open_tools

    def trusts(self, context: object) -> bool:
        """Whether this caller may know the schema, by introspection or by suggestions in errors. To be overridden."""
        return self._open_tools

    def leaving(self, context: object) -> asyncio.Event:
        """Returns what ends this caller's subscriptions, with `Drained`, when it is set. To be overridden."""
        return self._never

    def explain(self, fault: Exception, context: object) -> Exception:
        """Returns the application's exception for what went wrong before anything ran. To be overridden."""
        return fault

    def present(self, errors: list[GraphQLError], context: object, limit: int) -> None:
        """Changes the errors in place to what clients may see, `limit` at the most. To be overridden."""
        del errors[limit:]

    def ended(
        self, operation: OperationDefinitionNode | None, result: ExecutionResult, seconds: float, context: object
    ) -> None:
        """Told of every query and mutation, and of every subscription that did not begin. To be overridden.

        `operation` is None where the document has none that could be told.
        """

    @asynccontextmanager
    async def subscribed(self, operation: OperationDefinitionNode, context: object) -> AsyncIterator[None]:
        """Around the life of a subscription. To be overridden."""
        yield

    def text_of(
        self, query: str | None, extensions: Mapping[str, object] | None, context: object, *, trusted: bool
    ) -> str | None:
        """Returns the document that a request sends or names. Raises `GraphQLError` or the application's refusal."""
        try:
            return self.persisted.text_of(query, extensions, privileged=trusted)
        except DocumentNotPersisted as refusal:
            raise self.explain(refusal, context) from None

    def _prepare(
        self,
        query: str | None,
        operation_name: str | None,
        allowed: Collection[OperationType],
        *,
        trusted: bool,
    ) -> tuple[Found, OperationDefinitionNode]:
        """Returns the document and its operation to run. Raises `RefusedDocument`, `GraphQLError` or `Refused`."""
        if query is None:
            raise coded(GraphQLError("A query is required."), GraphQLCode.BAD_USER_INPUT)
        found = self.documents.find(query)
        document = found.document if found else self.documents.parse(query)
        if document.cost.introspects and not trusted:
            # Judged for each caller, so outside of the rules whose verdict is kept.
            raise IntrospectionRefused
        if found is None:
            errors = self.documents.validate(document, hide_suggestions=not trusted)
            if errors:
                raise RefusedDocument(errors)
        operation = document.operation(operation_name)
        kind = KINDS[operation.operation]
        if kind not in allowed:
            if kind is OperationType.SUBSCRIPTION:
                raise coded(GraphQLError(NO_SUBSCRIPTION, operation), GraphQLCode.BAD_USER_INPUT)
            raise MethodRefused
        return found or Found(document, query), operation

    def followed(self, query: str, operation_name: str | None, context: object) -> str | None:
        """Returns the root field of a subscription that this caller may run; None for whatever else it is."""
        try:
            trusted = self.trusts(context)
            _, operation = self._prepare(query, operation_name, frozenset(OperationType), trusted=trusted)
        except (RefusedDocument, Refused, GraphQLError):
            return None  # Whoever runs it says why.
        root = operation.selection_set.selections[0]
        if operation.operation is not CoreOperationType.SUBSCRIPTION or not isinstance(root, FieldNode):
            return None
        return None if root.directives else root.name.value

    @override
    async def execute(
        self,
        query: str | None,
        variable_values: Mapping[str, object] | None = None,
        context_value: object = None,
        root_value: object = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: Mapping[str, object] | None = None,
    ) -> ExecutionResult:
        """Runs a query or a mutation, as the types allow. Never raises: a `Refusal` means that nothing ran."""
        context, began = context_value, perf_counter()
        operation: OperationDefinitionNode | None = None
        allowed = QUERIES_AND_MUTATIONS.intersection(allowed_operation_types or QUERIES_AND_MUTATIONS)
        try:
            trusted = self.trusts(context)
            text = self.text_of(query, operation_extensions, context, trusted=trusted)
            found, operation = self._prepare(text, operation_name, allowed, trusted=trusted)
            result = await self._execute(found, operation, variable_values, context, trusted=trusted)
        except Exception as fault:
            result = self.refuse(fault, context)
        self.ended(operation, result, perf_counter() - began, context)
        return result

    @override
    async def stream(
        self,
        query: str | None,
        variable_values: Mapping[str, object] | None = None,
        context_value: object = None,
        root_value: object = None,
        operation_name: str | None = None,
        operation_extensions: Mapping[str, object] | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Runs any operation as a stream: a subscription's events, or the one answer of a query or a mutation."""
        context = context_value
        allowed = frozenset(allowed_operation_types or OperationType)
        return self._results(query, operation_extensions, operation_name, variable_values, context, allowed)

    async def _results(
        self,
        query: str | None,
        extensions: Mapping[str, object] | None,
        operation_name: str | None,
        variables: Mapping[str, object] | None,
        context: object,
        allowed: Collection[OperationType],
    ) -> AsyncGenerator[ExecutionResult, None]:
        operation, began = None, perf_counter()
        try:
            trusted = self.trusts(context)
            text = self.text_of(query, extensions, context, trusted=trusted)
            found, operation = self._prepare(text, operation_name, allowed, trusted=trusted)
            if operation.operation.value != OperationType.SUBSCRIPTION.value:
                result = await self._execute(found, operation, variables, context, trusted=trusted)
                self.ended(operation, result, perf_counter() - began, context)
                yield result
                return
            source = await self.interpreter.subscribe(
                found.document, operation, found.variables(variables), context, trusted=trusted
            )
            if isinstance(source, CoreResult):
                result = self._finish(source, found, context)
                self.ended(operation, result, perf_counter() - began, context)
                yield result
                return
            async with aclosing(source) as events, self.subscribed(operation, context):
                async for event in until_drain(events, self.leaving(context)):
                    yield self._finish(event, found, context)
        except Drained:
            raise
        except Exception as fault:
            refusal = self.refuse(fault, context)
            self.ended(operation, refusal, perf_counter() - began, context)
            yield refusal

    async def _execute(
        self,
        found: Found,
        operation: OperationDefinitionNode,
        variables: Mapping[str, object] | None,
        context: object,
        *,
        trusted: bool,
    ) -> ExecutionResult:
        try:
            with self._deadlines.begin():
                result = await self.run(found.document, operation, found.variables(variables), context, trusted=trusted)
        except TimeoutError:
            raise OutOfTime from None
        return self._finish(result, found, context)

    def _finish(self, result: CoreResult, found: Found, context: object) -> ExecutionResult:
        """Returns Strawberry's result of graphql-core's, its errors presented."""
        if not result.errors:
            return ExecutionResult(result.data, None)
        found.relocate(result.errors)
        if result.data is None and all(error.path is None for error in result.errors):
            # Nothing ran: the variables do not fit.
            errors = [coded(error, GraphQLCode.BAD_USER_INPUT) for error in result.errors]
            return self.refuse(RefusedDocument(errors), context)
        self.present(result.errors, context, self.limits.field_errors)
        return ExecutionResult(result.data, result.errors)

    def refuse(self, fault: Exception, context: object) -> Refusal:
        """Returns the result of a request of which nothing ran, because of this fault."""
        reason: Exception | None = None
        if isinstance(fault, RefusedDocument):
            errors = fault.errors
        elif isinstance(fault, GraphQLError):
            errors = [fault]
        else:
            reason = self.explain(fault, context)
            errors = [GraphQLError(str(reason), original_error=reason)]
        self.present(errors, context, self.limits.errors)
        return Refusal(None, errors, reason=reason)

    @override
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """For what runs through Strawberry's own paths (`execute_sync`): the same codes, the same masks."""
        self.present(errors, execution_context.context if execution_context else None, self.limits.field_errors)
