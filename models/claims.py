"""What a token says, once its signature holds: the claims of a JWT, of whatever JSON types they came in."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from models.errors import ExpiredToken, InvalidToken
from models.values.texts import clean, is_storable

NOT_BEFORE_LEEWAY = 30
"""Seconds that the clock of whoever signs may be ahead of ours."""
LAST_INSTANT = 253_402_300_800
"""The year 10000, in POSIX seconds: what expires later does so then."""


@dataclass(frozen=True, slots=True)
class Claims:
    """The user of a token, and the POSIX seconds from which on it names nobody."""

    user_id: str
    user_types: tuple[str, ...]
    expires_at: float


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """What the claims of a user are called; `realm_access.roles` is the claim `roles` within `realm_access`."""

    user_id: str = "userId"
    user_types: str = "userType"


def read_claims(claims: Mapping[str, object], now: float, names: ClaimNames = ClaimNames()) -> Claims:
    """The claims that count: those of the user (no types when they are missing), `exp` and `nbf`; no others.

    `exp` has no leeway, so that a token ends for everyone at one instant. Raises `ExpiredToken` for a token that would
    hold if it were younger, and `InvalidToken` for any other that does not.
    """
    user_id, user_types = _user_id(_named(claims, names.user_id)), _user_types(_named(claims, names.user_types, []))
    expires_at = _instant(claims.get("exp"))
    if _instant(claims.get("nbf", 0)) > now + NOT_BEFORE_LEEWAY:
        raise InvalidToken()
    if expires_at <= now:
        raise ExpiredToken()
    return Claims(user_id, user_types, expires_at)


def _named(claims: Mapping[str, object], name: str, missing: object = None) -> object:
    """The claim of this very name, else the one that its parts lead to."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return missing
        found = found[part]
    return found


def _instant(claim: object) -> float:
    """A NumericDate of RFC 7519: a JSON number, whole or not."""
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        raise InvalidToken()
    if isinstance(claim, float) and not isfinite(claim):
        raise InvalidToken()
    return float(max(min(claim, LAST_INSTANT), 0))


def _user_id(claim: object) -> str:
    """The id in the form in which every input's is kept: what nobody can see makes no other user."""
    user_id = clean(_text(claim))
    if not user_id:
        raise InvalidToken()
    return user_id


def _user_types(claim: object) -> tuple[str, ...]:
    if not isinstance(claim, list):
        raise InvalidToken()
    return tuple(_text(kind) for kind in claim)


def _text(claim: object) -> str:
    """A string that MongoDB and an answer in UTF-8 can hold."""
    if not isinstance(claim, str) or not is_storable(claim):
        raise InvalidToken()
    return claim
