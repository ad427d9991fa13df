"""Access codes by the thousand: batches of one kind, and the rows of files that are imported."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field

from models.access_codes.access_code import CREATED_BY, DAY, DEFAULT_DESCRIPTION, AccessCode, CreateAccessCode
from models.access_codes.cells import code_fault, plain_cells
from models.errors import Conflict, FieldError, InvalidInput, NotFound
from models.inputs import Flag, Input, Instant, NonNegative, Positive, Text, Whole, parse_query
from models.pagination import Period
from models.stored import stored
from models.values.codes import normalize_code
from models.values.ids import unwrapped
from models.verbs import Verb

CSV_COLUMNS = (
    "code",
    "description",
    "maxUses",
    "usedCount",
    "expiresAt",
    "active",
    "createdAt",
    "createdBy",
    "batch",
    "isPublic",
)
"""What an import takes of a code."""
CHUNK = 1_000
"""How many codes are made, read or written at once, whatever their number."""
GENERATED_AT_ONCE = 2_000
"""How many codes are generated at once: more make it no quicker."""
MAX_CODES_AT_ONCE = 1_000
MAX_BATCH = 1_000_000
LONGEST_IMPORTED = 100_000
"""Texts of older systems may be longer than those that are asked for."""


class BatchChanged(Conflict):
    """409: the batch was begun with other values."""

    code = "ACCESS_CODE_BATCH_CHANGED"
    message = "This batch was begun with other values; give it another id"


class BatchAlreadyExists(Conflict):
    """409: there is a batch of this name already."""

    code = "ACCESS_CODE_BATCH_ALREADY_EXISTS"
    message = "There is a batch of this name; give the new one another"


class BatchNotFound(NotFound):
    """404: there is no batch of access codes of this name."""

    code = "ACCESS_CODE_BATCH_NOT_FOUND"
    message = "Access code batch not found"


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


@stored("accessCodeBatch")
@dataclass(frozen=True, slots=True)
class AccessCodeBatch:
    """Codes of one name, which is its id, and what they were made with.

    Those that were made here are of one kind and expire at the same instant; of those that were imported each has its
    own values, and the batch has None. `made` were made or imported so far, `asked` were asked for.
    """

    id: str
    description: str | None
    max_uses: int | None
    expiry_days: int | None
    made: int
    created_at: datetime
    asked: int = 0
    created_by: str = CREATED_BY

    @property
    def name(self) -> str:
        return self.id

    @property
    def count(self) -> int:
        """How many codes it is to have."""
        return max(self.asked, self.made)

    @property
    def expires_at(self) -> datetime | None:
        return None if self.expiry_days is None else self.created_at + self.expiry_days * DAY


@dataclass(frozen=True, slots=True)
class AccessCodeBatchCounts:
    """Counts of a batch's codes that exist at a moment: a code is in several where several are true of it.

    Usable is what can be used; inactive is what is switched off.
    """

    codes: int
    uses: int
    usable: int
    inactive: int
    full: int
    expired: int


@stored("accessCodeBatchSwitch")
@dataclass(frozen=True, slots=True)
class BatchSwitch:
    """How far a batch is switched: codes that changed, and those that stay off because they are full or expired.

    `after` is the place of the last code that was looked at, None once all were.
    """

    changed: int = 0
    full: int = 0
    expired: int = 0
    after: tuple[datetime, str] | None = None

    def then(self, more: Self) -> Self:
        """Returns both together."""
        numbers = (self.changed + more.changed, self.full + more.full, self.expired + more.expired)
        return type(self)(*numbers, more.after)


@dataclass(frozen=True, kw_only=True)
class CreateAccessCodes(CreateAccessCode):
    """What `createAccessCodes` takes; under the name of a batch they are one."""

    verb: ClassVar = Verb("CREATE_ACCESS_CODES", "Access codes were made by the thousand, those of a batch in chunks.")
    count: Annotated[Whole, Field(ge=1, le=MAX_CODES_AT_ONCE)]
    batch: Text | None = None


@dataclass(frozen=True, kw_only=True)
class GenerateAccessCodes(CreateAccessCode):
    """What `tessera codes generate` takes: a batch is known by its name, and completed when it is asked for again."""

    verb: ClassVar = CreateAccessCodes.verb
    batch: Text
    count: Annotated[Whole, Field(ge=1, le=MAX_BATCH)]


@dataclass(frozen=True, slots=True)
class AccessCodeBatchFilter(Period):
    """What a list of batches may be narrowed by; `name` matches literally, anywhere, ignoring case.

    The period is that in which they were begun.
    """

    name: Text | None = None
    created_by: Text | None = None


def _unwrapped(raw: object) -> object:
    return unwrapped("AccessCodeBatch", raw) if isinstance(raw, str) else raw


@dataclass(frozen=True, slots=True)
class GetAccessCodeBatch(Input):
    """What `accessCodeBatch` takes: a batch by its name or its Relay id."""

    name: Annotated[Text, BeforeValidator(_unwrapped), Field(alias="id")]


@dataclass(frozen=True, slots=True)
class GetAccessCodeBatchByName(Input):
    """The same by its name alone."""

    name: Text


@dataclass(frozen=True, slots=True)
class ActivateAccessCodeBatch(GetAccessCodeBatch):
    """What `activateAccessCodeBatch` takes."""

    verb: ClassVar = Verb("ACTIVATE_ACCESS_CODE_BATCH", "The codes of a batch were switched on, in chunks.")


@dataclass(frozen=True, slots=True)
class DeactivateAccessCodeBatch(GetAccessCodeBatch):
    """What `deactivateAccessCodeBatch` takes."""

    verb: ClassVar = Verb("DEACTIVATE_ACCESS_CODE_BATCH", "The codes of a batch were switched off, in chunks.")


def new_batch(name: str, command: CreateAccessCode, *, asked: int, by: str, now: datetime) -> AccessCodeBatch:
    """Returns a batch of this kind of codes, of which none is made yet."""
    return AccessCodeBatch(name, command.description, command.max_uses, command.expiry_days, 0, now, asked, by)


def imported_batch(name: str, *, by: str, now: datetime) -> AccessCodeBatch:
    """Returns a batch for codes of any kind, of which none is imported yet."""
    return AccessCodeBatch(name, None, None, None, 0, now, created_by=by)


def require_same(begun: AccessCodeBatch, command: CreateAccessCode) -> AccessCodeBatch:
    """Returns the batch. Raises `BatchChanged` where it was begun with other values than these."""
    kind = (command.description, command.max_uses, command.expiry_days)
    if (begun.description, begun.max_uses, begun.expiry_days) != kind:
        raise BatchChanged()
    return begun


def require_batch(batch: AccessCodeBatch | None) -> AccessCodeBatch:
    """Returns the batch. Raises `BatchNotFound` where there is none."""
    if batch is None:
        raise BatchNotFound()
    return batch


@dataclass(frozen=True, slots=True)
class ImportAccessCode(Input):
    """A row of `tessera codes import`. `usedCount` are uses of which no more is known than their number."""

    verb: ClassVar = Verb("IMPORT_ACCESS_CODES", "Access codes were imported, in chunks, by the command line.")
    code: Annotated[Text, Field(max_length=LONGEST_IMPORTED)]
    max_uses: Positive
    expires_at: Instant
    description: Annotated[Text, Field(max_length=LONGEST_IMPORTED)] = DEFAULT_DESCRIPTION
    used_count: NonNegative = 0
    active: Flag = True
    created_at: Instant | None = None
    created_by: Annotated[Text, Field(max_length=LONGEST_IMPORTED)] = CREATED_BY
    batch: Text | None = None
    is_public: Flag = False

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
            is_public=self.is_public,
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
    faults: list[FieldError] = []
    row: ImportAccessCode | None = None
    raw = plain_cells(cells)
    try:
        row = parse_query(ImportAccessCode, {name: [value] for name, value in raw.items()})
    except InvalidInput as invalid:
        faults += invalid.faults
    if sentence := code_fault(cells.get("code", "")):
        faults.append(FieldError("code", sentence))
    if row is not None and row.used_count > row.max_uses:
        faults.append(FieldError("usedCount", "usedCount must not be more than maxUses"))
    if faults or row is None:
        raise InvalidInput(faults)
    return replace(row, code=normalize_code(row.code))
