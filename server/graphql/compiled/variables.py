"""The variables of one operation, coerced as graphql-core does, with the work done once that is the same each time."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, input_is_nested_too_deeply
from graphql.utilities.coerce_input_value import coerce_input_literal, coerce_input_value

UNCHANGED: dict[Any, type] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
"""Built-in scalars, and the Python class whose values they pass on as they are, in and out."""


class Variable(NamedTuple):
    """One variable; `unchanged` is the class whose values need no coercion."""

    name: str
    signature: GraphQLVariableSignature
    unchanged: type | None
    is_deep: bool
    is_required: bool


class Variables:
    """Raises `GraphQLError` where the definitions themselves are at fault."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._variables: list[Variable] = []
        for definition in operation.variable_definitions or ():
            signature = get_variable_signature(schema, definition)
            if isinstance(signature, GraphQLError):
                raise signature
            of: Any = signature.type
            required = is_non_null_type(of)
            named = get_named_type(of)
            deep = is_list_type(of.of_type if required else of) or not is_leaf_type(named)
            unchanged = None if deep else UNCHANGED.get(named)
            self._variables.append(Variable(signature.name, signature, unchanged, deep, required))

    def coerce(self, given: Mapping[str, Any]) -> VariableValues | None:
        """The values for execution; None where one does not fit, for graphql-core to say why."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        try:
            for variable in self._variables:
                name, signature, unchanged, _, _ = variable
                value = given.get(name, Undefined)
                sources[name] = VariableValueSource(signature, value)
                if type(value) is not unchanged:
                    value = _default(variable) if value is Undefined else _coerced(value, variable)
                    if value is Undefined:
                        continue
                coerced[name] = value
        except Exception:
            # Whatever it was, graphql-core meets it again and knows how to say it.
            return None
        return VariableValues(sources, coerced)


def _default(variable: Variable) -> Any:
    """What stands for a value that was not given; Undefined where nothing does."""
    default = variable.signature.default
    if default is not None and default.literal is not None:
        # Made anew for each request: a resolver may change a list that it gets.
        return _fitting(coerce_input_literal(default.literal, variable.signature.type))
    if variable.is_required:
        raise ValueError(variable.name)
    return Undefined


def _coerced(value: Any, variable: Variable) -> Any:
    if variable.is_deep and input_is_nested_too_deeply(value, variable.signature.type):
        raise ValueError(variable.name)
    return _fitting(coerce_input_value(value, variable.signature.type))


def _fitting(value: Any) -> Any:
    if value is Undefined:
        raise ValueError(value)
    return value
