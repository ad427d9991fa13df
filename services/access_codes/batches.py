"""Access codes by the thousand: made for GraphQL, generated, imported and exported for the command line.

Everything goes in chunks of one transaction each, in constant memory. What is done is known from what stands in the
database, so each verb may be killed at any moment and run again.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from models.access_code import (
    AccessCode,
    BatchChanged,
    CreateAccessCode,
    CreateAccessCodes,
    GenerateAccessCodes,
    ImportAccessCode,
    read_import_row,
)
from models.errors import InvalidInput
from models.inputs import parse
from models.principal import Principal
from models.texts import clean
from services.access_codes.documents import SEARCH_FIELDS, access_code_from_document, access_code_to_document
from services.access_codes.draw import draw_codes
from services.access_codes.totals import AccessCodeCounts
from services.access_codes.unit_of_work import new_access_code
from services.kit.database import Database

if TYPE_CHECKING:
    from services.kit.database import Session

CHUNK = 1_000


class Outcome(StrEnum):
    """What became of an imported row."""

    IMPORTED = "imported"
    PRESENT = "present"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of the row of a line, and why where it was refused."""

    line: int
    outcome: Outcome
    faults: tuple[str, ...] = ()


class AccessCodeBatches:
    """Every verb is for admins."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._codes = database.access_codes
        self._batches = database.access_code_batches
        self._counts = AccessCodeCounts(database)
        self._clock = clock

    async def create_many(self, principal: Principal, raw: Mapping[str, Any]) -> Sequence[AccessCode]:
        """Make up to 1,000 codes of one kind, all of them or none."""
        principal.require_admin()
        wanted = parse(CreateAccessCodes, raw)
        return await self._database.transaction(lambda session: self._make(session, wanted, wanted.count))

    async def generate(self, principal: Principal, raw: Mapping[str, Any]) -> AsyncIterator[int]:
        """Make codes until the batch has as many as asked for; tells how many it has, at first and after each chunk.

        All codes of a batch expire at the same instant. 409 when the batch was begun with other values.
        """
        principal.require_admin()
        wanted = parse(GenerateAccessCodes, raw)
        made = await self._database.transaction(lambda session: self._begin(session, wanted))
        yield made
        while made < wanted.count:
            made = await self._database.transaction(lambda session: self._continue(session, wanted))
            yield made

    async def export(self, principal: Principal, batch: str | None = None) -> AsyncIterator[AccessCode]:
        """Every code, or every code of a batch, the oldest first."""
        principal.require_admin()
        query = {} if batch is None else {"batch": clean(batch)}
        async for document in self._codes.find(query, SEARCH_FIELDS, batch_size=CHUNK).sort("_id", 1):
            yield access_code_from_document(document)

    async def count(self, principal: Principal, batch: str | None = None) -> int:
        """How many codes `export` will tell of."""
        principal.require_admin()
        if batch is not None:
            return await self._codes.count_documents({"batch": clean(batch)})
        return (await self._counts.read(self._clock())).total

    async def import_rows(
        self, principal: Principal, rows: Sequence[tuple[int, Mapping[str, str]]]
    ) -> list[RowOutcome]:
        """Take over the rows (each with its line) whose codes are not there yet, in one transaction.

        A row whose code is there with the same values is present, so that importing twice changes nothing; with other
        values it is refused. A bad row stops no other.
        """
        principal.require_admin()
        refused: list[RowOutcome] = []
        good: list[tuple[int, ImportAccessCode]] = []
        for line, raw in rows:
            try:
                good.append((line, read_import_row(raw)))
            except InvalidInput as invalid:
                faults = tuple(fault.message for fault in invalid.faults)
                refused.append(RowOutcome(line, Outcome.REFUSED, faults))
        if good:
            refused += await self._database.transaction(lambda session: self._import(session, good))
        return sorted(refused, key=lambda outcome: outcome.line)

    async def _begin(self, session: "Session", wanted: GenerateAccessCodes) -> int:
        kind = {
            "description": wanted.description,
            "maxUses": wanted.max_uses,
            "expiryDays": wanted.expiry_days,
        }
        found = await self._batches.find_one({"_id": wanted.batch}, session=session)
        if found is None:
            now = self._clock()
            begun = {"_id": wanted.batch, **kind, "made": 0, "createdAt": now}
            await self._batches.insert_one(begun, session=session)
            return 0
        if any(found[name] != value for name, value in kind.items()):
            raise BatchChanged()
        made: int = found["made"]
        return made

    async def _continue(self, session: "Session", wanted: GenerateAccessCodes) -> int:
        """The next chunk. Two who generate the same batch conflict on its row, so neither makes one too many."""
        found = await self._batches.find_one({"_id": wanted.batch}, session=session)
        assert found is not None
        made: int = found["made"]
        number = min(CHUNK, wanted.count - made)
        if number <= 0:
            return made
        await self._batches.update_one({"_id": wanted.batch}, {"$inc": {"made": number}}, session=session)
        await self._make(session, wanted, number, begun=found["createdAt"], batch=wanted.batch)
        return made + number

    async def _make(
        self,
        session: "Session",
        wanted: CreateAccessCode,
        number: int,
        *,
        begun: datetime | None = None,
        batch: str | None = None,
    ) -> list[AccessCode]:
        now = begun or self._clock()
        codes = [new_access_code(code, wanted, now) for code in await draw_codes(self._codes, session, number)]
        await self._insert(session, codes, {} if batch is None else {"batch": batch})
        return codes

    async def _import(self, session: "Session", rows: Sequence[tuple[int, ImportAccessCode]]) -> list[RowOutcome]:
        sought = [row.code for _, row in rows]
        found = self._codes.find({"code": {"$in": sought}}, SEARCH_FIELDS, session=session)
        standing = {document["code"]: access_code_from_document(document) async for document in found}
        now = self._clock()
        new: list[AccessCode] = []
        outcomes: list[RowOutcome] = []
        for line, row in rows:
            there = standing.get(row.code)
            if there is None:
                code = _imported(row, now)
                standing[row.code] = code
                new.append(code)
                outcomes.append(RowOutcome(line, Outcome.IMPORTED))
            elif _is_same(there, row):
                outcomes.append(RowOutcome(line, Outcome.PRESENT))
            else:
                fault = f"code {row.code} is there with another description, maxUses or expiresAt"
                outcomes.append(RowOutcome(line, Outcome.REFUSED, (fault,)))
        await self._insert(session, new, {})
        return outcomes

    async def _insert(self, session: "Session", codes: Sequence[AccessCode], more: dict[str, Any]) -> None:
        if codes:
            documents = [access_code_to_document(code) | _unaccounted(code) | more for code in codes]
            await self._codes.insert_many(documents, session=session, ordered=False)
            await self._counts.move(session, [(None, code) for code in codes])


def _imported(row: ImportAccessCode, now: datetime) -> AccessCode:
    return AccessCode(
        id=str(ObjectId()),
        code=row.code,
        description=row.description,
        max_uses=row.max_uses,
        used_count=row.used_count,
        expires_at=row.expires_at,
        active=row.active,
        created_at=row.created_at or now,
        updated_at=row.created_at or now,
        created_by=row.created_by,
    )


def _unaccounted(code: AccessCode) -> dict[str, Any]:
    """Uses that a new code comes with: its ledger has no rows of them, and accounts for them by their number."""
    return {"unaccountedUses": code.used_count} if code.used_count else {}


def _is_same(code: AccessCode, row: ImportAccessCode) -> bool:
    """By what never changes of a code; its uses and its switch may have moved since."""
    mine = (code.description, code.max_uses, code.expires_at)
    return mine == (row.description, row.max_uses, row.expires_at)
