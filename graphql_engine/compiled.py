"""GraphQL operations compiled once into plain closures, for all that clients commonly send.

A compiled operation is graphql-core's own executor without the work that is the same for every request: the fields are
collected once, an attribute is read by `getattr`, a resolver is called directly, a value of the expected Python class
is taken as it is. Whatever else turns up (another class, an exception, an argument that does not fit) is handed to the
executor's own method for just that value, so that every message, path and order of errors is graphql-core's.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from enum import Flag
from functools import partial
from inspect import iscoroutinefunction
from types import NoneType
from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary

import graphql as gql
from graphql import Undefined, coerce_input_literal
from graphql.execution.collect_fields import FieldDetailsList, collect_fields
from graphql.execution.executor import CollectedErrors, default_field_resolver, to_nodes
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.pyutils import Path, gather_with_cancel
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry import Schema
from strawberry.relay import GlobalID
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.cast import get_strawberry_type_cast
from strawberry.types.field import StrawberryField
from typing_extensions import override

from graphql_engine.documents import Document
from graphql_engine.execution import Execute, is_awaitable

MAX_VARIANTS = 32
"""Of one operation: each combination of its Boolean variables, on which `@skip` and `@include` go, has a plan."""
UNCHANGED: dict[object, type] = {gql.GraphQLString: str, gql.GraphQLID: str, gql.GraphQLBoolean: bool}
"""Built-in scalars, and the Python class whose values they pass on as they are, in and out."""
PLAIN = frozenset({NoneType, bool, int, float, str, list, dict, date, datetime, Decimal})
"""Classes whose values are neither awaitables nor exceptions."""
BACKREF = GraphQLCoreConverter.DEFINITION_BACKREF

MakeInfo: TypeAlias = Callable[[], gql.GraphQLResolveInfo[object]]
Step: TypeAlias = Callable[["Run", Any, Any], object]
"""Resolves a field (given what makes its info) or completes a value (given its path), or returns an awaitable."""


class Facts:
    """What the types and fields of a schema come down to, once Strawberry's machinery is taken away.

    Only what Strawberry makes itself is recognised, and only where nothing was added to it (extensions, exception
    handlers, subclasses, hooks); anything else goes the long way.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema._schema  # noqa: SLF001  # the schema that graphql-core executes has no public name
        self._converter = schema.schema_converter
        types = [named for named in self.schema.type_map.values() if gql.is_object_type(named)]
        self._classes = {one.extensions[BACKREF].origin: one for one in types if _is_plain(one.extensions.get(BACKREF))}

    def types_by_class(self, of: Any) -> dict[type, gql.GraphQLObjectType]:
        """The object type of each Python class that is `of`, where the class alone decides it."""
        if getattr(of.extensions.get(BACKREF), "resolve_type", None):
            return {}
        possible = {of} if gql.is_object_type(of) else self.schema.get_possible_types(of)
        return {origin: named for origin, named in self._classes.items() if named in possible}

    def reading_of(self, plan: "Run", field: gql.GraphQLField, node: gql.FieldNode) -> tuple[str | None, Step]:
        """The attribute that a field shows, if it does no more; and what resolves it: a direct call, if that is all."""
        definition, resolve = field.extensions.get(BACKREF), field.resolve or default_field_resolver
        made_as = getattr(resolve, "__qualname__", "").removeprefix("GraphQLCoreConverter.from_resolver.<locals>.")

        def long_way(run: Run, source: object, info: MakeInfo) -> object:
            given = gql.get_argument_values(field, node, run.variable_values, None, run.hide_suggestions)
            return resolve(source, info(), **given)

        # Strawberry's own parameters of these names would clash with the arguments.
        if type(definition) is not StrawberryField or definition.extensions or {"info", "_source"} & field.args.keys():
            return None, long_way
        if made_as == "_get_basic_result" and definition.default_resolver is getattr:
            return definition.python_name, long_way
        function: Any = getattr(definition.base_resolver, "wrapped_func", None)
        is_stock = made_as == ("_async_resolver" if iscoroutinefunction(function) else "_resolver")
        if not is_stock or self._converter._get_field_exception_handlers(definition):  # noqa: SLF001  # no public name
            return None, long_way
        arguments = self._arguments(plan, definition, field, node)
        return None, long_way if arguments is None else self._call(definition, function, arguments)

    def _arguments(self, plan: "Run", definition: StrawberryField, field: gql.GraphQLField, node: gql.FieldNode) -> Any:
        """Of each argument of a call: its name, the variable that it takes, the value without one, and its conversion.

        None where a value could be faulty, or could be changed by the function that gets it.
        """
        definitions = plan.operation.variable_definitions or ()
        required = {one.variable.name.value for one in definitions if isinstance(one.type, gql.NonNullTypeNode)}
        given = {one.name.value: one.value for one in node.arguments or ()}
        config, registry = self._converter.config, self._converter.scalar_registry
        arguments = []
        for argument in definition.arguments:
            name, kind = config.name_converter.from_argument(argument), argument.type
            of, value, constant = field.args[name].type, given.get(name), coerce_default_value(field.args[name])
            inner, variable = gql.get_nullable_type(of), None
            if isinstance(value, gql.VariableNode):
                variable = value.name.value
                if inner is not of and variable not in required:
                    return None
            elif value is not None:
                if not gql.is_enum_type(inner):
                    return None
                constant = coerce_input_literal(value, of)
            is_wrapped = argument.is_maybe or GlobalID in (kind, getattr(kind, "of_type", None))
            convert = partial(convert_argument, type_=kind, scalar_registry=registry, config=config, path=(name,))
            is_same = gql.is_leaf_type(inner) and not is_wrapped
            arguments.append((argument.python_name, variable, constant, None if is_same else convert))
        return arguments

    def _call(self, definition: StrawberryField, function: Callable[..., object], arguments: Any) -> Step:
        resolver: Any = definition.base_resolver
        source_names = [one.name for one in (resolver.parent_parameter, resolver.root_parameter) if one]
        takes_self, info_name = resolver.self_parameter is not None, getattr(resolver.info_parameter, "name", None)
        may_fail = any(convert for _, _, _, convert in arguments)
        make_info = self._converter.config.info_class

        def call(run: Run, source: object, raw_info: MakeInfo) -> Any:
            info = make_info(_raw_info=raw_info(), _field=definition) if info_name or may_fail else None
            variables = run.variable_values.coerced
            given = dict.fromkeys(source_names, source)
            for name, variable, constant, convert in arguments:
                value = variables.get(variable, constant)
                if value is not Undefined:
                    given[name] = convert(value=value, info=info) if convert else value
            if info_name:
                given[info_name] = info
            return function(source, **given) if takes_self else function(**given)

        async def call_later(run: Run, source: object, raw_info: MakeInfo) -> object:
            return await call(run, source, raw_info)

        # What fails before an async resolver does so when that is awaited.
        return call_later if may_fail and iscoroutinefunction(function) else call


