"""Relay: nodes, edges, connections."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Self, TypeVar

import strawberry

from models import pagination as models
from models.pagination import Slice

Item = TypeVar("Item")
Model = TypeVar("Model")


@strawberry.interface(description="An object that can be fetched again by its global id.")
class Node:
    id: strawberry.ID = strawberry.field(description="The Relay global id.")


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
        """The connection for a slice of models, whose whole list `count` counts."""
        edges = [Edge(place=edge, node=to_node(edge.node)) for edge in page.edges]
        info = PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.edges[0].cursor if edges else None,
            end_cursor=page.edges[-1].cursor if edges else None,
        )
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=info, counter=count)
