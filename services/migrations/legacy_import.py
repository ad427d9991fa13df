"""Documents of an older system, and those that an earlier release stored, are brought into the present form.

A document's `form` says in which form it stands. Whatever has not the present one (an older system has none) is found
by an index that holds nothing else of note, so looking for it takes constant time. Documents are brought along in
batches of one transaction each: a crash leaves whole batches, others may write meanwhile, and running it again finishes
the rest. What cannot be read is set aside with the reason; it stops no other.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pymongo import ASCENDING, DeleteOne, IndexModel, InsertOne, ReplaceOne

from services.kit.database import Database, Document
from services.kit.indexes import drop_index, ensure_indexes
from services.kit.stored_form import FORM
from services.migrations.legacy_reading import Reading
from services.migrations.legacy_values import Unreadable
from services.migrations.set_aside import SET_ASIDE_INDEXES, SetAside, keep, lenient, rows_of

if TYPE_CHECKING:
    from services.kit.database import Collection, Session

log = logging.getLogger("tessera.migration")

FORM_INDEX = IndexModel([("form", ASCENDING), ("_id", ASCENDING)], name="form")
BATCH = 500
MOST_ROWS = 10_000
"""How many ledger rows a batch may write beside its documents, so that its transaction stays of a usual size."""


@dataclass(slots=True)
class Imported:
    """A document in the present form, and the rows that its ledger gets.

    `legacy` is False where an earlier release had stored it, and not an older system.
    """

    document: Document
    legacy: bool
    rows: list[tuple[str, Document]] = field(default_factory=list)


class Importer(Protocol):
    """What is particular to a collection."""

    collection: str
    unique: tuple[str, ...]
    """Fields whose values no two documents may share: the first keeps one, others are set aside."""

    looked_up: tuple[str, ...]
    """Fields by which `settle` and the search for doubles look: they are indexed for as long as the import takes."""

    def convert(self, reading: Reading) -> Imported:
        """The document in the present form; raises `Unreadable`. Pure."""
        ...

    async def settle(
        self, session: "Session", kept: Sequence[Imported], doubles: Sequence[Imported]
    ) -> list[tuple[str, Document]]:
        """Judge together, and against what is stored, what a batch imports.

        Returns the rows that stay of `doubles`, which are set aside because another document has their unique value.
        """
        ...


async def import_all(database: Database, importer: Importer) -> int:
    """Bring every document of a collection into the present form; returns how many came from an older system."""
    collection = database.collection(importer.collection)
    await ensure_indexes(collection, [FORM_INDEX])
    if await lenient(collection).find_one({"form": {"$ne": FORM}}, {"_id": 1}, hint="form") is None:
        return 0
    await ensure_indexes(rows_of(database), SET_ASIDE_INDEXES)
    # The unique indexes may still be missing, because an older system's doubles would break them.
    helpers = [
        IndexModel([(name, ASCENDING), ("form", ASCENDING)], name=f"import {name}") for name in importer.looked_up
    ]
    await ensure_indexes(collection, helpers)
    total, done, sizes = 0, -1, _Sizes()
    while done:
        sizes.begin()
        done, legacy = await database.transaction(
            lambda session: _Batch(database, importer, session, sizes.next()).bring()
        )
        total += legacy
    for helper in helpers:
        await drop_index(collection, helper.document["name"])
    return total


class _Sizes:
    """How many documents go into a batch: fewer with each try that lost against others who write to one of them.

    A document that is written to all the time is won alone, a thousand that hold it never.
    """

    def __init__(self) -> None:
        self._size = BATCH
        self._is_first = True

    def begin(self) -> None:
        """Another batch, once the last is committed."""
        self._size = min(BATCH, 2 * self._size)
        self._is_first = True

    def next(self) -> int:
        """The size for the next try."""
        if not self._is_first:
            self._size = max(1, self._size // 4)
        self._is_first = False
        return self._size


class _Batch:
    """One batch, within its transaction."""

    def __init__(self, database: Database, importer: Importer, session: "Session", size: int) -> None:
        self._size = size
        self._database = database
        self._importer = importer
        self._session = session
        self._collection: Collection = lenient(database.collection(importer.collection))
        self._aside: list[tuple[SetAside, Mapping[str, object]]] = []
        self._doubles: list[Imported] = []
        self._rows: list[tuple[str, Document]] = []
        self._operations: list[DeleteOne | InsertOne[Document] | ReplaceOne[Document]] = []

    async def bring(self) -> tuple[int, int]:
        """How many documents were dealt with, and how many of them were imported from an older system."""
        found = self._collection.find({"form": {"$ne": FORM}}, session=self._session).hint("form")
        documents = await found.sort([("form", 1), ("_id", 1)]).limit(self._size).to_list(None)
        read = self._read(documents)
        kept = await self._without_doubles(read)
        self._rows += await self._importer.settle(self._session, [imported for _, imported in kept], self._doubles)
        legacy = 0
        for reading, imported in kept:
            legacy += imported.legacy
            self._replace(reading, imported)
        await keep(self._database, self._session, self._aside)
        if self._operations:
            await self._collection.bulk_write(self._operations, session=self._session)
        for name in dict.fromkeys(name for name, _ in self._rows):
            rows = [row for each, row in self._rows if each == name]
            await self._database.collection(name).insert_many(rows, session=self._session, ordered=False)
        for each, _ in self._aside:
            log.warning("%s %s: %s", each.collection, each.id, each.reason)
        return len(read) + sum(not each.imported for each, _ in self._aside), legacy

    def _read(self, documents: Iterable[Document]) -> list[tuple[Reading, Imported]]:
        """Those that can be read, until they make too many rows for one transaction; the others are set aside."""
        read, rows = [], 0
        for document in documents:
            reading = Reading(document)
            try:
                imported = self._importer.convert(reading)
            except Unreadable as fault:
                self._set_aside(document, str(fault))
                continue
            except Exception as fault:  # No document, whatever it holds, stops those after it.
                log.exception("%s %s cannot be read", self._importer.collection, document["_id"])
                self._set_aside(document, f"cannot be read ({type(fault).__name__})")
                continue
            read.append((reading, imported))
            rows += len(imported.rows)
            if rows >= MOST_ROWS:
                break
        return read

    async def _without_doubles(self, read: list[tuple[Reading, Imported]]) -> list[tuple[Reading, Imported]]:
        """Those whose id and unique values nobody else has; who has a value exactly goes before who had it nearly."""
        mine = [reading.document["_id"] for reading, _ in read]
        standing = {name: await self._standing(name, read, mine) for name in ("_id", *self._importer.unique)}
        kept = []
        for reading, imported in sorted(read, key=self._had_it_nearly):
            taken = [
                f"{name} {value!r} is that of {standing[name][value]}"
                for name in ("_id", *self._importer.unique)
                if (value := imported.document.get(name)) in standing[name]
            ]
            if taken:
                self._set_aside(reading.document, "; ".join(taken))
                self._doubles.append(imported)
                continue
            for name in ("_id", *self._importer.unique):
                if (value := imported.document.get(name)) is not None:
                    standing[name][value] = imported.document["_id"]
            kept.append((reading, imported))
        return kept

    async def _standing(self, name: str, read: list[tuple[Reading, Imported]], mine: list[object]) -> dict[Any, Any]:
        """Who of the others has the values of this field: for a value that a document has already, in our form."""
        exact: set[Any] = set()
        near: set[Any] = set()
        for reading, imported in read:
            value = imported.document.get(name)
            if value is not None:
                (exact if _is(reading.document.get(name), value) else near).add(value)
        if name == "_id":
            exact = set()
        either: list[Document] = []
        if exact:
            either.append({name: {"$in": list(exact)}, "form": FORM})
        if near:
            either.append({name: {"$in": list(near)}})
        if not either:
            return {}
        found = self._collection.find({"$or": either, "_id": {"$nin": mine}}, {name: 1}, session=self._session)
        return {document[name]: document["_id"] async for document in found}

    def _had_it_nearly(self, pair: tuple[Reading, Imported]) -> bool:
        reading, imported = pair
        return any(
            not _is(reading.document.get(name), imported.document.get(name)) for name in ("_id", *self._importer.unique)
        )

    def _replace(self, reading: Reading, imported: Imported) -> None:
        old, new = reading.document["_id"], imported.document
        new["form"] = FORM
        if _is(old, new["_id"]):
            self._operations.append(ReplaceOne({"_id": old}, new))
        else:
            self._operations += [DeleteOne({"_id": old}), InsertOne(new)]
            reading.changed("_id", "was a text and is an ObjectId")
        self._rows += imported.rows
        if reading.changes:
            aside = SetAside(self._importer.collection, old, "; ".join(reading.changes), imported=True)
            self._aside.append((aside, reading.document))

    def _set_aside(self, document: Mapping[str, object], reason: str) -> None:
        self._aside.append((SetAside(self._importer.collection, document["_id"], reason), document))
        self._operations.append(DeleteOne({"_id": document["_id"]}))


def _is(raw: object, value: object) -> bool:
    return type(raw) is type(value) and raw == value
