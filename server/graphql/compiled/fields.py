"""A field where it is selected: how it is resolved, and where its errors go."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import (
    GraphQLObjectType,
)
from graphql.execution import default_field_resolver
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor import to_nodes
from graphql.pyutils import Path
from graphql.type import GraphQLResolveInfo
from strawberry.execution import optimized_is_awaitable as is_awaitable

from server.graphql.compiled.arguments import Arguments
from server.graphql.compiled.calls import Call
from server.graphql.compiled.run import Run, guarded

if TYPE_CHECKING:
    from server.graphql.compiled.plan import Plan

Info: TypeAlias = GraphQLResolveInfo[Any]
RunFields: TypeAlias = Callable[[Run, Any, Path | None], Any]
"""Runs one field or several of an object (whose own path is given): the result or an awaitable of it."""


class Field:
    """A field where it is selected in an operation."""

    def __init__(self, plan: "Plan", parent: GraphQLObjectType, name: str, details: FieldDetailsList) -> None:
        definition = plan.schema.get_field(parent, details[0].node.name.value)
        assert definition is not None  # Validation has seen to it.
        self.plan = plan
        self.parent = parent
        self.name = name
        self.details = details
        self.nodes = to_nodes(details)
        self.definition = definition
        self.type = definition.type
        self.complete = plan.completion(self, definition.type)
        self.run: RunFields = resolution(self)

    def info(self, run: Run, path: Path) -> Any:
        """What graphql-core tells of the field; `path` may be that of an item of its list."""
        while isinstance(path.key, int) and path.prev is not None:
            path = path.prev
        return run.build_resolve_info(self.definition, self.nodes, self.parent, path)

    def fail(self, run: Run, error: Exception, above: Path | None) -> None:
        """Note the error, or raise it where the field is not to be null."""
        run.handle_field_error(error, self.type, self.details, Path(above, self.name, self.parent.name))

    def finish(self, run: Run, value: Any, above: Path | None) -> Any:
        """What `value` is completed to, or an awaitable of it."""
        return self.finish_at(run, value, Path(above, self.name, self.parent.name), None)

    def finish_at(self, run: Run, value: Any, path: Path, info: Info | None) -> Any:
        try:
            if type(value) not in self.plan.calls.plain and is_awaitable(value):
                info = info or self.info(run, path)
                return run.complete_awaitable_value(self.type, self.details, info, path, value, None)
            completed = self.complete(run, value, path, info)
            if is_awaitable(completed):
                return guarded(run, completed, self.type, self.details, path)
        except Exception as error:
            run.handle_field_error(error, self.type, self.details, path)
            return None
        return completed

    def guard(self, run: Run, completed: Any, above: Path | None) -> Any:
        """For what a scalar made of a value: nothing says that it is no awaitable."""
        if not is_awaitable(completed):
            return completed
        return guarded(run, completed, self.type, self.details, Path(above, self.name, self.parent.name))


def resolution(field: Field) -> RunFields:
    """What resolves a field that is more than an attribute, and completes what it resolved to."""
    if field.nodes[0].name.value == "__typename":
        name = field.parent.name
        return lambda run, source, above: name
    arguments = Arguments(field.definition, field.nodes[0])
    call = field.plan.calls.call_of(field.definition)
    if call is None:
        return _as_graphql_core_does(field, arguments)
    return _later(field, arguments, call) if call.is_async else _now(field, arguments, call)


def _as_graphql_core_does(field: Field, arguments: Arguments) -> RunFields:
    resolve = field.definition.resolve or default_field_resolver

    def run_field(run: Run, source: Any, above: Path | None) -> Any:
        path = Path(above, field.name, field.parent.name)
        info = field.info(run, path)
        try:
            value = resolve(source, info, **arguments.of(run))
        except Exception as error:
            return run.handle_field_error(error, field.type, field.details, path)
        return field.finish_at(run, value, path, info)

    return run_field


def _now(field: Field, arguments: Arguments, call: Call) -> RunFields:
    def run_field(run: Run, source: Any, above: Path | None) -> Any:
        path = Path(above, field.name, field.parent.name)
        try:
            value = call(source, arguments.of(run), field.info(run, path) if call.needs_info else None)
        except Exception as error:
            return run.handle_field_error(error, field.type, field.details, path)
        return field.finish_at(run, value, path, None)

    return run_field


def _later(field: Field, arguments: Arguments, call: Call) -> RunFields:
    def run_field(run: Run, source: Any, above: Path | None) -> Any:
        path = Path(above, field.name, field.parent.name)
        try:
            return resolved(run, source, path, arguments.of(run))
        except Exception as error:
            return run.handle_field_error(error, field.type, field.details, path)

    async def resolved(run: Run, source: Any, path: Path, given: dict[str, Any]) -> Any:
        try:
            value = await call(source, given, field.info(run, path) if call.needs_info else None)
            completed = field.complete(run, value, path, None)
            return await completed if is_awaitable(completed) else completed
        except Exception as error:
            return run.handle_field_error(error, field.type, field.details, path)

    return run_field
