"""Lists. Relay windows go by keyset, as quick on the last page as on the first; numbered pages from the nearer end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bson import ObjectId

from models.errors import InvalidInput
from models.pagination import Edge, KeysetOrder, NumberedPage, Page, Period, Slice, Window, decode_cursor
from models.principal import Principal, Role
from models.values.ids import is_object_id
from services.kit.database import Collection, Document

Item = TypeVar("Item")
Wanted = TypeVar("Wanted")
Query = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Listing(Generic[Wanted, Item]):
    """A list of what is recorded, for admins: where it is, in which order, and what a filter leaves of it.

    `by_runs` has a page read from one run of an index after another, where MongoDB merges several indexes or parts of
    one, which it does in order only within a run: what shares an instant with many others is then found at once.
    """

    collection: Collection
    order: KeysetOrder
    query_of: Callable[[Wanted], Document]
    from_document: Callable[[Document], Item]
    by_runs: bool = False

    async def window(self, caller: Principal, wanted: Wanted, window: Window) -> Slice[Item]:
        """Returns a Relay window of what the filter leaves."""
        caller.require_role(Role.VIEWER)
        query = self.query_of(wanted)
        return await fetch_window(self.collection, query, self.order, window, self.from_document, by_runs=self.by_runs)

    async def count(self, caller: Principal, wanted: Wanted) -> int:
        """Returns how many items the filter leaves."""
        caller.require_role(Role.VIEWER)
        return await count(self.collection, self.query_of(wanted))

    async def find_by_id(self, caller: Principal, raw_id: str) -> Item | None:
        """Returns an item by its raw ObjectId, or None."""
        caller.require_role(Role.VIEWER)
        document = await self.collection.find_one({"_id": ObjectId(raw_id)})
        return None if document is None else self.from_document(document)


async def count(collection: Collection, query: Query) -> int:
    """Returns how many documents a query finds, by an index also where it finds them all."""
    return await (collection.count_documents(query) if query else collection.count_documents({}, hint="_id_"))


def within(field: str, period: Period) -> Document:
    """Returns the condition that an instant lies within a period, none where the period is open on both sides."""
    bounds = {"$gte": period.start, "$lt": period.end}
    asked = {operator: bound for operator, bound in bounds.items() if bound is not None}
    return {field: asked} if asked else {}


def given(**conditions: object) -> Document:
    """Returns the conditions of those fields that a filter names."""
    return {field: value for field, value in conditions.items() if value is not None}


async def fetch_window(
    collection: Collection,
    query: Query,
    order: KeysetOrder,
    window: Window,
    from_document: Callable[[Document], Item],
    projection: Mapping[str, object] | None = None,
    *,
    by_runs: bool = False,
) -> Slice[Item]:
    """The items of a Relay window; one more than asked for is read to know whether there are others."""
    conditions = [query] if query else []
    runs: list[Document] = [{}]
    for path, cursor, further in (("after", window.after, True), ("before", window.before, False)):
        if cursor is not None:
            values = _decode(order, path, cursor)
            if by_runs and further is not window.backward:
                runs = runs_beyond(order, values, further=further)
            else:
                conditions.append(beyond(order, values, further=further))
    if window.size == 0:
        return Slice((), has_next=False, has_previous=False)
    direction = -1 if order.descending is not window.backward else 1
    documents: list[Document] = []
    for run in runs:
        if len(documents) <= window.size:
            found = collection.find({"$and": [*conditions, run]}, projection)
            # By what all of a run have in common it need not be sorted.
            sort = [(key, direction) for key in order.keys[max(0, len(run) - 1) :]]
            documents += await found.sort(sort).limit(window.size + 1 - len(documents)).to_list(None)
    has_more = len(documents) > window.size
    documents = documents[: window.size]
    if window.backward:
        documents.reverse()
    edges = [Edge(from_document(d), order, [d.get(k) for k in order.keys]) for d in documents]
    if window.backward:
        return Slice(edges, has_next=window.before is not None, has_previous=has_more)
    return Slice(edges, has_next=has_more, has_previous=window.after is not None)


async def fetch_page(
    collection: Collection,
    query: Query,
    order: KeysetOrder,
    wanted: NumberedPage,
    total: int,
    from_document: Callable[[Document], Item],
    projection: Mapping[str, object] | None = None,
) -> Page[Item]:
    """The items of a numbered page of `total`, counted from whichever end is nearer."""
    start = (wanted.page - 1) * wanted.limit
    size = min(wanted.limit, total - start)
    if size <= 0:
        return Page((), total, wanted.page, wanted.limit)
    from_end = start > total - start - size
    direction = -1 if order.descending is not from_end else 1
    skip = total - start - size if from_end else start
    found = collection.find(query, projection).sort([(key, direction) for key in order.keys])
    documents = await found.skip(skip).limit(size).to_list(None)
    if from_end:
        documents.reverse()
    return Page([from_document(document) for document in documents], total, wanted.page, wanted.limit)


def _decode(order: KeysetOrder, path: str, cursor: str) -> list[object]:
    *values, identifier = decode_cursor(order, path, cursor)
    if order.has_text_ids and isinstance(identifier, str):
        return [*values, identifier]
    if not isinstance(identifier, str) or not is_object_id(identifier):
        raise InvalidInput.of(path, f"{path} is not a cursor of this list")
    return [*values, ObjectId(identifier)]


def runs_beyond(order: KeysetOrder, values: Sequence[object], *, further: bool = True) -> list[Document]:
    """Returns the conditions for what is strictly beyond a position, or short of it: the nearest first.

    Each is met by one run of the order's index, and no document meets two.
    """
    operator = "$lt" if order.descending is further else "$gt"
    return [
        {**dict(zip(order.keys[:n], values[:n], strict=True)), order.keys[n]: {operator: values[n]}}
        for n in reversed(range(len(values)))
    ]


def beyond(order: KeysetOrder, values: Sequence[object], *, further: bool = True) -> Document:
    """Returns the condition for everything strictly beyond a position, or short of it.

    The condition on the first key alone lets the index be entered at the right place.
    """
    alternatives = runs_beyond(order, values, further=further)
    if len(alternatives) == 1:
        return alternatives[0]
    operator = "$lte" if order.descending is further else "$gte"
    return {order.keys[0]: {operator: values[0]}, "$or": alternatives}
