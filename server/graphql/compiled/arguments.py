"""The arguments of a selected field, with the work done once that does not depend on the request."""

from typing import Any, NamedTuple

from graphql import (
    GraphQLArgument,
    GraphQLField,
    Undefined,
    get_argument_values,
    is_enum_type,
    is_non_null_type,
    is_required_argument,
    is_scalar_type,
    is_specified_scalar_type,
)
from graphql.execution import Executor
from graphql.language import FieldNode, ValueNode, VariableNode
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal


class Step(NamedTuple):
    """How one argument gets its value: from a variable, or from `value`."""

    name: str
    variable: str | None
    value: Any
    is_required: bool
    is_strict: bool


class Arguments:
    """The arguments of one field of an operation. What does not depend on the request is coerced once."""

    def __init__(self, field: GraphQLField, node: FieldNode) -> None:
        self._field = field
        self._node = node
        given = {one.name.value: one.value for one in node.arguments or ()}
        steps = [_step(name, argument, given.get(name)) for name, argument in field.args.items()]
        self._steps = [step for step in steps if step is not None]
        self._is_simple = len(steps) == len(self._steps)

    def of(self, run: Executor[Any]) -> dict[str, Any]:
        """The coerced values. Raises graphql-core's error where one does not fit."""
        coerced = run.variable_values.coerced
        values: dict[str, Any] = {}
        for name, variable, value, is_required, is_strict in self._steps:
            if variable is not None and variable in coerced:
                value = coerced[variable]  # noqa: PLW2901  # the argument's default is what it replaces
                if value is None and is_strict:
                    break
            elif is_required:
                break
            if value is not Undefined:
                values[name] = value
        else:
            if self._is_simple:
                return values
        return get_argument_values(self._field, self._node, run.variable_values, None, run.hide_suggestions)


def _step(name: str, argument: GraphQLArgument, given: ValueNode | None) -> Step | None:
    """None where the argument takes graphql-core each time."""
    try:
        default = coerce_default_value(argument)
    except TypeError:
        return None
    name = argument.out_name or name
    if given is None:
        return Step(name, None, default, is_required_argument(argument), is_strict=False)
    is_strict = is_non_null_type(argument.type)
    if isinstance(given, VariableNode):
        return Step(name, given.name.value, default, is_required_argument(argument), is_strict)
    inner = argument.type.of_type if is_non_null_type(argument.type) else argument.type
    # Of other types the value may be changeable, so each request gets its own.
    if not is_enum_type(inner) and not (is_scalar_type(inner) and is_specified_scalar_type(inner)):
        return None
    value = coerce_input_literal(given, argument.type)
    return None if value is Undefined else Step(name, None, value, is_required=False, is_strict=False)
