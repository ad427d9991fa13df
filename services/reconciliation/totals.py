"""Counters against their ledgers: every counter of a collection is summed anew, in one pass and constant memory.

Stored counters and the ledgers' sums come sorted by the same key, so that they are compared as they stream by. Both are
of one moment. Where MongoDB forgets it before all are judged, the rest is judged in pieces, each of a moment of its
own: a counter and its ledger are always of the same.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from models.audit import AuditFamily, Drift
from services.kit.database import Database, Document, aggregate
from services.kit.snapshots import SnapshotGone, as_snapshot_fault, too_short

if TYPE_CHECKING:
    from services.kit.database import Session

Key = tuple[Any, ...]

PIECE = 20_000
"""How many counters the first piece judges; a piece that still takes too long is halved."""


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that a counter sums: `key` are their fields that name the counted document, `amount` is what each counts."""

    collection: str
    key: tuple[str, ...]
    amount: object


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A counter of a collection's documents, which its sources sum up to.

    `offset` names a field of the document that is added: what an older system counted without keeping rows of it.
    `value` is what the counter is, as an expression over the document where it is no field of it; `mend` makes such a
    document and its sources agree.
    `follows` are fields that follow from the counter, as expressions over the document: they are judged and mended too.
    """

    family: AuditFamily
    collection: str
    counter: str
    sources: tuple[Source, ...]
    key: tuple[str, ...] = ("_id",)
    offset: str | None = None
    value: object = 1
    mend: "Callable[[Database, Session, object], Awaitable[None]] | None" = None
    follows: Mapping[str, object] = field(default_factory=dict)

    async def compare(self, database: Database) -> AsyncGenerator[tuple[object, Drift | None], None]:
        """The id of each counted document and what is wrong with its counter, or None.

        Raises `ServiceUnavailable` where MongoDB forgets a moment before a single counter is judged.
        """
        after: Key | None = None
        size: int | None = None
        while True:
            judged = 0
            try:
                async for key, identifier, drift in self._piece(database, after, size):
                    after, judged = key, judged + 1
                    yield identifier, drift
            except SnapshotGone:
                if size == 1 and not judged:
                    raise too_short() from None
                size = PIECE if size is None else max(1, size // 2)
                continue
            if size is None or judged < size:
                return

    async def _piece(
        self, database: Database, after: Key | None, size: int | None
    ) -> AsyncGenerator[tuple[Key, object, Drift | None], None]:
        """The key, the id and the verdict of so many documents after a key, or of all, as of one moment.

        Raises `SnapshotGone` where that is forgotten meanwhile.
        """
        documents = database.collection(self.collection)
        order = [(name, 1) for name in self.key]
        try:
            async with database.snapshot() as session:
                beyond = {} if after is None else _bounded(self.key, after, "$gt")
                query: Document = {"$and": [beyond]}
                if size is not None:
                    rest = documents.find(beyond, dict.fromkeys(self.key, 1), session=session).sort(order)
                    last = await rest.skip(size - 1).limit(1).to_list(None)
                    query["$and"] += [_bounded(self.key, _key_of(self.key, row), "$lte") for row in last]
                sums = [_Sums(database, source, self.key, query["$and"], session) for source in self.sources]
                found = documents.find(query, self._projection(), session=session)
                async for document in found.sort(order).allow_disk_use(True):
                    key = _key_of(self.key, document)
                    counted = sum([await each.at(key) for each in sums])
                    yield key, document["_id"], self._judge(document, counted)
        except PyMongoError as fault:
            raise as_snapshot_fault(fault) from fault

    async def repair(self, database: Database, identifier: object) -> Drift | None:
        """Sum one counter anew and put it right, in one transaction; returns what was wrong with it by then."""

        async def work(session: "Session") -> Drift | None:
            documents = database.collection(self.collection)
            document = await documents.find_one({"_id": identifier}, self._projection(), session=session)
            if document is None:
                return None
            counted = 0
            for source in self.sources:
                key = {theirs: document[ours] for theirs, ours in zip(source.key, self.key, strict=True)}
                rows = aggregate(database.collection(source.collection), _steps(source, key), session=session)
                counted += sum([row["n"] async for row in rows])
            drift = self._judge(document, counted)
            if drift is not None and self.mend is not None:
                await self.mend(database, session, identifier)
            elif drift is not None:
                right = {self.counter: self._expected(document, counted)}
                change: list[Document] = [{"$set": right}, {"$set": self.follows}]
                await documents.update_one({"_id": identifier}, change if self.follows else change[:1], session=session)
            return drift

        return await database.transaction(work)

    def _projection(self) -> Document:
        fields = ("_id", *self.key, *self.follows, *((self.offset,) if self.offset else ()))
        due = {_due(name): expression for name, expression in self.follows.items()}
        return dict.fromkeys(fields, 1) | {self.counter: self.value} | due

    def _expected(self, document: Document, counted: int) -> int:
        return counted + int(document.get(self.offset, 0) if self.offset else 0)

    def _judge(self, document: Document, counted: int) -> Drift | None:
        """What is wrong: the counter, or else what follows from it."""
        expected = {self.counter: self._expected(document, counted)}
        expected |= {name: document[_due(name)] for name in self.follows}
        for name, due in expected.items():
            stored = document.get(name, 0)
            if stored != due:
                return Drift(self.family, self.collection, str(document["_id"]), name, int(stored), int(due))
        return None


def in_cents(amount: object) -> Document:
    """An amount of money as a whole number, in an expression."""
    return {"$toLong": {"$multiply": [amount, 100]}}


def _due(name: str) -> str:
    """Under which name a projection tells what a field ought to be."""
    return f"{name}Due"


class _Sums:
    """The sums of a source, streamed in the order of their keys; `bounds` are conditions for the documents' keys."""

    def __init__(
        self, database: Database, source: Source, key: Key, bounds: Sequence[Document], session: "Session"
    ) -> None:
        rows = database.collection(source.collection)
        theirs = dict(zip(key, source.key, strict=True))
        within: list[Document] = [_renamed(each, theirs) for each in bounds if each]
        # What belongs to no document has no key.
        known: Document = {"$and": [{part: {"$ne": None} for part in source.key}, *within]}
        self._rows = aggregate(rows, _steps(source, known), session=session, allowDiskUse=True)
        self._current: tuple[Key, int] | None = ((), 0)

    async def at(self, key: Key) -> int:
        """The sum of a key that comes after all that were asked for before."""
        while self._current is not None and self._current[0] < key:
            row = await anext(self._rows, None)
            self._current = None if row is None else (tuple(row["_id"].values()), row["n"])
        return self._current[1] if self._current is not None and self._current[0] == key else 0


