"""Access codes by the thousand: made for GraphQL, generated, imported and exported for the command line.

Everything goes in chunks of one transaction each, in constant memory. What is done is known from what stands in the
database, so each verb may be killed at any moment and run again.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bson import ObjectId

from models.access_codes.access_code import AccessCode, CreateAccessCode
from models.access_codes.batches import (
    CHUNK,
    AccessCodeBatch,
    CreateAccessCodes,
    GenerateAccessCodes,
    ImportAccessCode,
    Outcome,
    RowOutcome,
)
from models.access_codes.effects import new_access_code
from models.activity import Deed, Thing, Verb
from models.principal import Principal, Role
from services.access_codes.repository import ACCESS_CODES, BATCHES, ENTITY_ALONE, NEWEST_FIRST, draw_codes
from services.access_codes.totals import AccessCodeCounts
from services.kit.activity.log import ActivityLog
from services.kit.database import Database

if TYPE_CHECKING:
    from services.kit.database import Session


class AccessCodeBatches:
    """Every verb is for admins."""

    def __init__(self, database: Database, activity: ActivityLog, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._activity = activity
        self._codes = database.access_codes
        self._batches = database.access_code_batches
        self._counts = AccessCodeCounts(database)
        self._clock = clock

    async def create_many(self, caller: Principal, command: CreateAccessCodes) -> Sequence[AccessCode]:
        """Makes up to 1,000 codes of one kind, all of them or none."""
        caller.require_role(Role.ADMIN)
        return await self._activity.transaction(
            caller,
            lambda session: self._make(session, command, command.count, caller.name),
            lambda _: Deed(Verb.CREATE_ACCESS_CODES),
        )

    async def generate(self, caller: Principal, command: GenerateAccessCodes) -> AsyncIterator[int]:
        """Makes codes until the batch has as many as asked for; yields how many it has, at first and after each chunk.

        All codes of a batch expire at the same instant. 409 when the batch was begun with other values.
        """
        caller.require_role(Role.ADMIN)
        made = await self._database.transaction(lambda session: self._begin(session, command))
        yield made
        deed = Deed(Verb.CREATE_ACCESS_CODES, (Thing("AccessCodeBatch", command.batch),))
        while made < command.count:
            made = await self._activity.transaction(
                caller, lambda session: self._continue(session, command, caller.name), lambda _: deed
            )
            yield made

    async def export(self, caller: Principal, batch: str | None = None) -> AsyncIterator[AccessCode]:
        """Yields every code, or every code of a batch, the oldest first."""
        caller.require_role(Role.VIEWER)
        query = {} if batch is None else {"batch": batch}
        order = [("_id", 1)] if batch is None else [(key, 1) for key in NEWEST_FIRST.keys]
        async for document in self._codes.find(query, ENTITY_ALONE, batch_size=CHUNK).sort(order):
            yield ACCESS_CODES.load(document)

    async def count(self, caller: Principal, batch: str | None = None) -> int:
        """Returns how many codes `export` yields."""
        caller.require_role(Role.VIEWER)
        if batch is not None:
            return await self._codes.count_documents({"batch": batch})
        return (await self._counts.read(self._clock())).total

    async def import_rows(self, caller: Principal, rows: Sequence[tuple[int, ImportAccessCode]]) -> list[RowOutcome]:
        """Takes in the rows (each with its line) whose codes are not there yet, in one transaction.

        A row whose code is there stops no other; importing twice changes nothing. See `ImportAccessCode.judge`.
        """
        caller.require_role(Role.ADMIN)
        if not rows:
            return []
        return await self._activity.transaction(caller, lambda session: self._import(session, rows), _imported)

    async def _begin(self, session: "Session", command: GenerateAccessCodes) -> int:
        found = await self._find(session, command.batch)
        if found is None:
            await self._batches.insert_one(BATCHES.dump(command.begin(self._clock())), session=session)
            return 0
        command.require_same(found)
        return found.made

    async def _continue(self, session: "Session", command: GenerateAccessCodes, by: str) -> int:
        """The next chunk. Two who generate the same batch conflict on its row, so neither makes one too many."""
        batch = await self._find(session, command.batch)
        assert batch is not None
        number = min(CHUNK, command.count - batch.made)
        if number <= 0:
            return batch.made
        await self._batches.update_one({"_id": batch.id}, {"$inc": {"made": number}}, session=session)
        await self._make(session, command, number, by, batch)
        return batch.made + number

    async def _find(self, session: "Session", batch: str) -> AccessCodeBatch | None:
        document = await self._batches.find_one({"_id": batch}, session=session)
        return None if document is None else BATCHES.load(document)

    async def _make(
        self, session: "Session", command: CreateAccessCode, number: int, by: str, batch: AccessCodeBatch | None = None
    ) -> list[AccessCode]:
        now, name = (self._clock(), None) if batch is None else (batch.created_at, batch.id)
        codes = [
            new_access_code(command, identifier=str(ObjectId()), code=code, by=by, now=now, batch=name)
            for code in await draw_codes(self._codes, session, number)
        ]
        await self._insert(session, codes)
        return codes

    async def _import(self, session: "Session", rows: Sequence[tuple[int, ImportAccessCode]]) -> list[RowOutcome]:
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
        await self._insert(session, new)
        return outcomes

    async def _insert(self, session: "Session", codes: Sequence[AccessCode]) -> None:
        if codes:
            documents = [ACCESS_CODES.dump(code) | _unaccounted(code) for code in codes]
            await self._codes.insert_many(documents, session=session, ordered=False)
            await self._counts.move(session, [(None, code) for code in codes])


def _imported(outcomes: Sequence[RowOutcome]) -> Deed | None:
    if all(each.outcome is not Outcome.IMPORTED for each in outcomes):
        return None
    return Deed(Verb.IMPORT_ACCESS_CODES)


def _unaccounted(code: AccessCode) -> dict[str, int]:
    """Uses that a new code comes with: its ledger has no rows of them, and accounts for them by their number."""
    return {"unaccountedUses": code.used_count} if code.used_count else {}
