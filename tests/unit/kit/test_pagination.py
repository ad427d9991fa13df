"""Keyset windows over a collection in memory: whoever follows the cursors sees everything once, in order."""

from collections.abc import Mapping
from operator import eq, ge, gt, le, lt
from typing import Any, cast

import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import InvalidInput
from models.pagination import KeysetOrder, NumberedPage, Window, encode_cursor
from services.kit.database import Collection
from services.kit.pagination import fetch_page, fetch_window

OPERATORS = {"$gt": gt, "$gte": ge, "$lt": lt, "$lte": le}


def matches(document: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    """Whether a document meets a query of the few kinds that pages ask with."""
    for name, wanted in query.items():
        if name in ("$and", "$or"):
            met = (any if name == "$or" else all)(matches(document, one) for one in wanted)
        elif isinstance(wanted, dict):
            met = all(OPERATORS[operator](document[name], value) for operator, value in wanted.items())
        else:
            met = eq(document[name], wanted)
        if not met:
            return False
    return True


class Documents:
    """As much of a collection, and of its cursor, as a page needs."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self._documents = documents

    def find(self, query: Mapping[str, Any], _: object) -> "Documents":
        return Documents([document for document in self._documents if matches(document, query)])

    def sort(self, keys: list[tuple[str, int]]) -> "Documents":
        ordered = list(self._documents)
        for key, direction in reversed(keys):
            ordered.sort(key=lambda document: document[key], reverse=direction < 0)
        return Documents(ordered)

    def skip(self, number: int) -> "Documents":
        return Documents(self._documents[number:])

    def limit(self, number: int) -> "Documents":
        return Documents(self._documents[:number])

    async def to_list(self, _: None) -> list[dict[str, Any]]:
        return self._documents


@st.composite
def collections(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Documents with few different values, so that many are equal in their sort keys."""
    pairs = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12))
    identifiers = [ObjectId(f"{number:024x}") for number in range(len(pairs))]
    shuffled = draw(st.permutations(identifiers))
    return [{"_id": _id, "uses": uses, "points": points} for _id, (uses, points) in zip(shuffled, pairs, strict=True)]


orders = st.builds(
    KeysetOrder, st.just("any"), st.sampled_from([(), ("uses",), ("uses", "points")]), descending=st.booleans()
)


def in_order(documents: list[dict[str, Any]], order: KeysetOrder) -> list[dict[str, Any]]:
    return sorted(documents, key=lambda document: [document[key] for key in order.keys], reverse=order.descending)


def as_collection(documents: list[dict[str, Any]]) -> Collection:
    return cast("Collection", Documents(documents))


@settings(max_examples=50)
@given(collections(), orders, st.integers(1, 5), st.booleans())
async def test_following_the_cursors_shows_everything_once(
    documents: list[dict[str, Any]], order: KeysetOrder, size: int, backward: bool
) -> None:
    seen: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        window = Window(size, before=cursor, backward=True) if backward else Window(size, after=cursor)
        page = await fetch_window(as_collection(documents), {}, order, window, dict)
        nodes = [edge.node for edge in page.edges]
        seen = [*nodes, *seen] if backward else [*seen, *nodes]
        assert (page.has_next, page.has_previous) == (
            (cursor is not None, len(seen) < len(documents)) if backward else (len(seen) < len(documents), bool(cursor))
        )
        if len(seen) >= len(documents) or not page.edges:
            break
        cursor = page.edges[0 if backward else -1].cursor
    assert seen == in_order(documents, order)


@settings(max_examples=50)
@given(collections(), orders, st.data())
async def test_a_window_between_two_cursors_is_what_lies_between(
    documents: list[dict[str, Any]], order: KeysetOrder, data: st.DataObject
) -> None:
    ordered = in_order(documents, order)
    start = data.draw(st.integers(0, len(ordered)))
    end = data.draw(st.integers(start, len(ordered)))
    cursors = [encode_cursor(order, [document[key] for key in order.keys]) for document in ordered]
    window = Window(
        100,
        after=cursors[start - 1] if start else None,
        before=cursors[end] if end < len(ordered) else None,
    )
    page = await fetch_window(as_collection(documents), {}, order, window, dict)
    assert [edge.node for edge in page.edges] == ordered[start:end]


@settings(max_examples=50)
@given(collections(), orders, st.integers(1, 5))
async def test_numbered_pages_show_everything_once(
    documents: list[dict[str, Any]], order: KeysetOrder, limit: int
) -> None:
    total = len(documents)
    pages = [
        await fetch_page(as_collection(documents), {}, order, NumberedPage(number, limit), total, dict)
        for number in range(1, -(-total // limit) + 2)
    ]
    assert [item for page in pages for item in page.items] == in_order(documents, order)
    assert list(pages[-1].items) == []


async def test_an_empty_window_reads_nothing_but_judges_its_cursor() -> None:
    order = KeysetOrder("any", ("uses",))
    nothing = await fetch_window(as_collection([]), {}, order, Window(0), dict)
    assert (nothing.edges, nothing.has_next, nothing.has_previous) == ((), False, False)
    with pytest.raises(InvalidInput, match="after is not a cursor of this list"):
        await fetch_window(as_collection([]), {}, order, Window(0, after="elsewhere"), dict)
