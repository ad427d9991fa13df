"""Access codes by the thousand: batches of one kind, and the rows of files that are imported."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from models.access_codes.access_code import CREATED_BY, DEFAULT_DESCRIPTION, AccessCode, CreateAccessCode
from models.access_codes.cells import code_fault, plain_cells
from models.errors import Conflict, ErrorCode, Fault, InvalidInput
from models.inputs import Flag, Input, Instant, NonNegative, Positive, Text, Whole, parse_query
from models.values.codes import normalize_code

CHUNK = 1_000
"""How many codes are made, read or written at once, whatever their number."""
MAX_CODES_AT_ONCE = 1_000
MAX_BATCH = 1_000_000
LONGEST_IMPORTED = 100_000
"""Texts of older systems may be longer than those that are asked for."""


class BatchChanged(Conflict):
    code = ErrorCode.ACCESS_CODE_BATCH_CHANGED
    message = "This batch was begun with other values; give it another id"


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


@dataclass(frozen=True, slots=True)
class AccessCodeBatch:
    """Codes of one kind that are made until there are as many as asked for; all expire at the same instant."""

    id: str
    description: str
    max_uses: int
    expiry_days: int
    made: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class CreateAccessCodes(CreateAccessCode):
    """What `createAccessCodes` takes."""

    count: Annotated[Whole, Field(ge=1, le=MAX_CODES_AT_ONCE)]


@dataclass(frozen=True, kw_only=True)
class GenerateAccessCodes(CreateAccessCode):
    """What `tessera codes generate` takes: a batch is known by its id, and completed when it is asked for again."""

    batch: Text
    count: Annotated[Whole, Field(ge=1, le=MAX_BATCH)]

    def begin(self, now: datetime) -> AccessCodeBatch:
        """Returns the batch, of which no code is made yet."""
        return AccessCodeBatch(self.batch, self.description, self.max_uses, self.expiry_days, 0, now)

    def require_same(self, begun: AccessCodeBatch) -> None:
        """Raises `BatchChanged` where the batch was begun with other values."""
        if self.begin(begun.created_at) != replace(begun, made=0):
            raise BatchChanged()


@dataclass(frozen=True, slots=True)
class ImportAccessCode(Input):
    """A row of `tessera codes import`. `usedCount` are uses of which no more is known than their number."""

    code: Annotated[Text, Field(max_length=LONGEST_IMPORTED)]
    max_uses: Positive
    expires_at: Instant
    description: Annotated[Text, Field(max_length=LONGEST_IMPORTED)] = DEFAULT_DESCRIPTION
    used_count: NonNegative = 0
    active: Flag = True
    created_at: Instant | None = None
    created_by: Annotated[Text, Field(max_length=LONGEST_IMPORTED)] = CREATED_BY
    batch: Text | None = None

    def create(self, *, identifier: str, now: datetime) -> AccessCode:
        """Returns the code that the row tells of."""
        made = self.created_at or now
        return AccessCode(
            id=identifier,
            code=self.code,
            description=self.description,
            max_uses=self.max_uses,
            used_count=self.used_count,
            expires_at=self.expires_at,
            active=self.active,
            created_at=made,
            updated_at=made,
            created_by=self.created_by,
            batch=self.batch,
        )

    def judge(self, line: int, there: AccessCode | None) -> RowOutcome:
        """Returns what is to become of the row, where its code is `there` already or not.

        One that is there with the same values is present, by what never changes of a code: its uses and its switch may
        have moved since. With other values the row is refused.
        """
        if there is None:
            return RowOutcome(line, Outcome.IMPORTED)
        mine = (self.description, self.max_uses, self.expires_at)
        if mine == (there.description, there.max_uses, there.expires_at):
            return RowOutcome(line, Outcome.PRESENT)
        fault = f"code {self.code} is there with another description, maxUses or expiresAt"
        return RowOutcome(line, Outcome.REFUSED, (fault,))


def read_import_row(cells: Mapping[str, str]) -> ImportAccessCode:
    """Returns a row of cells by their columns, its code in normal form. Raises `InvalidInput` with every fault."""
    faults: list[Fault] = []
    row: ImportAccessCode | None = None
    raw = plain_cells(cells)
    try:
        row = parse_query(ImportAccessCode, {name: [value] for name, value in raw.items()})
    except InvalidInput as invalid:
        faults += invalid.faults
    if sentence := code_fault(cells.get("code", "")):
        faults.append(Fault("code", sentence))
    if row is not None and row.used_count > row.max_uses:
        faults.append(Fault("usedCount", "usedCount must not be more than maxUses"))
    if faults or row is None:
        raise InvalidInput(faults)
    return replace(row, code=normalize_code(row.code))