def _is_plain(definition: object) -> bool:
    """Whether the class alone decides the type: no generic, no `is_type_of` of its own, nothing raised or awaited."""
    return (
        type(definition) is StrawberryObjectDefinition
        and definition.is_type_of is None
        and vars(definition.origin).get("__strawberry_definition__") is definition
        and not issubclass(definition.origin, BaseException | Awaitable | dict)
        and not hasattr(definition.origin, "__getattr__")
    )


def _conversions(of: gql.GraphQLLeafType) -> dict[type, Callable[[Any], object]]:
    """What makes the output of a leaf's values, by their class; with any other class it takes graphql-core."""
    complete = partial(gql.Executor.complete_leaf_value, of)
    if of in UNCHANGED:
        return {UNCHANGED[of]: UNCHANGED[of]}  # A class that is called with a value of its own returns just that.
    if of is gql.GraphQLInt:
        return {int: lambda value: value if -(2**31) <= value < 2**31 else complete(value)}
    if type(of) is CustomGraphQLEnumType and not issubclass(of.wrapped_cls, Flag):
        members: Any = of.wrapped_cls
        return {members: {member: of.coerce_output_value(member) for member in members}.__getitem__}
    return dict.fromkeys(PLAIN - {NoneType}, complete)


class Field:
    """A field where it is selected; with `of`, the items of its list, which complete and fail each for itself."""

    def __init__(self, plan: "Run", parent: gql.GraphQLObjectType, details: FieldDetailsList, of: Any = None) -> None:
        self.parent, self.details, self.nodes = parent, details, to_nodes(details)
        node = self.nodes[0]
        self.name = (node.alias or node.name).value
        self.definition = cast("gql.GraphQLField", plan.schema.get_field(parent, node.name.value))
        self.attribute, self.resolve = plan.facts.reading_of(plan, self.definition, node)
        self.type: gql.GraphQLOutputType = of or self.definition.type
        inner = gql.get_nullable_type(self.type)
        self.leaf = _conversions(inner) if gql.is_leaf_type(inner) else {}
        self.known: dict[type, Step] = dict.fromkeys(self.leaf, lambda run, value, path: self.leaf[type(value)](value))
        """What completes values, by their class; with any other class it takes graphql-core."""
        self.types = plan.facts.types_by_class(inner) if gql.is_composite_type(inner) else {}
        """The object types of further classes, whose fields are compiled when a value is met."""
        if gql.is_list_type(inner):
            self.known = dict.fromkeys((list, tuple), Field(plan, parent, details, inner.of_type).items)
        if inner is self.type:
            self.leaf[NoneType] = lambda value: None
            self.known[NoneType] = lambda run, value, path: None

    def run(self, run: "Run", source: object, above: Path | None) -> object:
        """What the field resolves to, completed, or an awaitable of it. Raises whatever goes wrong."""
        if self.definition is gql.TypeNameMetaFieldDef:
            return self.parent.name
        path = Path(above, self.name, self.parent.name)
        return self.receive(run, self.resolve(run, source, lambda: self.info(run, path)), path)

    def info(self, run: "Run", path: Path) -> gql.GraphQLResolveInfo[object]:
        """What graphql-core knows of the field; `path` may be that of an item of its list."""
        while isinstance(path.key, int) and path.prev is not None:
            path = path.prev
        return run.build_resolve_info(self.definition, self.nodes, self.parent, path)

    def receive(self, run: "Run", value: object, path: Path) -> object:
        """What `value`, which may have to be awaited, is completed to, or an awaitable of it."""
        if type(value) not in self.known and is_awaitable(value):
            return self._later(run, value, path)
        return self._complete(run, value, path)

    async def _later(self, run: "Run", value: Awaitable[object], path: Path) -> object:
        completed = self._complete(run, await value, path)
        return await completed if is_awaitable(completed) else completed

    def _complete(self, run: "Run", value: object, path: Path) -> object:
        complete = self.known.get(type(value))
        if complete is None and type(value) in self.types and get_strawberry_type_cast(value) is None:
            complete = self.known[type(value)] = run.fields_of(self.types[type(value)], self.details)
        if complete is not None and get_strawberry_type_cast(value) is None:
            return complete(run, value, path)
        return run.complete_value(self.type, self.details, self.info(run, path), path, value, None)

    def fail(self, run: "Run", error: Exception, path: Path) -> Any:
        """Note the error, or raise it where the value is not to be null."""
        run.handle_field_error(error, self.type, self.details, path)

    async def guarded(self, run: "Run", value: Awaitable[object], path: Path) -> object:
        """The awaited value, or null for a noted error."""
        try:
            return await value
        except Exception as error:
            return self.fail(run, error, path)

    def items(self, run: "Run", value: Iterable[object], above: Path | None) -> object:
        """The completed items of the list at `above`, or an awaitable of them."""
        results: list[object] = []
        pending: list[int] = []
        items = enumerate(value)
        try:
            for index, item in items:
                path = Path(above, index, None)
                try:
                    done = self.receive(run, item, path)
                    if type(done) not in PLAIN and is_awaitable(done):
                        done = self.guarded(run, done, path)
                        pending.append(index)
                except Exception as error:
                    done = self.fail(run, error, path)
                results.append(done)
        except Exception:
            run.track_async_work([*results, *(item for _, item in items)])
            raise
        return _gathered(results, pending) if pending else results


