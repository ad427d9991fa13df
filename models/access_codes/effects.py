"""What commands on access codes bring about: pure effects, and the event that tells of one."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from models.access_codes.access_code import (
    DAY,
    AccessCode,
    AccessCodeUse,
    CreateAccessCode,
    RedeemAccessCode,
    require_activatable,
)
from models.access_codes.events import redeemed_event
from models.access_codes.refusals import CannotActivateExpired, CannotActivateFullyUsed
from models.events import Event


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a redemption changes: the code, the ledger of its uses, and what others are told."""

    code: AccessCode
    use: AccessCodeUse
    event: Event


def new_access_code(
    command: CreateAccessCode, *, identifier: str, code: str, by: str, now: datetime, batch: str | None = None
) -> AccessCode:
    """Returns a code that nobody has used, which expires after so many days of 24 hours."""
    return AccessCode(
        id=identifier,
        code=code,
        description=command.description,
        max_uses=command.max_uses,
        used_count=0,
        expires_at=now + command.expiry_days * DAY,
        active=True,
        created_at=now,
        updated_at=now,
        created_by=by,
        batch=batch,
        is_public=command.is_public,
    )


def redeem(code: AccessCode, command: RedeemAccessCode, *, use_id: str, at: datetime) -> Redeemed:
    """Uses a code once; the use keeps for ever what its user is shown of the code."""
    code = replace(code, used_count=code.used_count + 1, updated_at=at)
    use = AccessCodeUse(
        id=use_id,
        code_id=code.id,
        code=code.code,
        description=code.description,
        expires_at=code.expires_at,
        created_at=code.created_at,
        username=command.username,
        redeemed_at=at,
        twitter_id=command.twitter_id,
        batch=code.batch,
    )
    return Redeemed(code, use, redeemed_event(code, use))


def switch(code: AccessCode, *, active: bool, at: datetime) -> AccessCode:
    """Lets a code be redeemed or not; the same object where it is so already."""
    return code if code.active == active else replace(code, active=active, updated_at=at)


def publish(code: AccessCode, *, is_public: bool, at: datetime) -> AccessCode:
    """Lets everyone watch a code or not; the same object where it is so already."""
    return code if code.is_public == is_public else replace(code, is_public=is_public, updated_at=at)


@dataclass(frozen=True, slots=True)
class Switched:
    """What becomes of many codes that are switched: `changes` are those that change, before and after.

    `full` and `expired` are those that stay off, told by the first reason there is.
    """

    changes: list[tuple[AccessCode, AccessCode]]
    full: int
    expired: int


def switch_each(codes: Iterable[AccessCode], *, active: bool, at: datetime) -> Switched:
    """Switches codes, each as if alone: those that cannot be activated stay as they are."""
    changes: list[tuple[AccessCode, AccessCode]] = []
    refused: Counter[type[Exception]] = Counter()
    for code in codes:
        try:
            after = switch(require_activatable(code, at) if active else code, active=active, at=at)
        except (CannotActivateFullyUsed, CannotActivateExpired) as refusal:
            refused[type(refusal)] += 1
        else:
            if after is not code:
                changes.append((code, after))
    return Switched(changes, refused[CannotActivateFullyUsed], refused[CannotActivateExpired])
