"""The entities of a collection as a batch finds and leaves them, and the writes that make one of the other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from bson import ObjectId
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne

from models.base import after
from services.kit.database import Document
from services.kit.mapping import Mapper

if TYPE_CHECKING:
    from services.kit.database import Collection, Session

Entity = TypeVar("Entity")
Write: TypeAlias = InsertOne[Document] | ReplaceOne[Document] | UpdateOne | DeleteOne

ROWS_AT_ONCE = 10_000
"""More than a batch finds, so that what it finds comes in one answer."""


class WriteConflict(Exception):
    """A write matched nothing, though the snapshot said that it would: nothing of the batch may stand."""


class Tracked(Generic[Entity]):
    """The entities of one collection as a batch finds and leaves them: an identity map that knows what changed.

    `increments` are the fields that are added to instead of set. `guard` answers what else a row must still be for its
    update or deletion to hold (the limit of a counter, a revision), given the entity before and after (None: deleted).
    `shard_key` answers the fields by which a collection may be spread over shards; each write names them.
    `replaced` entities are written whole where they changed, so that a change stream brings the whole document.
    """

    def __init__(
        self,
        collection: "Collection",
        mapper: Mapper[Entity],
        *,
        increments: Iterable[str] = (),
        replaced: bool = False,
        guard: Callable[[Entity, Entity | None], Document] = lambda before, after: {},
        shard_key: Callable[[Entity], Document] = lambda entity: {},
    ) -> None:
        self._collection = collection
        self._mapper = mapper
        self._increments = frozenset(increments)
        self._replaced = replaced
        self._guard = guard
        self._shard_key = shard_key
        self._before: dict[str, Entity] = {}
        self._after: dict[str, Entity] = {}

    async def load(self, session: "Session", query: Document, *, without: Sequence[str] = (), limit: int = 0) -> None:
        """Take in what a query finds, at most `limit` unless 0; `without` are fields that only searches need."""
        found = self._collection.find(query, dict.fromkeys(without, False) or None, limit=limit, session=session)
        self.take(await found.batch_size(ROWS_AT_ONCE).to_list(None))

    def take(self, documents: Iterable[Document]) -> None:
        """Take in documents of the collection as they were found."""
        for document in documents:
            self._before.setdefault(str(document["_id"]), self._mapper.load(document))
        self._after = dict(self._before)

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._after.values())

    def get(self, identifier: str) -> Entity | None:
        return self._after.get(identifier)

    def later(self, now: datetime, *identifiers: str) -> datetime:
        """Now, but after all that happened to these entities before this batch: their events stay in order."""
        found = [self._before[identifier] for identifier in identifiers if identifier in self._before]
        return after(now, *(each.updated_at for each in found))  # type: ignore[attr-defined]  # all with events have it

    def put(self, identifier: str, entity: Entity) -> Entity:
        """A new entity, or a changed one in place of what it was."""
        self._after[identifier] = entity
        return entity

    def remove(self, identifier: str) -> Entity | None:
        """The entity that is deleted by this, or None where there is none."""
        return self._after.pop(identifier, None)

    def changes(self) -> list[tuple[Entity | None, Entity | None]]:
        """Each entity that is not as it was found, before and after; one that was changed back is as it was."""
        both = ((self._before.get(i), self._after.get(i)) for i in dict.fromkeys([*self._before, *self._after]))
        return [(before, after) for before, after in both if before is not after and before != after]

    def writes(self) -> list[Write]:
        """Deletions first, because a new entity may take the place of one; rows that others write too come last.

        New entities beside changed ones are upserts, because MongoDB takes those in one command.
        """
        made, deleted, changed = [], [], []
        for old, new in self.changes():
            if old is None:
                assert new is not None
                made.append(new)
            elif new is None:
                deleted.append(DeleteOne(self._mine(old, None)))
            else:
                changed.append(self._change(old, new))
        inserts: list[Write] = [self._upsert(each) if changed else InsertOne(self._mapper.dump(each)) for each in made]
        return [*deleted, *inserts, *changed]

    def _change(self, before: Entity, after: Entity) -> Write:
        mine = self._mine(before, after)
        if self._replaced:
            return ReplaceOne(mine, self._mapper.dump(after))
        return UpdateOne(mine, self._mapper.update(before, after, self._increments))

    def _mine(self, before: Entity, after: Entity | None) -> Document:
        return {**self._named(before), **self._guard(before, after)}

    def _upsert(self, made: Entity) -> Write:
        """An insert in the form of an update; the id is new, so that it finds nothing."""
        return UpdateOne(self._named(made), {"$setOnInsert": self._mapper.dump(made)}, upsert=True)

    def _named(self, entity: Entity) -> Document:
        return {"_id": ObjectId(entity.id), **self._shard_key(entity)}  # type: ignore[attr-defined]  # all have one

    async def flush(self, session: "Session") -> None:
        """Write all of it. Raises `WriteConflict` where one write did not find its row."""
        writes = self.writes()
        if not writes:
            return
        done = await self._collection.bulk_write(writes, session=session)
        if done.inserted_count + done.upserted_count + done.matched_count + done.deleted_count != len(writes):
            raise WriteConflict
