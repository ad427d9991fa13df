"""Relay: nodes, edges, connections and their arguments, and how types are made from what they show."""

from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Generic, Self, TypeVar

import strawberry

from models import pagination as models
from models.pagination import Slice
from models.values.ids import global_id

Item = TypeVar("Item")
Model = TypeVar("Model")

First = Annotated[
    int | None, strawberry.argument(description="How many items from the start (0–100; 20 when nothing is given).")
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="Only items after this cursor of the same list and order; one that was altered is BAD_USER_INPUT."
    ),
]
Last = Annotated[int | None, strawberry.argument(description="How many items from the end (0–100).")]
Before = Annotated[
    str | None,
    strawberry.argument(
        description="Only items before this cursor of the same list and order; one that was altered is BAD_USER_INPUT."
    ),
]


class Shows(Generic[Model]):
    """A GraphQL type that shows a model: each of its fields is the model's attribute of the same name.

    Where fields differ, a type overrides `of` and says only those, to `by_name`.
    """

    @classmethod
    def of(cls, model: Model, /) -> Self:
        """Returns the object that shows a model."""
        shown: Self = _maker(cls)(model)  # type: ignore[arg-type]  # a class is hashable
        return shown

    @classmethod
    def or_none(cls, model: Model | None) -> Self | None:
        """Returns the object that shows a model, or None for none."""
        return None if model is None else cls.of(model)

    @classmethod
    def by_name(cls, model: object, /, **others: object) -> Self:
        """Returns the object with `others`, and each further field of the model's attribute of its name."""
        shown: Self = _maker(cls, *others)(model, **others)  # type: ignore[arg-type]  # a class is hashable
        return shown


@cache
def _maker(shown: type, *others: str) -> Callable[..., Any]:
    """What makes a `shown` of a model, written out as Python once for each type, as dataclasses write theirs.

    It runs for each item of each list, where reading the attributes by a list of their names takes half as long again.
    """
    values = {one.name: f"_.{one.name}" for one in fields(shown) if one.init}
    if issubclass(shown, Entity):
        values |= {"id": f"_global_id({shown.__name__!r}, _.id)", "database_id": "_.id"}
    values |= {name: name for name in others}
    arguments = ", ".join(f"{name}={value}" for name, value in values.items())
    source = f"lambda {', '.join(('_', *others))}: _shown({arguments})"
    maker: Callable[..., Any] = eval(source, {"_shown": shown, "_global_id": global_id})  # noqa: S307  # our own names
    return maker


@strawberry.interface(description="An object that can be fetched again by its global id.")
class Node:
    id: strawberry.ID = strawberry.field(description="The Relay global id.")


@strawberry.type
class Entity(Node):
    """A node that is stored: `Shows.of` makes both of its ids from the model's `id`."""

    database_id: strawberry.ID = strawberry.field(description="The raw `_id`, as REST shows it.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge.")


def _cursor(root: Any) -> str:
    """Written only where it is asked for: most clients read the nodes and the page's two cursors."""
    cursor: str = root.place.cursor
    return cursor


@strawberry.type(description="An item of a list, and where it stands.")
class Edge(Generic[Item]):
    cursor: str = strawberry.field(resolver=_cursor, description="An opaque position for `after` and `before`.")
    node: Item = strawberry.field(description="The item.")
    place: strawberry.Private[models.Edge[Any]]


@strawberry.type(description="A page of a list.")
class Connection(Generic[Item]):
    edges: list[Edge[Item]] = strawberry.field(description="The items of this page with their cursors.")
    nodes: list[Item] = strawberry.field(description="The items of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands in its list.")
    counter: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many items the whole list has; counted only where it is asked for.")
    async def total_count(self) -> int:
        return await self.counter()

    @classmethod
    def of(cls, page: Slice[Model], to_node: Callable[[Model], Item], count: Callable[[], Awaitable[int]]) -> Self:
        """Returns the connection for a slice of models, whose whole list `count` counts."""
        edges = [Edge(place=edge, node=to_node(edge.node)) for edge in page.edges]
        info = PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.edges[0].cursor if edges else None,
            end_cursor=page.edges[-1].cursor if edges else None,
        )
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=info, counter=count)


@strawberry.input
class PeriodInput:
    """What the filter of every list has that is narrowed by when something happened."""

    from_: datetime | None = strawberry.field(
        name="from", default=strawberry.UNSET, description="Only from this instant on, itself included."
    )
    to: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Only before this instant, itself not included."
    )


@strawberry.input
class IdempotentInput:
    """What the input of every mutation has beside its own fields."""

    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Your own word for this change, up to 255 printable ASCII characters: sent again with the same input "
            "within 24 hours it answers what it answered first and changes nothing."
        ),
    )