def _side_by_side(fields: list[Field]) -> Step:
    entries = [(field.name, field.attribute, field.leaf, field) for field in fields]

    def run_fields(run: Run, source: object, above: Path | None) -> object:
        results: dict[str, object] = {}
        pending: list[str] = []
        try:
            for name, attribute, leaf, field in entries:
                try:
                    if attribute is None:
                        value = field.run(run, source, above)
                    else:
                        value = getattr(source, attribute)
                        convert = leaf.get(type(value))
                        if convert is not None:
                            value = convert(value)
                        else:
                            value = field.receive(run, value, Path(above, name, field.parent.name))
                    if type(value) not in PLAIN and is_awaitable(value):
                        value = field.guarded(run, value, Path(above, name, field.parent.name))
                        pending.append(name)
                except Exception as error:
                    value = field.fail(run, error, Path(above, name, field.parent.name))
                results[name] = value
        except Exception:
            run.track_async_work(list(results.values()))
            raise
        return _gathered(results, pending) if pending else results

    return run_fields


async def _gathered(results: Any, pending: Sequence[object]) -> object:
    """The dict or list, with what is pending at these keys awaited side by side."""
    if len(pending) == 1:
        results[pending[0]] = await results[pending[0]]
    else:
        for key, value in zip(pending, await gather_with_cancel(*(results[key] for key in pending)), strict=True):
            results[key] = value
    return results


