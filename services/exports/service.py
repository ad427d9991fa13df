"""The verb of exports: rows as they are read, in constant memory, however many there are."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from bson import ObjectId

from models.errors import InvalidInput, ServiceUnavailable
from models.exports import Export, row_format
from models.inputs import Input
from models.pagination import KeysetOrder
from models.principal import Principal, Role
from services.exports.families import Family
from services.kit.database import Database, Document
from services.kit.pagination import Listing, runs_beyond

CHUNK = 250
"""How many rows are read, held and written at once: some milliseconds, in which nobody else is served."""
MOST_AT_ONCE = 4
"""How many exports may run in a process, so that those who are served beside them hardly wait longer."""

Wanted = TypeVar("Wanted", bound=Input)


class TooManyExports(ServiceUnavailable):
    """503: as many exports run in this process as may."""

    message = f"{MOST_AT_ONCE} exports are running here; please try again when one has ended"

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "10"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text of an export, the number of its rows, and the cursor behind the last of them."""

    text: str
    rows: int = 0
    cursor: str | None = None


class Exports:
    """Every verb is for admins."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._running = 0

    async def write(
        self, caller: Principal, family: Family[Wanted, Any], wanted: Export[Wanted]
    ) -> AsyncGenerator[Piece, None]:
        """Yields the export, the newest rows first. For admins.

        It reads by keyset: what is made meanwhile is not in it, what is deleted meanwhile may be, and no row comes
        twice. Between two pieces it holds nothing of the database. Raises `InvalidInput` where the row of the cursor
        is not there, `TooManyExports`.
        """
        caller.require_role(Role.VIEWER)
        with self._place():
            listing, query = await family.find(self._database, wanted.filter, self._clock())
            start = await _find(listing, wanted.options.cursor)
            written = row_format(wanted.options, family.columns, family.cells)
            head = "" if start else written.head()
            async for documents in _chunks(listing, query, family.projection, start):
                rows = [family.row_of(listing, document) for document in documents]
                yield Piece(head + written.lines(rows), len(rows), str(documents[-1]["_id"]))
                head = ""
            if head:
                yield Piece(head)

    async def count(self, caller: Principal, family: Family[Wanted, Any], wanted: Export[Wanted]) -> int:
        """Returns how many rows an export has, nearly so where it is of all there is. For admins."""
        caller.require_role(Role.VIEWER)
        listing, query = await family.find(self._database, wanted.filter, self._clock())
        start = await _find(listing, wanted.options.cursor)
        if not query and start is None:
            return await listing.collection.estimated_document_count()
        runs = _runs(listing.order, start)
        return sum([await listing.collection.count_documents({"$and": [query, run]}) for run in runs])

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._running >= MOST_AT_ONCE:
            raise TooManyExports()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1


async def _find(listing: Listing[Any, Any], cursor: str | None) -> Document | None:
    if cursor is None:
        return None
    found = await listing.collection.find_one({"_id": ObjectId(cursor)}, dict.fromkeys(listing.order.keys, True))
    if found is None:
        raise InvalidInput.of("cursor", "cursor is no _id of a row that is there; take that of the row before it")
    return found


async def _chunks(
    listing: Listing[Any, Any], query: Document, projection: Mapping[str, object] | None, last: Document | None
) -> AsyncIterator[list[Document]]:
    """Yields what a query finds behind the document that came last, so many at a time.

    Each chunk is a query of its own that MongoDB answers at once and keeps nothing of: a client may be slow, or go.
    """
    direction, runs = -1 if listing.order.descending else 1, _runs(listing.order, last)
    while runs:
        # By what all of a run have in common it need not be sorted: the index of moves could not tell.
        sort = [(key, direction) for key in listing.order.keys[max(0, len(runs[0]) - 1) :]]
        found = listing.collection.find({"$and": [query, runs[0]]}, projection, batch_size=CHUNK + 1)
        if documents := await found.sort(sort).limit(CHUNK).to_list(None):
            runs = _runs(listing.order, documents[-1])
            yield documents
        else:
            runs = runs[1:]


def _runs(order: KeysetOrder, last: Document | None) -> list[Document]:
    """The conditions for what stands behind a document, of which each is met by one run of the index."""
    return [{}] if last is None else runs_beyond(order, [last[key] for key in order.keys])
