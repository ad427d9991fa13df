"""Access codes and their uses: what they are, what can be done with them, and the pure rules of who may."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from models.access_codes.refusals import (
    AccessCodeAlreadyUsed,
    AccessCodeExpired,
    AccessCodeFullyUsed,
    AccessCodeInactive,
    AccessCodeNotFound,
    CannotActivateExpired,
    CannotActivateFullyUsed,
    InvalidAccessCode,
)
from models.base import Id
from models.inputs import Flag, Input, Positive, Text, Whole
from models.pagination import NumberedPage, Period
from models.stored import stored
from models.values.codes import draw_code
from models.verbs import Verb

CODE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
CODE_LENGTH = 6
DEFAULT_DESCRIPTION = "Beta access code"
CREATED_BY = "admin"
MAX_EXPIRY_DAYS = 36_500
DAY = timedelta(days=1)


@stored("accessCode")
@dataclass(frozen=True, slots=True)
class AccessCode:
    """An access code. `used_count` counts its uses; whether it can be used now is for `require_usable` to say."""

    id: Id
    code: str
    description: str
    max_uses: int
    used_count: int
    expires_at: datetime
    active: bool
    created_at: datetime
    updated_at: datetime
    created_by: str = CREATED_BY
    batch: str | None = None
    """The name of the batch it was made or imported in."""
    is_public: bool = False
    """Whether everyone may watch how many uses are left."""

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

    id: Id
    code_id: Id
    code: str
    description: str
    expires_at: datetime
    created_at: datetime
    username: str
    redeemed_at: datetime
    twitter_id: str | None = None
    batch: str | None = None


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
class ByCode(Input):
    """An access code, as it was typed."""

    code: Text


@dataclass(frozen=True, slots=True)
class GetAccessCode(ByCode):
    """What `GET /api/access-code/validate/:code`, `GET /admin/access-code/:code` and `accessCode` take."""


@dataclass(frozen=True, slots=True)
class ActivateAccessCode(ByCode):
    """What `PATCH /admin/access-code/:code/activate` and `activateAccessCode` take."""

    verb: ClassVar = Verb("ACTIVATE_ACCESS_CODE", "An access code was switched on.")


@dataclass(frozen=True, slots=True)
class DeactivateAccessCode(ByCode):
    """What `PATCH /admin/access-code/:code/deactivate` and `deactivateAccessCode` take."""

    verb: ClassVar = Verb("DEACTIVATE_ACCESS_CODE", "An access code was switched off.")


@dataclass(frozen=True, slots=True)
class DeleteAccessCode(ByCode):
    """What `DELETE /admin/access-code/:code` and `deleteAccessCode` take."""

    verb: ClassVar = Verb("DELETE_ACCESS_CODE", "An access code was deleted.")


@dataclass(frozen=True, slots=True)
class SetAccessCodePublic(ByCode):
    """What `setAccessCodePublic` takes."""

    verb: ClassVar = Verb("SET_ACCESS_CODE_PUBLIC", "Everyone may watch an access code, or no longer.")
    is_public: Flag


@dataclass(frozen=True, slots=True)
class ListRedemptions(Input):
    """What `GET /api/access-code/user/:username` and `accessCodeRedemptions` take."""

    username: Text


@dataclass(frozen=True, slots=True)
class RedeemAccessCode(Input):
    """What `POST /api/access-code/redeem` and `redeemAccessCode` take. Identity is the exact username."""

    verb: ClassVar = Verb("REDEEM_ACCESS_CODE", "An access code was redeemed.", when_refused=True)
    code: Text
    username: Text
    twitter_id: Text | None = None

    @property
    def names(self) -> tuple[str | None, ...]:
        """What the user is called."""
        return self.username, self.twitter_id


@dataclass(frozen=True)
class CreateAccessCode(Input):
    """What `POST /admin/access-code` and `createAccessCode` take (no slots: others are made from it)."""

    max_uses: Positive
    expiry_days: Annotated[Whole, Field(ge=1, le=MAX_EXPIRY_DAYS)]
    description: Text = DEFAULT_DESCRIPTION
    is_public: Flag = False


@dataclass(frozen=True, slots=True)
class MakeAccessCode:
    """Makes a code; `by` is who made it."""

    verb: ClassVar = Verb("CREATE_ACCESS_CODE", "An access code was made.")
    wanted: CreateAccessCode
    by: str


@dataclass(frozen=True, slots=True)
class AccessCodeFilter(Period):
    """What a list of access codes may be narrowed by.

    `active` is the switch, `expired` the expiry at the moment of asking; `code` and `description` match anywhere,
    ignoring case; `batch` is the name of a batch. The period is that in which they were made.
    """

    active: Flag | None = None
    expired: Flag | None = None
    code: Text | None = None
    batch: Text | None = None
    description: Text | None = None
    created_by: Text | None = None


@dataclass(frozen=True, slots=True)
class AccessCodeUseFilter(Period):
    """What a list of uses may be narrowed by: the code as it was typed, its batch, the exact username."""

    code: Text | None = None
    batch: Text | None = None
    username: Text | None = None


@dataclass(frozen=True, slots=True)
class ListAccessCodes(NumberedPage, AccessCodeFilter):
    """What `GET /admin/access-codes` takes."""


def make_access_code(draw: Callable[[int], int]) -> str:
    """Returns a code of six letters and digits; `draw(n)` is a whole number below n (from a cryptographic source)."""
    return draw_code(draw, CODE_ALPHABET, CODE_LENGTH)


def require_found(code: AccessCode | None) -> AccessCode:
    """Returns the code. Raises `AccessCodeNotFound` where there is none."""
    if code is None:
        raise AccessCodeNotFound()
    return code


def require_usable(code: AccessCode | None, now: datetime, *, has_used: bool = False) -> AccessCode:
    """Returns the code, which a user who `has_used` it or not may use at this moment.

    Raises in the order of the access code document: none, expired, inactive, used up, used by this user.
    """
    if code is None:
        raise InvalidAccessCode()
    if code.is_expired(now):
        raise AccessCodeExpired()
    if not code.active:
        raise AccessCodeInactive()
    if code.is_full:
        raise AccessCodeFullyUsed()
    if has_used:
        raise AccessCodeAlreadyUsed()
    return code


def require_activatable(code: AccessCode, now: datetime) -> AccessCode:
    """Returns the code, which may be switched on. Raises where it is used up, then where it has expired."""
    if code.is_full:
        raise CannotActivateFullyUsed()
    if code.is_expired(now):
        raise CannotActivateExpired()
    return code


def usage_of(code: AccessCode, now: datetime) -> AccessCodeUsage:
    """Returns how far this code is used at this moment."""
    return AccessCodeUsage(
        usage_percentage=round(100 * code.used_count / code.max_uses, 2),
        is_expired=code.is_expired(now),
        is_usable=code.is_open and not code.is_expired(now),
        remaining_uses=code.remaining_uses,
        days_until_expiry=max(0, -((now - code.expires_at) // DAY)),
    )