def _steps(source: Source, rows: Document) -> list[Document]:
    """The sums of the keys of these rows, in the order of the keys."""
    names = [f"k{n}" for n in range(len(source.key))]
    group = {"_id": {name: f"${part}" for name, part in zip(names, source.key, strict=True)}}
    return [
        {"$match": rows},
        {"$group": {**group, "n": {"$sum": source.amount}}},
        {"$sort": {f"_id.{name}": 1 for name in names}},
    ]


def _key_of(names: Sequence[str], document: Document) -> Key:
    return tuple(document[name] for name in names)


def _bounded(names: Sequence[str], key: Key, operator: str) -> Document:
    """The condition for the keys beyond one (`$gt`) or up to one (`$lte`), of one field or of two."""
    if len(names) == 1:
        return {names[0]: {operator: key[0]}}
    first, second = names
    strict, edge = ("$gt", "$gte") if operator == "$gt" else ("$lt", "$lte")
    # The condition on the first field alone lets an index be entered at the right place.
    alternatives = [{first: {strict: key[0]}}, {first: key[0], second: {operator: key[1]}}]
    return {first: {edge: key[0]}, "$or": alternatives}


def _renamed(condition: Document, names: Mapping[str, str]) -> Document:
    """A condition of `_bounded` for fields of other names."""
    return {
        names.get(field, field): [_renamed(each, names) for each in value] if field == "$or" else value
        for field, value in condition.items()
    }
