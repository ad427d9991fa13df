"""Which operations are compiled, and the plans of those that are."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from graphql import (
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
)
from graphql.language import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode, VariableNode
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable as is_awaitable

from server.graphql.compiled.calls import Calls
from server.graphql.compiled.plan import Plan
from server.graphql.compiled.run import Run
from server.graphql.compiled.variables import Variables
from server.graphql.documents import Document
from server.graphql.execution import Execute

MAX_VARIANTS = 32
"""Of one operation: each combination of the Booleans in its `@skip` and `@include` has a plan of its own."""
CONDITIONS = ("skip", "include")


class Operation:
    """One operation of a document, with the plans that were made of it."""

    def __init__(self, calls: Calls, document: Document, node: OperationDefinitionNode) -> None:
        self.node = node
        self.definitions = {
            definition.name.value: definition
            for definition in document.node.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._calls = calls
        self._conditions: set[str] = set()
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self._seen: set[str] = set()
        self._variables = Variables(calls.schema, node)
        self.is_known = (
            node.operation is not OperationType.SUBSCRIPTION
            and not node.directives
            and not any(definition.directives for definition in node.variable_definitions or ())
            and self._knows(node.selection_set)
        )

    def _knows(self, selected: SelectionSetNode | None) -> bool:
        """Whether all that is selected is within this module's knowledge; notes the variables of its conditions."""
        return all(map(self._knows_one, selected.selections if selected else ()))

    def _knows_one(self, selection: Any) -> bool:
        for directive in selection.directives or ():
            if directive.name.value not in CONDITIONS:
                return False
            value = directive.arguments[0].value
            if isinstance(value, VariableNode):
                self._conditions.add(value.name.value)
        if isinstance(selection, FieldNode):
            return selection.name.value not in ("__schema", "__type") and self._knows(selection.selection_set)
        if isinstance(selection, InlineFragmentNode):
            return self._knows(selection.selection_set)
        assert isinstance(selection, FragmentSpreadNode)
        name = selection.name.value
        if name in self._seen:
            return True
        self._seen.add(name)
        fragment = self.definitions[name]
        return not (fragment.directives or fragment.variable_definitions) and self._knows(fragment.selection_set)

    def start(self, given: Mapping[str, Any], context: Any, *, trusted: bool) -> Run | None:
        """The executor of one request; None where graphql-core is to see the request."""
        variables = self._variables.coerce(given)
        if variables is None:
            return None
        key = tuple(variables.coerced.get(name) for name in self._conditions)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) == MAX_VARIANTS or not all(isinstance(one, bool) for one in key):
                return None
            plan = Plan(self._calls, self.node, self.definitions, dict(zip(self._conditions, key, strict=True)))
            self._plans[key] = plan
        return Run.of(plan.template, variables, context, hide_suggestions=not trusted)


class CompiledOperations:
    """Runs what it can compile; `otherwise` runs the rest."""

    def __init__(self, schema: Schema, otherwise: Execute) -> None:
        self._calls = Calls(schema)
        self._otherwise = otherwise
        self._operations: WeakKeyDictionary[Document, dict[int, Operation]] = WeakKeyDictionary()

    async def __call__(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
        context: Any,
        *,
        trusted: bool,
    ) -> ExecutionResult:
        compiled = self._compiled(document, operation)
        run = compiled.start(variables or {}, context, trusted=trusted) if compiled.is_known else None
        if run is None:
            return await self._otherwise(document, operation, variables, context, trusted=trusted)
        try:
            data = run.plan.root(run, None, None)
            if is_awaitable(data):
                data = await data
        except GraphQLError as error:
            run.collected_errors.add(error, None)
            data = None
        return ExecutionResult(data, run.collected_errors.errors or None)

    def _compiled(self, document: Document, node: OperationDefinitionNode) -> Operation:
        of_document = self._operations.get(document)
        if of_document is None:
            of_document = self._operations[document] = {}
        compiled = of_document.get(node.loc.start if node.loc else 0)
        if compiled is None:
            compiled = of_document[node.loc.start if node.loc else 0] = Operation(self._calls, document, node)
        return compiled