class Run(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor with compiled fields: the plan of an operation, and its copy for each request."""

    def compiled(self, facts: Facts) -> "Run":
        """The executor as a plan. Raises `GraphQLError` where a condition is null."""
        self.facts, self.is_awaitable = facts, cast("Any", is_awaitable)
        self._selections: dict[tuple[gql.GraphQLObjectType, int], Step] = {}
        root = cast("gql.GraphQLObjectType", self.schema.get_root_type(self.operation.operation))
        grouped = collect_fields(self.schema, self.fragments, self.variable_values, root, self.operation)
        fields = [Field(self, root, details) for details in grouped.grouped_field_set.values()]
        in_turn = self.operation.operation is gql.OperationType.MUTATION  # Each begins when the one before has ended.
        self._stages = [_side_by_side(stage) for stage in ([[one] for one in fields] if in_turn else [fields])]
        self.variable_values = VariableValues({}, {})  # Those of one request are not to be kept.
        return self

    def fields_of(self, of: gql.GraphQLObjectType, details: FieldDetailsList) -> Step:
        """What runs the fields that `details` select on an object of this type; made once."""
        key = of, id(details)  # The executor keeps `details` beside what it collects, so their id stays their own.
        if key not in self._selections:
            grouped = self.collect_subfields(of, details).grouped_field_set
            self._selections[key] = _side_by_side([Field(self, of, one) for one in grouped.values()])
        return self._selections[key]

    @override
    def collect_and_execute_subfields(
        self, return_type: Any, field_details_list: FieldDetailsList, path: Path, result: object, position_context: Any
    ) -> Any:
        """What graphql-core completes itself comes back to the plan for the fields of an object."""
        return self.fields_of(return_type, field_details_list)(self, result, path)

    async def result(self) -> gql.ExecutionResult:
        """What the request comes to."""
        data: dict[str, object] = {}
        try:
            for run_fields in self._stages:
                done: Any = run_fields(self, None, None)
                data.update(await done if is_awaitable(done) else done)
        except gql.GraphQLError as error:
            self.collected_errors.add(error, None)
            return gql.ExecutionResult(None, self.collected_errors.errors)
        return gql.ExecutionResult(data, self.collected_errors.errors or None)


class Operation:
    """One operation of a document, with the plans that were made of it."""

    def __init__(self, facts: Facts, document: Document, name: str | None, node: gql.OperationDefinitionNode) -> None:
        self._facts, self._definitions = facts, node.variable_definitions or ()
        self._build: Any = partial(Run.build, facts.schema, document.node, operation_name=name)
        signatures: Any = [get_variable_signature(facts.schema, one) for one in self._definitions]
        self._variables = [(one.name, UNCHANGED.get(gql.get_nullable_type(one.type)), one) for one in signatures]
        self._switches = [name for name, kind, _ in self._variables if kind is bool]
        self._plans: dict[tuple[object, ...], Run] = {}

    def begin(self, given: Mapping[str, object], context: object, *, trusted: bool) -> Run | None:
        """The execution of a request; None where graphql-core is to see it."""
        sources, coerced = dict[str, VariableValueSource](), dict[str, object]()
        for name, kind, signature in self._variables:
            value = coerced[name] = given.get(name)
            sources[name] = VariableValueSource(signature, value)
            if type(value) is not kind:
                variables: Any = gql.get_variable_values(self._facts.schema, self._definitions, dict(given), 1)
                if isinstance(variables, list):
                    return None
                break
        else:
            variables = VariableValues(sources, coerced)
        key = tuple([variables.coerced.get(name) for name in self._switches])
        if key not in self._plans and len(self._plans) < MAX_VARIANTS:
            with suppress(gql.GraphQLError):
                self._plans[key] = self._build(raw_variable_values=dict(given)).compiled(self._facts)
        if key not in self._plans:
            return None
        run = Run.__new__(Run)
        run.__dict__.update(self._plans[key].__dict__)
        run.variable_values, run.context_value, run.hide_suggestions = variables, context, not trusted
        run.collected_errors = CollectedErrors()
        return run


class CompiledOperations:
    """Runs what it can compile; `otherwise` runs the rest."""

    def __init__(self, schema: Schema, otherwise: Execute) -> None:
        self._facts, self._otherwise = Facts(schema), otherwise
        self._operations: WeakKeyDictionary[Document, dict[str | None, Operation]] = WeakKeyDictionary()

    async def __call__(
        self,
        document: Document,
        operation: gql.OperationDefinitionNode,
        variables: Mapping[str, object] | None,
        context: object,
        *,
        trusted: bool,
    ) -> gql.ExecutionResult:
        operations = self._operations.setdefault(document, {})
        name = operation.name.value if operation.name else None
        if name not in operations:
            operations[name] = Operation(self._facts, document, name, operation)
        run = None if document.cost.introspects else operations[name].begin(variables or {}, context, trusted=trusted)
        if run is None:
            return await self._otherwise(document, operation, variables, context, trusted=trusted)
        return await run.result()
