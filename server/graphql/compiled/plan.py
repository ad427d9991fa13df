"""The closures that an operation is compiled into."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    OperationType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution import default_field_resolver, default_type_resolver
from graphql.execution.collect_fields import FieldDetailsList, FragmentDetails, GroupedFieldSet, collect_fields
from graphql.execution.executor import collect_iterator_awaitables
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable as is_awaitable
from strawberry.types.cast import get_strawberry_type_cast

from server.graphql.compiled.calls import Calls
from server.graphql.compiled.fields import Field, Info, RunFields
from server.graphql.compiled.run import Run, gathered, guarded

Complete: TypeAlias = Callable[[Run, Any, Path, Info | None], Any]
"""Completes a value at a path: the result or an awaitable of it. Raises what is not to be null."""


class Entry(NamedTuple):
    """A field of a selection. With an `attribute`, values of the classes `kinds` need no more than `convert`."""

    name: str
    attribute: str | None
    kinds: frozenset[type]
    convert: Callable[[Any], Any] | None
    nullable: bool
    field: "Field"


class Plan:
    """The closures of one operation, for one combination of its conditions."""

    def __init__(
        self,
        calls: Calls,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        conditions: dict[str, Any],
    ) -> None:
        self.calls = calls
        self.schema = calls.schema
        self.template = Run(
            self.schema, fragments, {name: FragmentDetails(one) for name, one in fragments.items()}, None, None,
            operation, VariableValues({}, conditions), default_field_resolver, default_type_resolver,
            default_field_resolver, is_awaitable=is_awaitable,
        )  # fmt: skip
        self.template.plan = self
        self._selections: dict[tuple[GraphQLObjectType, int], tuple[FieldDetailsList, RunFields]] = {}
        root = self.schema.get_root_type(operation.operation)
        assert root is not None  # Validation has seen to it.
        grouped = collect_fields(
            self.schema, self.template.fragments, self.template.variable_values, root, operation
        ).grouped_field_set
        entries = self._entries(root, grouped)
        is_mutation = operation.operation is OperationType.MUTATION
        self.root = self._in_turn(entries) if is_mutation else self._side_by_side(entries)

    def fields_of(self, of: GraphQLObjectType, details: FieldDetailsList) -> RunFields:
        """What runs the fields selected on an object of this type; made once."""
        key = (of, id(details))  # `details` is kept beside, so that its id stays its own.
        known = self._selections.get(key)
        if known is None:
            entries = self._entries(of, self.template.collect_subfields(of, details).grouped_field_set)
            known = self._selections[key] = (details, self._side_by_side(entries))
        return known[1]

    def _entries(self, parent: GraphQLObjectType, grouped: GroupedFieldSet) -> tuple[Entry, ...]:
        return tuple(self._entry(parent, name, details) for name, details in grouped.items())

    def _entry(self, parent: GraphQLObjectType, name: str, details: FieldDetailsList) -> Entry:
        field = Field(self, parent, name, details)
        nullable = not is_non_null_type(field.type)
        inner = get_nullable_type(field.type)
        kinds, convert = self.calls.leaf(inner) if is_leaf_type(inner) else (frozenset[type](), None)
        return Entry(name, self.calls.attribute_of(field.definition), kinds, convert, nullable, field)

    def _in_turn(self, entries: tuple[Entry, ...]) -> RunFields:
        """Mutations: the next begins when the one before has ended."""
        singles = [(entry.name, self._side_by_side((entry,))) for entry in entries]

        async def run_in_turn(run: Run, source: Any, above: Path | None) -> dict[str, Any]:
            results: dict[str, Any] = {}
            for name, run_field in singles:
                result = run_field(run, source, above)
                results[name] = (await result if is_awaitable(result) else result)[name]
            return results

        return run_in_turn

    def _side_by_side(self, entries: tuple[Entry, ...]) -> RunFields:  # noqa: C901  # one loop, run for every object
        plain = self.calls.plain

        def run_fields(run: Run, source: Any, above: Path | None) -> Any:
            results: dict[str, Any] = {}
            pending: list[str] = []
            try:
                for name, attribute, kinds, convert, nullable, field in entries:
                    if attribute is None:
                        results[name] = value = field.run(run, source, above)
                    else:
                        try:
                            value = getattr(source, attribute)
                            if type(value) in kinds:
                                results[name] = value = convert(value) if convert is not None else value
                                if type(value) in plain:
                                    continue
                                results[name] = value = field.guard(run, value, above)
                            elif value is None and nullable:
                                results[name] = None
                                continue
                            else:
                                results[name] = value = field.finish(run, value, above)
                        except Exception as error:
                            field.fail(run, error, above)
                            results[name] = None
                            continue
                    if is_awaitable(value):
                        pending.append(name)
            except Exception:
                if pending:
                    run.settle_in_background([results[name] for name in pending])
                raise
            return gathered(results, pending) if pending else results

        return run_fields

    def completion(self, field: Field, of: GraphQLOutputType) -> Complete:
        """What completes a value of this type; `of` is the field's type, or one inside it."""
        if is_non_null_type(of):
            return self._non_null(field, self.completion(field, of.of_type))
        if is_list_type(of):
            return self._list(field, of)
        if is_leaf_type(of):
            return self._leaf(of)
        if is_object_type(of):
            return self._object(field, of)
        return self._abstract(field, of)  # type: ignore[arg-type]  # an output type that is none of the above

    def _non_null(self, field: Field, inner: Complete) -> Complete:
        message = f"Cannot return null for non-nullable field {field.parent}.{field.nodes[0].name.value}."

        def complete(run: Run, value: Any, path: Path, info: Info | None) -> Any:
            completed = inner(run, value, path, info)
            if completed is None:
                raise TypeError(message)
            return completed

        return complete

    def _leaf(self, of: GraphQLLeafType) -> Complete:
        kinds, convert = self.calls.leaf(of)

        def complete(run: Run, value: Any, path: Path, info: Info | None) -> Any:
            if type(value) in kinds:
                return value if convert is None else convert(value)
            if isinstance(value, Exception):
                raise value
            return None if value is None or value is Undefined else run.complete_leaf_value(of, value)

        return complete

    def _object(self, field: Field, of: GraphQLObjectType) -> Complete:
        origin = self.calls.origins.get(of)
        fields = self.fields_of(of, field.details)
        checked = of.is_type_of is not None

        def complete(run: Run, value: Any, path: Path, info: Info | None) -> Any:
            if type(value) is origin and (not checked or get_strawberry_type_cast(value) is None):
                return fields(run, value, path)
            if isinstance(value, Exception):
                raise value
            if value is None or value is Undefined:
                return None
            return run.complete_object_value(of, field.details, info or field.info(run, path), path, value, None)

        return complete

    def _abstract(self, field: Field, of: GraphQLAbstractType) -> Complete:
        types = self.calls.types_by_class(of)
        known: dict[type, RunFields] = {}

        def complete(run: Run, value: Any, path: Path, info: Info | None) -> Any:
            kind = type(value)
            if kind in types and get_strawberry_type_cast(value) is None:
                if kind not in known:
                    known[kind] = self.fields_of(types[kind], field.details)
                return known[kind](run, value, path)
            if isinstance(value, Exception):
                raise value
            if value is None or value is Undefined:
                return None
            return run.complete_abstract_value(of, field.details, info or field.info(run, path), path, value, None)

        return complete

    def _list(self, field: Field, of: GraphQLList[Any]) -> Complete:
        complete_items = self._items(field, of.of_type)

        def complete(run: Run, value: Any, path: Path, info: Info | None) -> Any:
            if type(value) is list or type(value) is tuple:
                return complete_items(run, value, path, info)
            if isinstance(value, Exception):
                raise value
            if value is None or value is Undefined:
                return None
            return run.complete_list_value(of, field.details, info or field.info(run, path), path, value, None)

        return complete

    def _items(self, field: Field, of: GraphQLOutputType) -> Complete:
        plain, details, complete = self.calls.plain, field.details, self.completion(field, of)

        def complete_items(run: Run, value: Any, above: Path, info: Info | None) -> Any:
            results: list[Any] = []
            pending: list[int] = []
            items = iter(value)
            try:
                for index, item in enumerate(items):
                    path = Path(above, index, None)
                    if type(item) not in plain and is_awaitable(item):
                        info = info or field.info(run, above)
                        done = run.complete_awaitable_list_item_value(item, of, details, info, path, None)
                    else:
                        done = complete_item(run, item, path, info)
                    results.append(done)
                    if is_awaitable(done):
                        pending.append(index)
            except Exception:
                waiting = [results[index] for index in pending] + collect_iterator_awaitables(items, is_awaitable)
                if waiting:
                    run.settle_in_background(waiting)
                raise
            return gathered(results, pending) if pending else results

        def complete_item(run: Run, item: Any, path: Path, info: Info | None) -> Any:
            try:
                done = complete(run, item, path, info)
                return guarded(run, done, of, details, path) if is_awaitable(done) else done
            except Exception as error:
                return run.handle_field_error(error, of, details, path)

        return complete_items
