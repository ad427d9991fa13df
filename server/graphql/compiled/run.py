"""The state of one execution of a compiled operation."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLObjectType,
    GraphQLOutputType,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor import CollectedErrors
from graphql.execution.values import VariableValues
from graphql.pyutils import Path, gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from typing_extensions import override

if TYPE_CHECKING:
    from server.graphql.compiled.plan import Plan


class Run(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor of one request; its state that all requests share comes from the plan's template."""

    plan: "Plan"

    @classmethod
    def of(cls, template: "Run", variables: VariableValues, context: Any, *, hide_suggestions: bool) -> "Run":
        run = cls.__new__(cls)
        run.__dict__.update(template.__dict__)
        run.variable_values = variables
        run.context_value = context
        run.hide_suggestions = hide_suggestions
        run.collected_errors = CollectedErrors()
        return run

    @override
    def collect_and_execute_subfields(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """What graphql-core completes itself comes back to the plan for the fields of an object."""
        return self.plan.fields_of(return_type, field_details_list)(self, result, path)


async def guarded(run: Run, value: Awaitable[Any], of: GraphQLOutputType, details: FieldDetailsList, path: Path) -> Any:
    """The awaited value, or null for a noted error."""
    try:
        return await value
    except Exception as error:
        run.handle_field_error(error, of, details, path)
        return None


async def gathered(results: Any, pending: list[Any]) -> Any:
    """The dict or list, with what is pending at these keys awaited side by side."""
    if len(pending) == 1:
        results[pending[0]] = await results[pending[0]]
    else:
        values = await gather_with_cancel(*(results[key] for key in pending))
        for key, value in zip(pending, values, strict=True):
            results[key] = value
    return results
