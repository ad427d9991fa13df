"""Lists as a test walks them and asks MongoDB how it finds them."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar

from bench.walks import walks_within
from models.pagination import KeysetOrder, Slice, Window
from services.kit.database import Collection
from services.kit.pagination import beyond
from tests.support.api import Api

Item = TypeVar("Item")
Wanted = TypeVar("Wanted")
Fetch = Callable[[Window], Awaitable[Slice[Item]]]


async def walked(fetch: Fetch[Item], size: int, *, backward: bool = False) -> list[Item]:
    """All items of a list in its order, read page by page from its start or from its end."""
    pages: list[list[Item]] = []
    cursor: str | None = None
    while True:
        before, after = (cursor, None) if backward else (None, cursor)
        page = await fetch(Window(size, after, before, backward=backward))
        pages.append([edge.node for edge in page.edges])
        more = page.has_previous if backward else page.has_next
        assert (page.has_next if backward else page.has_previous) is (cursor is not None)
        if not more:
            return [item for one in (reversed(pages) if backward else pages) for item in one]
        assert len(page.edges) == size
        cursor = page.edges[0 if backward else -1].cursor


async def check_counts(api: Api, count: Callable[[Wanted], Awaitable[int]], expected: Mapping[Wanted, int]) -> None:
    """Assert that a list counts what each filter leaves, and walks through no collection for it."""
    with walks_within(api.settings.mongo_uri) as walks:
        counted = {wanted: await count(wanted) for wanted in expected}
    assert counted == expected
    assert walks == []


async def check_walks(fetch: Fetch[Item], expected: list[Item]) -> None:
    """Assert that a list holds just these, in this order, from either end and in pages of any size."""
    for size in (1, 7, 100):
        assert await walked(fetch, size) == expected, size
        assert await walked(fetch, size, backward=True) == expected, size


def stages(plan: Mapping[str, Any]) -> Iterator[str]:
    """The names of all stages of a plan."""
    yield plan["stage"]
    for inner in [*plan.get("inputStages", []), *([plan["inputStage"]] if "inputStage" in plan else [])]:
        yield from stages(inner)


def asked(collection: Collection, query: Mapping[str, Any], order: KeysetOrder, *, backward: bool = False) -> Any:
    """What finds a page of twenty, and whether there is more."""
    direction = -1 if order.descending is not backward else 1
    return collection.find(query).sort([(key, direction) for key in order.keys]).limit(21)


async def check_flat(collection: Collection, query: Mapping[str, Any], order: KeysetOrder, *, sorts: bool) -> None:
    """Assert that a page is a walk over an index: nothing is sorted, and hardly more is read than is shown.

    So is one from the midst of the list, either way. Where it `sorts`, because a search finds few by their parts or one
    by a unique key, only the walk is judged.
    """
    await _check_plan(asked(collection, query, order), sorts=sorts)
    midst = await collection.find(query).sort([(key, -1) for key in order.keys]).skip(60).limit(1).to_list(None)
    for document in midst:
        values = [document[key] for key in order.keys]
        for further in (True, False):
            there = {"$and": [query, beyond(order, values, further=further)]}
            await _check_plan(asked(collection, there, order, backward=not further), sorts=sorts)


async def _check_plan(found: Any, *, sorts: bool) -> None:
    explained = await found.explain()
    names = set(stages(explained["queryPlanner"]["winningPlan"]))
    assert "COLLSCAN" not in names, explained
    if not sorts:
        ran = explained["executionStats"]
        assert "SORT" not in names, explained
        # Where many of the latest are wanted, MongoDB may walk them all and pass over the others.
        assert ran["totalDocsExamined"] <= 100, explained["command"]
        assert ran["totalKeysExamined"] <= 100, explained["command"]
