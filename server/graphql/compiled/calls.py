"""What a field of a Strawberry schema comes down to, once its machinery is taken away.

Only what Strawberry makes itself is recognised, and only where nothing was added to it (extensions, subclasses, hooks);
of anything else these answer None or nothing, and the caller goes the long way.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, Flag
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, NamedTuple, cast

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLObjectType,
    is_object_type,
)
from graphql.execution import Executor
from strawberry import Schema
from strawberry.relay import GlobalID
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.base import StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.types.union import StrawberryUnion
from strawberry.utils.await_maybe import await_maybe

from server.graphql.compiled.variables import UNCHANGED

STOCK_RESOLVER = "GraphQLCoreConverter.from_resolver.<locals>."
PLAIN = frozenset({bool, int, float, str, date, datetime, Decimal})
"""Classes whose values are neither awaitables nor exceptions, whatever a scalar makes of them."""
INTS = range(-(2**31), 2**31)
"""What `Int` can say."""
BACKREF = GraphQLCoreConverter.DEFINITION_BACKREF

Leaf = tuple[frozenset[type], Callable[[Any], Any] | None]


class Calls:
    """What is known of one schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema._schema  # noqa: SLF001  # the schema that graphql-core executes has no public name
        self._converter = schema.schema_converter
        self.origins: dict[GraphQLObjectType, type] = {}
        """The Python class of an object type, where its instances need no further look."""
        for named in self.schema.type_map.values():
            definition = named.extensions.get(BACKREF)
            if is_object_type(named) and type(definition) is StrawberryObjectDefinition and _is_plain(definition):
                self.origins[named] = definition.origin
        self.plain = PLAIN | {type(None), list, dict, tuple} | set(self.origins.values())
        """Classes whose values are neither awaitables nor exceptions."""

    def leaf(self, of: GraphQLLeafType) -> Leaf:
        """The classes of the values that `of` puts out without fault, and what it makes of them (None: no change)."""
        complete = partial(Executor.complete_leaf_value, of)
        if of in UNCHANGED:
            return frozenset({UNCHANGED[of]}), None
        if type(of) is CustomGraphQLEnumType:
            members = cast("type[Enum]", of.wrapped_cls)
            if not issubclass(members, Flag):
                names = {one: of.coerce_output_value(one) for one in members.__members__.values()}
                return frozenset({members}), names.__getitem__
        if of is GraphQLInt:
            return frozenset({int}), lambda value: value if value in INTS else complete(value)
        return PLAIN, complete

    def attribute_of(self, field: GraphQLField) -> str | None:
        """The attribute that the field shows, where it does no more than that."""
        definition = field.extensions.get(BACKREF)
        if (
            type(definition) is StrawberryField
            and definition.is_basic_field
            and definition.default_resolver is getattr
            and _is_stock(field, "_get_basic_result")
        ):
            return definition.python_name
        return None

    def types_by_class(self, of: GraphQLAbstractType) -> dict[type, GraphQLObjectType]:
        """The object type of each Python class, where the class alone decides it."""
        definition = of.extensions.get(BACKREF)
        if type(definition) is not StrawberryUnion and (
            type(definition) is not StrawberryObjectDefinition or definition.resolve_type is not None
        ):
            return {}
        base = definition.origin if isinstance(definition, StrawberryObjectDefinition) else object
        return {
            self.origins[one]: one
            for one in self.schema.get_possible_types(of)
            if one in self.origins and issubclass(self.origins[one], base)
        }

    def call_of(self, field: GraphQLField) -> "Call | None":
        """A direct call of the field's resolver, where Strawberry would do no more."""
        definition = field.extensions.get(BACKREF)
        if type(definition) is not StrawberryField or type(definition.base_resolver) is not StrawberryResolver:
            return None
        is_async = _is_stock(field, "_async_resolver")
        if not (is_async or _is_stock(field, "_resolver")) or definition.extensions or definition.is_subscription:
            return None
        # Strawberry's own parameters of these names would clash with the arguments.
        if is_async != iscoroutinefunction(definition.base_resolver.wrapped_func) or {"info", "_source"} & set(
            field.args
        ):
            return None
        call = Call(definition, self._converter, is_async=is_async)
        return call if is_async or not call.handlers else None


