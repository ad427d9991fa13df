"""Access codes and their uses: what they are, and the pure rule of who may use which."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from models.access_code_cells import code_fault, plain_cells
from models.codes import draw_code, normalize_code
from models.errors import Conflict, DomainError, ErrorCode, Fault, InvalidInput, NotFound, Refused
from models.inputs import flag, instant, parse_query, text, whole
from models.pagination import NumberedPage
from models.stored import stored

CODE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
CODE_LENGTH = 6
DEFAULT_DESCRIPTION = "Beta access code"
CREATED_BY = "admin"
MAX_EXPIRY_DAYS = 36_500
MAX_CODES_AT_ONCE = 1_000
MAX_BATCH = 1_000_000
LONGEST_IMPORTED = 100_000
"""Texts of older systems may be longer than those that are asked for."""
DAY = timedelta(days=1)


class AccessCodeNotFound(NotFound):
    code = ErrorCode.ACCESS_CODE_NOT_FOUND
    message = "Access code not found"


class InvalidAccessCode(NotFound):
    code = ErrorCode.INVALID_ACCESS_CODE
    message = "Invalid access code"


class AccessCodeExpired(Refused):
    code = ErrorCode.ACCESS_CODE_EXPIRED
    message = "Access code has expired"


class AccessCodeInactive(Refused):
    code = ErrorCode.ACCESS_CODE_INACTIVE
    message = "Access code is inactive"


class AccessCodeFullyUsed(Refused):
    code = ErrorCode.ACCESS_CODE_FULLY_USED
    message = "Access code has reached maximum usage limit"


class AccessCodeAlreadyUsed(Refused):
    code = ErrorCode.ACCESS_CODE_ALREADY_USED
    message = "You have already used this access code"


class CannotActivateFullyUsed(AccessCodeFullyUsed):
    status = 400
    message = "Cannot activate: maximum usage limit reached"


class CannotActivateExpired(AccessCodeExpired):
    status = 400
    message = "Cannot activate: access code has expired"


class BatchChanged(Conflict):
    code = ErrorCode.ACCESS_CODE_BATCH_CHANGED
    message = "This batch was begun with other values; give it another id"


@stored("accessCode")
@dataclass(frozen=True, slots=True)
class AccessCode:
    """An access code. `used_count` counts its uses; whether it can be used now is for `judge_validity` to say."""

    id: str
    code: str
    description: str
    max_uses: int
    used_count: int
    expires_at: datetime
    active: bool
    created_at: datetime
    updated_at: datetime
    created_by: str = CREATED_BY

    @property
    def is_full(self) -> bool:
        return self.used_count >= self.max_uses

    @property
    def is_open(self) -> bool:
        """Whether it can be used for as long as it has not expired."""
        return self.active and not self.is_full

    @property
    def remaining_uses(self) -> int:
        return max(0, self.max_uses - self.used_count)

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at <= now


@dataclass(frozen=True, slots=True)
class AccessCodeUse:
    """One use of a code by a user. It keeps what users are shown of the code, because it outlives it."""

    id: str
    code_id: str
    code: str
    description: str
    expires_at: datetime
    created_at: datetime
    username: str
    redeemed_at: datetime
    twitter_id: str | None = None


@dataclass(frozen=True, slots=True)
class AccessCodeUsage:
    """How far a code is used at a moment. `usage_percentage` has two decimals, `days_until_expiry` is rounded up."""

    usage_percentage: float
    is_expired: bool
    is_usable: bool
    remaining_uses: int
    days_until_expiry: int


@dataclass(frozen=True, slots=True)
class AccessCodeStats:
    """Counts of what exists at a moment; active is what can be used, `total_usages` is the sum of `used_count`."""

    total: int
    active: int
    expired: int
    fully_used: int
    total_usages: int
    most_used: AccessCode | None


@dataclass(frozen=True, slots=True)
class ByCode:
    """What names an access code: `GET /api/access-code/validate/:code` and every admin's path or input."""

    code: str = text("code")


@dataclass(frozen=True, slots=True)
class ByUsername:
    """What `GET /api/access-code/user/:username` takes."""

    username: str = text("username")


