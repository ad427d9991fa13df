"""Running one operation of a valid document.

`Execute` is the seam: whatever runs the documents it understands, and hands the others on to the `Interpreter`, can
stand in its place.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, Protocol, TypeGuard, cast

from graphql import (
    ExecutionResult,
    GraphQLSchema,
    OperationDefinitionNode,
    execute,
    subscribe,
)
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_engine.documents import Document

is_awaitable = cast("Callable[[object], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)


class Execute(Protocol):
    """Runs a query or a mutation. Raises nothing for what a resolver does: that is in the result's errors.

    `trusted` callers may know the schema: errors suggest names to them.
    """

    async def __call__(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, object] | None,
        context: object,
        *,
        trusted: bool,
    ) -> ExecutionResult: ...


class Interpreter:
    """graphql-core, called directly: no extensions, and no middleware (an empty manager is asked for every field)."""

    def __init__(self, schema: GraphQLSchema, *, max_errors: int) -> None:
        self._schema = schema
        self._max_errors = max_errors

    def _arguments(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, object] | None,
        context: object,
        trusted: bool,
    ) -> dict[str, Any]:
        return {
            "schema": self._schema,
            "document": document.node,
            "operation_name": operation.name.value if operation.name else None,
            "variable_values": variables,
            "context_value": context,
            "executor_class": StrawberryGraphQLCoreExecutionContext,
            "max_coercion_errors": self._max_errors,
            "hide_suggestions": not trusted,
            "is_awaitable": optimized_is_awaitable,
        }

    async def __call__(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, object] | None,
        context: object,
        *,
        trusted: bool,
    ) -> ExecutionResult:
        arguments = self._arguments(document, operation, variables, context, trusted)
        result = execute(**arguments)
        return await result if isawaitable(result) else result

    async def subscribe(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, object] | None,
        context: object,
        *,
        trusted: bool,
    ) -> AsyncGenerator[ExecutionResult, None] | ExecutionResult:
        """Returns the results of a subscription, or one result that says why there are none."""
        result = subscribe(**self._arguments(document, operation, variables, context, trusted))
        answer = await result if isawaitable(result) else result
        # graphql-core maps the events in an async generator, which closes their source when it is closed.
        return cast("AsyncGenerator[ExecutionResult, None] | ExecutionResult", answer)
