"""What may be kept for ever of a value from outside: what is named here, of a plausible type, and nothing else.

A kind takes a JSON value (fractions as `Decimal`) and returns what is kept of it. What is not named is left out, be it
ignored anyway or a secret; what is named and implausible becomes null, and then the value is not kept whole. Keeping
what was kept before changes nothing.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from models.values.card_numbers import has_check_digit, last_four

MAX_ID = 256
_MAX_TEXT = 2_000
_MAX_DIGITS = 11
"""As many digits as a number may have: a card number has twelve at least."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept; `whole` where nothing that a reader of the value goes by is missing."""

    value: object
    whole: bool = True


_NOTHING = Kept(None, whole=False)

Kind = Callable[[object], Kept]

_HEX = re.compile(r"(?<!\w)(?=\d*[a-f])(?:[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})(?!\w)", re.IGNORECASE)
_UUID = re.compile(r"(?<!\w)(?=[\d-]*[a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?!\w)", re.IGNORECASE)
# Digits of a card number, whatever people put between them.
_DIGITS = re.compile(r"\d(?:[\W_]{0,3}\d){11,}")
_EXPIRY = re.compile(r"(?<!\d)(?:0[1-9]|1[0-2])\s?[/|]\s?(?:20)?\d\d(?!\d)")
_SECRET_WORD = re.compile(
    "cvv|cvc|csc|securitycode|cardcode|verification(code|value|number)|expir|exp(date|month|year)|valid(thru|until)"
    "|goodthru"
)
# Signs by which a text holds another (JSON, markup, escapes), in which a secret could be written in any way.
_NESTED = re.compile(r'[\\{}\[\]<>"]|%[0-9A-Fa-f]{2}|&#|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[A-Za-z0-9+/=_-]{65}')
_NUMBER = re.compile(r"[+-]?[0-9]{1,11}(?:[.,][0-9]{1,11})?")


def may_hold_secret(text: str) -> bool:
    """Whether a text of an id's kind could hold a card number, a security code by its name, an expiry, or an encoding.

    Ids have many digits, so that only what can be a card number is taken for one.
    """
    return _names_secret(text) or any(_may_be_card(found[0]) for found in _DIGITS.finditer(_readable(text)))


def keep_id(raw: object) -> Kept:
    """An id: a short text or a short whole number."""
    if isinstance(raw, str):
        return _NOTHING if len(raw) > MAX_ID or may_hold_secret(raw) else Kept(raw)
    return _NOTHING if type(raw) is not int or len(str(abs(raw))) > _MAX_DIGITS else Kept(raw)


def keep_text(raw: object) -> Kept:
    """A text such as an address, without any long run of digits."""
    if not isinstance(raw, str) or len(raw) > _MAX_TEXT or _names_secret(raw):
        return _NOTHING
    if not _DIGITS.search(_readable(raw)):
        return Kept(raw)
    return Kept(_DIGITS.sub("…", unicodedata.normalize("NFKC", raw)), whole=False)


def keep_number(raw: object) -> Kept:
    """An amount or a count, as a number or as a text that is one; of a longer one the first eleven digits."""
    if isinstance(raw, str):
        return Kept(raw) if _NUMBER.fullmatch(raw) and sum(map(str.isdigit, raw)) <= _MAX_DIGITS else _NOTHING
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        return _NOTHING
    number = raw if isinstance(raw, int) else Decimal(str(raw))
    if isinstance(number, Decimal) and not number.is_finite():
        return _NOTHING
    if abs(number) >= 10**_MAX_DIGITS:
        return _NOTHING
    if isinstance(number, int):
        return Kept(number)
    decimals = min(6, _MAX_DIGITS - max(1, number.adjusted() + 1))
    rounded = round(number, decimals)
    exponent = number.as_tuple().exponent
    written = isinstance(exponent, int) and -decimals <= exponent <= 0
    return Kept(number if written else rounded, whole=rounded == number)


def keep_flag(raw: object) -> Kept:
    """True or false."""
    return Kept(raw) if isinstance(raw, bool) else _NOTHING


def keep_card(raw: object) -> Kept:
    """The last four digits of a card number, as a number where it is one.

    Not of a text that may hold more than the number: its last digits may be the security code.
    """
    number = int(raw) if isinstance(raw, Decimal) and raw.adjusted() < 19 and raw == raw.to_integral_value() else raw
    four = last_four(number)
    if four is None or (isinstance(number, int) and number >= 10**19):
        return _NOTHING
    digits = re.sub(r"[^0-9]", "", str(number))
    masked = isinstance(number, str) and re.search(r"[*xX•#]", number) is not None
    if len(digits) <= (10 if masked else 4) or 12 <= len(digits) <= 16 or has_check_digit(digits):
        return Kept(four if isinstance(number, str) else int(four))
    return _NOTHING


def each(kind: Kind) -> Kind:
    """A list, each item of the kind; an item that cannot be kept leaves null in its place. Of none nothing is left."""

    def keep(raw: object) -> Kept:
        if not isinstance(raw, list | tuple):
            return _NOTHING
        items = [_keep(kind, item) for item in raw]
        if items and all(item.value is None for item in items):
            return _NOTHING
        return Kept([item.value for item in items], all(item.whole and item.value is not None for item in items))

    return keep


def one_or_each(kind: Kind) -> Kind:
    """One value of the kind, or a list of them."""
    keep_list = each(kind)
    return lambda raw: keep_list(raw) if isinstance(raw, list | tuple) else kind(raw)


def fields(kinds: Mapping[str, Kind]) -> Kind:
    """An object, of which only these fields are kept. One that has none of them is nothing."""

    def keep(raw: object) -> Kept:
        if not isinstance(raw, Mapping):
            return _NOTHING
        found = {name: _keep(kind, raw[name]) for name, kind in kinds.items() if name in raw}
        if all(kept.value is None for kept in found.values()):
            return _NOTHING
        return Kept({name: kept.value for name, kept in found.items()}, all(kept.whole for kept in found.values()))

    return keep


def _keep(kind: Kind, raw: object) -> Kept:
    return Kept(None) if raw is None else kind(raw)


def _readable(text: str) -> str:
    """The text with every digit as it is read, without what nobody reads, and without ids that are no numbers."""
    shown = unicodedata.normalize("NFKC", text)
    return _UUID.sub("id", _HEX.sub("id", shown))


def _names_secret(text: str) -> bool:
    shown = unicodedata.normalize("NFKC", text)
    letters = re.sub(r"[\W_]", "", shown.casefold())
    return bool(_SECRET_WORD.search(letters) or _EXPIRY.search(shown) or _NESTED.search(shown))


def _may_be_card(found: str) -> bool:
    digits = "".join(str(unicodedata.digit(letter)) for letter in found if letter.isdigit())
    return len(digits) in (15, 16) or len(digits) > 19 or has_check_digit(digits)