@dataclass(frozen=True, slots=True)
class RedeemAccessCode:
    """What `POST /api/access-code/redeem` and `redeemAccessCode` take. Identity is the exact username."""

    code: str = text("code")
    username: str = text("username")
    twitter_id: str | None = text("twitterId", None)


@dataclass(frozen=True)
class CreateAccessCode:
    """What `POST /admin/access-code` and `createAccessCode` take (no slots: others are made from it)."""

    max_uses: int = whole("maxUses", minimum=1)
    expiry_days: int = whole("expiryDays", minimum=1, maximum=MAX_EXPIRY_DAYS)
    description: str = text("description", DEFAULT_DESCRIPTION)


@dataclass(frozen=True, kw_only=True)
class CreateAccessCodes(CreateAccessCode):
    """What `createAccessCodes` takes."""

    count: int = whole("count", minimum=1, maximum=MAX_CODES_AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class GenerateAccessCodes(CreateAccessCode):
    """What `tessera codes generate` takes: a batch is known by its id, and completed when it is asked for again."""

    batch: str = text("batch")
    count: int = whole("count", minimum=1, maximum=MAX_BATCH)


@dataclass(frozen=True, slots=True)
class ImportAccessCode:
    """A row of `tessera codes import`. `usedCount` are uses of which no more is known than their number."""

    code: str = text("code", maximum=LONGEST_IMPORTED)
    max_uses: int = whole("maxUses", minimum=1)
    expires_at: datetime = instant("expiresAt")
    description: str = text("description", DEFAULT_DESCRIPTION, maximum=LONGEST_IMPORTED)
    used_count: int = whole("usedCount", 0, minimum=0)
    active: bool = flag("active", default=True)
    created_at: datetime | None = instant("createdAt", None)
    created_by: str = text("createdBy", CREATED_BY, maximum=LONGEST_IMPORTED)


@dataclass(frozen=True, slots=True)
class AccessCodeFilter:
    """What a list of access codes may be narrowed by.

    `active` is the switch, `expired` the expiry at the moment of asking; `code` matches anywhere, ignoring case.
    """

    active: bool | None = flag("active", None)
    expired: bool | None = flag("expired", None)
    code: str | None = text("code", None)


@dataclass(frozen=True, slots=True)
class ListAccessCodes(NumberedPage, AccessCodeFilter):
    """What `GET /admin/access-codes` takes."""


def make_access_code(draw: Callable[[int], int]) -> str:
    """A code of six letters and digits; `draw(n)` is a whole number below n (from a cryptographic source)."""
    return draw_code(draw, CODE_ALPHABET, CODE_LENGTH)


def read_import_row(cells: Mapping[str, str]) -> ImportAccessCode:
    """A row by the names of its columns, with its code in normal form; raises `InvalidInput` with every fault."""
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


def judge_validity(code: AccessCode | None, now: datetime) -> DomainError | None:
    """Why nobody can use this code at this moment, or None. The order is that of the access code document."""
    if code is None:
        return InvalidAccessCode()
    if code.is_expired(now):
        return AccessCodeExpired()
    if not code.active:
        return AccessCodeInactive()
    return AccessCodeFullyUsed() if code.is_full else None


def judge_use(code: AccessCode | None, now: datetime, *, has_used: bool) -> DomainError | None:
    """Why this user cannot use this code at this moment, or None."""
    return judge_validity(code, now) or (AccessCodeAlreadyUsed() if has_used else None)


def judge_activation(code: AccessCode, now: datetime) -> DomainError | None:
    """Why this code cannot be switched on, or None."""
    if code.is_full:
        return CannotActivateFullyUsed()
    return CannotActivateExpired() if code.is_expired(now) else None


def usage_of(code: AccessCode, now: datetime) -> AccessCodeUsage:
    """How far this code is used at this moment."""
    return AccessCodeUsage(
        usage_percentage=round(100 * code.used_count / code.max_uses, 2),
        is_expired=code.is_expired(now),
        is_usable=judge_validity(code, now) is None,
        remaining_uses=code.remaining_uses,
        days_until_expiry=max(0, -((now - code.expires_at) // DAY)),
    )