def _is_plain(definition: StrawberryObjectDefinition) -> bool:
    """Whether the class alone tells the type: no generic, no `is_type_of` of its own, nothing that is awaited."""
    origin = definition.origin
    return (
        definition.concrete_of is None
        and not definition.is_graphql_generic
        and definition.is_type_of is None
        and origin.__dict__.get("__strawberry_definition__") is definition
        and not issubclass(origin, BaseException | dict)
        and not hasattr(origin, "__await__")
        and not hasattr(origin, "__getattr__")
    )


def _is_stock(field: GraphQLField, name: str) -> bool:
    return getattr(field.resolve, "__qualname__", "") == STOCK_RESOLVER + name


class Call:
    """A resolver without what surrounds it. Raises what it raises, unless an exception handler has an answer."""

    def __init__(self, definition: StrawberryField, converter: GraphQLCoreConverter, *, is_async: bool) -> None:
        resolver = definition.base_resolver
        assert resolver is not None
        self.is_async = is_async
        self._definition = definition
        self._make_info = converter.config.info_class
        self._function = cast("Callable[..., Any]", resolver.wrapped_func)
        self._takes_self = resolver.self_parameter is not None
        self._info_name = resolver.info_parameter.name if resolver.info_parameter else None
        self._source_names = [one.name for one in (resolver.parent_parameter, resolver.root_parameter) if one]
        self._conversions = [_conversion(argument, converter) for argument in definition.arguments]
        # Strawberry chose them when it made the schema; asking again gives the same answer.
        self.handlers = converter._get_field_exception_handlers(definition)  # noqa: SLF001  # nothing public tells them
        self.needs_info = bool(self._info_name or self.handlers or any(one.convert for one in self._conversions))

    def __call__(self, source: Any, given: Mapping[str, Any], raw_info: Any) -> Any:
        """The resolver's answer, or an awaitable of it."""
        return (
            self._answer(source, given, raw_info) if self.handlers else self._bare(source, given, self._info(raw_info))
        )

    def _info(self, raw_info: Any) -> Any:
        return self._make_info(_raw_info=raw_info, _field=self._definition)

    def _bare(self, source: Any, given: Mapping[str, Any], info: Any) -> Any:
        arguments = {}
        for name, python_name, convert in self._conversions:
            if name in given:
                value = given[name]
                arguments[python_name] = value if convert is None else convert(value=value, info=info)
        for name in self._source_names:
            arguments[name] = source
        if self._info_name is not None:
            arguments[self._info_name] = info
        return self._function(source, **arguments) if self._takes_self else self._function(**arguments)

    async def _answer(self, source: Any, given: Mapping[str, Any], raw_info: Any) -> Any:
        info = self._info(raw_info)
        try:
            return await self._bare(source, given, info)
        except Exception as error:
            for exceptions, handler in self.handlers:
                if isinstance(error, exceptions):
                    answer = await await_maybe(handler.handle(error, field=self._definition, info=info))
                    if answer is not None:
                        return answer
                    break
            raise


class Conversion(NamedTuple):
    """How a coerced argument becomes what a resolver gets (None: it is that already)."""

    name: str
    python_name: str
    convert: Callable[..., Any] | None


def _conversion(argument: StrawberryArgument, converter: GraphQLCoreConverter) -> Conversion:
    name = converter.config.name_converter.from_argument(argument)
    of = argument.type
    inner = of.of_type if type(of) is StrawberryOptional else of
    is_leaf = isinstance(inner, StrawberryEnumDefinition) or (
        inner is not GlobalID and inner in converter.scalar_registry
    )
    if is_leaf:
        return Conversion(name, argument.python_name, None)
    convert = partial(
        convert_argument, type_=of, scalar_registry=converter.scalar_registry, config=converter.config, path=(name,)
    )
    return Conversion(name, argument.python_name, convert)
