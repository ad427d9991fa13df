"""One batch of commands as a unit of work: load what they need, apply each in turn, write what came of it.

What arrives while a transaction commits goes into the next one. A refused command costs the others nothing, and the
more callers want the same row at once the cheaper each becomes.
"""

import secrets
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from bson import ObjectId
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne

from models.activity import Deed
from models.base import after
from models.errors import DomainError
from models.events import Event
from models.principal import Principal
from services.kit.activity.log import ActivityLog
from services.kit.batching import GroupCommit
from services.kit.counters import Counters
from services.kit.database import Database, Document
from services.kit.mapping import Mapper
from services.kit.messages.outbox import Outbox
from services.kit.rate_limit import Permit, RateLimitPermit

if TYPE_CHECKING:
    from services.kit.database import Collection, Session

Entity = TypeVar("Entity")
Command = TypeVar("Command")
Result = TypeVar("Result")
Write: TypeAlias = InsertOne[Document] | ReplaceOne[Document] | UpdateOne | DeleteOne

ROWS_AT_ONCE = 10_000
"""More than a batch finds, so that what it finds comes in one answer."""
TOUCH_BATCHES = 50
"""For how many batches after a conflict the contended rows are touched first, so that losing a race is cheap."""


class WriteConflict(Exception):
    """A write matched nothing, though the snapshot said that it would: nothing of the batch may stand."""


class Tracked(Generic[Entity]):
    """The entities of one collection as a batch finds and leaves them: an identity map that knows what changed.

    `increments` are the fields that are added to instead of set. `guard` answers what else a row must still be for its
    update or deletion to hold (the limit of a counter, a revision), given the entity before and after (None: deleted).
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
    ) -> None:
        self._collection = collection
        self._mapper = mapper
        self._increments = frozenset(increments)
        self._replaced = replaced
        self._guard = guard
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
                made.append(self._mapper.dump(new))
            elif new is None:
                deleted.append(DeleteOne(self._mine(old, None)))
            else:
                changed.append(self._change(old, new))
        inserts: list[Write] = [_upsert(each) if changed else InsertOne(each) for each in made]
        return [*deleted, *inserts, *changed]

    def _change(self, before: Entity, after: Entity) -> Write:
        mine = self._mine(before, after)
        if self._replaced:
            return ReplaceOne(mine, self._mapper.dump(after))
        return UpdateOne(mine, self._mapper.update(before, after, self._increments))

    def _mine(self, before: Entity, after: Entity | None) -> Document:
        return {"_id": ObjectId(before.id), **self._guard(before, after)}  # type: ignore[attr-defined]  # all have one

    async def flush(self, session: "Session") -> None:
        """Write all of it. Raises `WriteConflict` where one write did not find its row."""
        writes = self.writes()
        if not writes:
            return
        done = await self._collection.bulk_write(writes, session=session)
        if done.inserted_count + done.upserted_count + done.matched_count + done.deleted_count != len(writes):
            raise WriteConflict


def _upsert(document: Document) -> UpdateOne:
    """An insert in the form of an update; the id is new, so that it finds nothing."""
    return UpdateOne({"_id": document["_id"]}, {"$setOnInsert": document}, upsert=True)


class UnitOfWork(ABC, Generic[Command, Result]):
    """A batch: what it was loaded with, and what its commands have left of it. `now` is the same for all of them."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.events: list[tuple[datetime, Event]] = []
        self.rows: defaultdict[str, list[Document]] = defaultdict(list)
        """New rows of ledgers, by their collections."""
        self.totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """How totals move, by their families."""

    @abstractmethod
    async def load(self, session: "Session", commands: Sequence[Command]) -> None:
        """Read what the commands need, in as few finds as there are."""

    @abstractmethod
    def apply(self, command: Command) -> Result:
        """Carry out one command upon what those before it left; raises the refusal that it earns."""

    @abstractmethod
    def deed(self, command: Command, result: Result | None) -> Deed | None:
        """What the activity tells of a command that has this result, or none because it is refused; or None."""

    @abstractmethod
    def tracked(self) -> Sequence[Tracked[Any]]:
        """The entities to write, those last that other processes may be writing too."""

    def decide(self, command: Command) -> Result | Exception:
        """What `apply` returns, or the refusal that it raises."""
        try:
            return self.apply(command)
        except DomainError as refusal:
            return refusal


@dataclass(frozen=True, slots=True)
class Contended:
    """Rows that processes compete for."""

    collection: "Collection"
    query: Document


