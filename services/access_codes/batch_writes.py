"""What is written of access codes by the thousand, each method within a transaction; all of them may run again."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from bson import ObjectId

from models.access_codes.access_code import AccessCode, CreateAccessCode
from models.access_codes.batches import (
    CHUNK,
    GENERATED_AT_ONCE,
    AccessCodeBatch,
    BatchAlreadyExists,
    BatchSwitch,
    CreateAccessCodes,
    GenerateAccessCodes,
    ImportAccessCode,
    Outcome,
    RowOutcome,
    imported_batch,
    new_batch,
    require_same,
)
from models.access_codes.effects import new_access_code, switch_each
from models.access_codes.events import batch_created_event, batch_switched_event, created_event
from models.events import Event
from services.access_codes.code_search import search_fields
from services.access_codes.repository import ACCESS_CODES, BATCHES, ENTITY_ALONE, NEWEST_FIRST, draw_codes
from services.access_codes.totals import AccessCodeCounts
from services.kit.database import Database, Document
from services.kit.messages.outbox import Outbox
from services.kit.pagination import beyond

if TYPE_CHECKING:
    from services.kit.database import Session


class BatchWrites:
    """Makes, imports and switches codes; `by` is who does it."""

    def __init__(
        self, database: Database, counts: AccessCodeCounts, outbox: Outbox, clock: Callable[[], datetime]
    ) -> None:
        self._codes = database.access_codes
        self._batches = database.access_code_batches
        self._counts = counts
        self._outbox = outbox
        self._clock = clock

    async def create_many(self, session: "Session", command: CreateAccessCodes, by: str) -> list[AccessCode]:
        """Makes codes, and their batch where it is named. Raises `BatchAlreadyExists`."""
        now, batch = self._clock(), None
        events: list[Event] = []
        if command.batch is not None:
            if await self._find(session, command.batch) is not None:
                raise BatchAlreadyExists()
            batch = replace(new_batch(command.batch, command, asked=command.count, by=by, now=now), made=command.count)
            await self._batches.insert_one(BATCHES.dump(batch), session=session)
            events.append(batch_created_event(batch))
        codes = [ACCESS_CODES.load(one) for one in await self._make(session, command, command.count, by, batch)]
        await self._tell(session, now, *events, *map(created_event, codes))
        return codes

    async def begin(self, session: "Session", command: GenerateAccessCodes, by: str) -> int:
        """Returns how many codes the batch has, which it makes where it is not there. Raises `BatchChanged`."""
        found = await self._find(session, command.batch)
        if found is None:
            batch = new_batch(command.batch, command, asked=command.count, by=by, now=self._clock())
            await self._batches.insert_one(BATCHES.dump(batch), session=session)
            return 0
        if command.count > require_same(found, command).asked:
            await self._batches.update_one({"_id": found.id}, {"$max": {"asked": command.count}}, session=session)
        return found.made

    async def proceed(self, session: "Session", command: GenerateAccessCodes, by: str) -> int:
        """Makes the next chunk of a batch; returns how many codes it has.

        Two who generate the same batch conflict on its row, so neither makes one too many.
        """
        batch = await self._find(session, command.batch)
        assert batch is not None
        number = min(GENERATED_AT_ONCE, command.count - batch.made)
        if number <= 0:
            return batch.made
        batch, at = await self._add(session, batch, number)
        await self._make(session, command, number, by, batch)
        if batch.made >= command.count:
            await self._tell(session, at, batch_created_event(batch))
        return batch.made

    async def switch(
        self, session: "Session", batch: AccessCodeBatch, after: tuple[datetime, str] | None, *, active: bool
    ) -> BatchSwitch:
        """Switches the next chunk of a batch, those behind a place in its order."""
        now, query = self._clock(), {"batch": batch.name, "active": not active}
        if after is not None:
            query |= beyond(NEWEST_FIRST, [after[0], ObjectId(after[1])])
        found = self._codes.find(query, ENTITY_ALONE, session=session).sort([(key, -1) for key in NEWEST_FIRST.keys])
        codes = [ACCESS_CODES.load(row) for row in await found.limit(CHUNK).batch_size(CHUNK + 1).to_list(None)]
        done = switch_each(codes, active=active, at=now)
        if done.changes:
            ids = [ObjectId(code.id) for code, _ in done.changes]
            # Behind all that happened to a code, as `Tracked.later` has it.
            later = {"$max": [now, {"$add": ["$updatedAt", 1]}]}
            change = [{"$set": {"active": active, "updatedAt": later}}]
            await self._codes.update_many({"_id": {"$in": ids}}, change, session=session)
            await self._counts.move(session, done.changes)
            _, at = await self._add(session, batch, 0)
            await self._tell(session, at, batch_switched_event(batch.name, len(done.changes), at, active=active))
        last = (codes[-1].created_at, codes[-1].id) if len(codes) == CHUNK else None
        return BatchSwitch(len(done.changes), done.full, done.expired, last)

    async def take_in(
        self, session: "Session", rows: Sequence[tuple[int, ImportAccessCode]], by: str
    ) -> list[RowOutcome]:
        """Imports the rows whose codes are not there; returns what became of each."""
        found = self._codes.find({"code": {"$in": [row.code for _, row in rows]}}, ENTITY_ALONE, session=session)
        standing = {code.code: code for code in map(ACCESS_CODES.load, await found.to_list(None))}
        now = self._clock()
        new: list[AccessCode] = []
        outcomes: list[RowOutcome] = []
        for line, row in rows:
            outcomes.append(row.judge(line, standing.get(row.code)))
            if outcomes[-1].outcome is Outcome.IMPORTED:
                new.append(row.create(identifier=str(ObjectId()), now=now))
                standing[row.code] = new[-1]
        await self._add_to_batches(session, new, by, now)
        await self._insert(session, new)
        return outcomes

    async def _find(self, session: "Session", batch: str) -> AccessCodeBatch | None:
        document = await self._batches.find_one({"_id": batch}, session=session)
        return None if document is None else BATCHES.load(document)

    async def _make(
        self, session: "Session", command: CreateAccessCode, number: int, by: str, batch: AccessCodeBatch | None
    ) -> list[Document]:
        now, name = (self._clock(), None) if batch is None else (batch.created_at, batch.id)
        pattern = new_access_code(command, identifier=str(ObjectId()), code="", by=by, now=now, batch=name)
        # Alike but for these: mapped one by one they would take as long as MongoDB does to store them.
        alike = ACCESS_CODES.dump(pattern)
        del alike["codeTrigrams"]
        documents = [
            {**alike, "_id": ObjectId(), "code": code, **search_fields(code)}
            for code in await draw_codes(self._codes, session, number)
        ]
        await self._codes.insert_many(documents, session=session, ordered=False)
        await self._counts.move(session, [(None, pattern)], times=number)
        return documents

    async def _add_to_batches(self, session: "Session", new: Sequence[AccessCode], by: str, now: datetime) -> None:
        """Counts imported codes in their batches, which are made where they are not there."""
        for name, number in Counter(code.batch for code in new if code.batch is not None).items():
            batch, at = await self._add(session, imported_batch(name, by=by, now=now), number)
            await self._tell(session, at, batch_created_event(batch))

    async def _add(self, session: "Session", batch: AccessCodeBatch, number: int) -> tuple[AccessCodeBatch, datetime]:
        """Counts codes in a batch, which is made where it is not there; returns it, and when that is.

        That is later than whatever happened to the batch before, so that its events stay in order.
        """
        later = {"$max": [self._clock(), {"$add": ["$updatedAt", 1]}]}
        new = {name: {"$ifNull": [f"${name}", {"$literal": value}]} for name, value in BATCHES.dump(batch).items()}
        del new["_id"]
        counted = {"made": {"$add": [{"$ifNull": ["$made", 0]}, number]}, "updatedAt": later}
        document = await self._batches.find_one_and_update(
            {"_id": batch.id}, [{"$set": {**new, **counted}}], upsert=True, return_document=True, session=session
        )
        assert document is not None
        return BATCHES.load(document), document["updatedAt"]

    async def _tell(self, session: "Session", at: datetime, *events: Event) -> None:
        await self._outbox.put(session, [(at, event) for event in events])

    async def _insert(self, session: "Session", codes: Sequence[AccessCode]) -> None:
        if codes:
            documents = [ACCESS_CODES.dump(code) | _unaccounted(code) for code in codes]
            await self._codes.insert_many(documents, session=session, ordered=False)
            await self._counts.move(session, [(None, code) for code in codes])


def _unaccounted(code: AccessCode) -> dict[str, int]:
    """Uses that a new code comes with: its ledger has no rows of them, and accounts for them by their number."""
    return {"unaccountedUses": code.used_count} if code.used_count else {}