@dataclass(frozen=True, slots=True)
class Submitted(Generic[Command]):
    """A command, and who calls: a principal, or the permit of a public operation that may still be counted."""

    command: Command
    by: Principal | Permit

    @property
    def caller(self) -> Principal:
        return self.by if isinstance(self.by, Principal) else self.by.principal

    async def refusal(self) -> Exception | None:
        """Why the command may not be carried out, once its hit is counted; None where it may."""
        if isinstance(self.by, Principal | RateLimitPermit):
            return None
        try:
            await self.by
        except Exception as fault:
            return fault
        return None


Refused: TypeAlias = tuple[Principal, Deed | None, DomainError]


class CommandBus(ABC, Generic[Command, Result]):
    """Carries out the commands of one noun. `submit` returns once the command is committed by a majority."""

    def __init__(
        self, database: Database, outbox: Outbox, activity: ActivityLog, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._activity = activity
        self._clock = clock
        self._touches = 0
        self._group: GroupCommit[Submitted[Command], Result] = GroupCommit(self._commit)

    async def submit(self, command: Command, by: Principal | Permit) -> Result:
        """Carries out a command; one under a permit that is still pending is read for while its hit is counted.

        Raises the refusal that it earns, `RateLimitExceeded` before any other. The activity tells of it: of what is
        done in the same transaction, of a refusal some time after it.
        """
        return await self._group.submit(Submitted(command, by))

    async def close(self) -> None:
        """Wait until everything that was submitted is committed."""
        await self._group.close()

    @abstractmethod
    def begin(self, now: datetime) -> UnitOfWork[Command, Result]:
        """An empty unit of work."""

    @abstractmethod
    def contended(self, commands: Sequence[Command]) -> Contended | None:
        """What a batch locks at once after a conflict, so that the next shows in the first round trip."""

    async def touch(self, session: "Session", commands: Sequence[Command]) -> None:
        """Lock what a batch competes for, so that a conflict shows in the first round trip instead of the last."""
        if (contended := self.contended(commands)) is not None:
            await contended.collection.update_many(contended.query, fresh_touch(), session=session)

    async def carry_out(
        self, session: "Session", commands: Sequence[Command], caller: Principal
    ) -> list[Result | Exception]:
        """Load, decide and write a batch within a transaction; one answer for each command. It may run again.

        Refusals are told of in the transaction too, because only its owner knows when it has committed.
        """
        answers, refused = await self._carry_out(session, [Submitted(command, caller) for command in commands])
        await self._activity.record(session, caller, *((deed, refusal) for _, deed, refusal in refused))
        return answers

    async def _commit(self, batch: Sequence[Submitted[Command]]) -> list[Result | Exception]:
        runs = 0
        refused: list[Refused] = []

        async def run(session: "Session") -> list[Result | Exception]:
            nonlocal runs, refused
            runs += 1
            if runs > 1:
                self._touches = TOUCH_BATCHES
            if self._touches:
                await self.touch(session, [each.command for each in batch])
            answers, refused = await self._carry_out(session, batch)
            return answers

        answers = await self._database.transaction(run)
        self._touches = max(0, self._touches - 1)
        for each in refused:
            self._activity.refused(*each)
        return answers

    async def _carry_out(
        self, session: "Session", batch: Sequence[Submitted[Command]]
    ) -> tuple[list[Result | Exception], list[Refused]]:
        """One answer for each command, and what was refused."""
        unit = self.begin(self._clock())
        await unit.load(session, [each.command for each in batch])
        answers: list[Result | Exception] = []
        refused: list[Refused] = []
        for each in batch:
            answer = await each.refusal() or unit.decide(each.command)
            answers.append(answer)
            if isinstance(answer, DomainError):
                refused.append((each.caller, unit.deed(each.command, None), answer))
            elif not isinstance(answer, Exception):
                row = self._activity.row(unit.deed(each.command, answer), each.caller, unit.now)
                if row is not None:
                    unit.rows[self._activity.collection].append(row)
        await self._flush(session, unit)
        return answers, refused

    async def _flush(self, session: "Session", unit: UnitOfWork[Command, Result]) -> None:
        for name, rows in unit.rows.items():
            await self._database.collection(name).insert_many(rows, session=session, ordered=False)
        await self._outbox.put(session, unit.events)
        for family, totals in unit.totals.items():
            await Counters(self._database, family).add(session, totals)
        for tracked in unit.tracked():
            await tracked.flush(session)


def fresh_touch() -> Document:
    """An update that changes its row for certain: one that changes nothing locks nothing."""
    return {"$set": {"touch": secrets.token_hex(4)}}
