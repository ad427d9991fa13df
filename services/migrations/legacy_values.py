"""What values of an older system meant: readers for whatever JavaScript's drivers and mongoose could have stored.

Each returns the value in our kind, or None where there is none (missing, null, a blank text), and raises `Unreadable`
for what has no meaning of that kind. Nothing is guessed: what cannot be read is for a person to look at.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime

from bson import Decimal128, ObjectId
from bson.datetime_ms import DatetimeMS

from models.inputs import MAX_INT
from models.values.instants import iso, to_milliseconds
from models.values.money import from_number
from models.values.texts import clean

MAX_COUNT = 2**53 - 1
"""The largest whole number that JavaScript kept exactly: beyond it no count was ever right."""
LAST_INSTANT = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_INFINITIES = {"Infinity": Decimal("Infinity"), "+Infinity": Decimal("Infinity"), "-Infinity": Decimal("-Infinity")}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+ ?(Z|[+-][0-9]{2}:?[0-9]{2})?)?")
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


class Unreadable(Exception):
    """A value, or a document, that cannot be taken over, with the reason as a sentence."""


def legacy_text(raw: object) -> str | None:
    """A text as people see it; numbers, ids and instants are written as JavaScript wrote them."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return clean(raw.replace("\x00", "")) or None
    if raw is None:
        return None
    if isinstance(raw, ObjectId):
        return str(raw)
    if isinstance(raw, datetime):
        return iso(raw)
    if isinstance(raw, int | float | Decimal128):
        return _digits(_decimal(raw))
    raise Unreadable(f"is {_kind(raw)} and no text")


def legacy_number(raw: object) -> Decimal | None:
    """A number, perhaps infinite; texts are read as JavaScript's `Number` reads them, true is 1 and false 0."""
    if isinstance(raw, bool):
        return Decimal(int(raw))
    if raw is None:
        return None
    if isinstance(raw, str):
        text = clean(raw)
        if not text:
            return None
        if text in _INFINITIES:
            return _INFINITIES[text]
        if not _NUMBER.fullmatch(text):
            raise Unreadable("is a text and no number")
        return Decimal(text) + 0
    if isinstance(raw, int | float | Decimal128):
        number = _decimal(raw)
        if number.is_nan():
            raise Unreadable("is not a number (NaN)")
        return number + 0 if number.is_finite() else number
    raise Unreadable(f"is {_kind(raw)} and no number")


def legacy_whole(raw: object, *, minimum: int = -MAX_COUNT, maximum: int = MAX_COUNT) -> int | None:
    """A whole number within these bounds; a part of one has no meaning."""
    number = legacy_number(raw)
    if number is None:
        return None
    if not number.is_finite() or not minimum <= number <= maximum:
        raise Unreadable(f"is {_short(number)}, which is not from {minimum} to {maximum}")
    if number != number.to_integral_value():
        raise Unreadable(f"is {_short(number)} and no whole number")
    return int(number)


def legacy_limit(raw: object) -> int | None:
    """A limit; none at all where it was infinite, and the largest there is where it was beyond it."""
    number = legacy_number(raw)
    if number is None or number == Decimal("Infinity"):
        return None
    return legacy_whole(MAX_INT if number > MAX_INT else raw, minimum=0)


def legacy_flag(raw: object) -> bool | None:
    """A flag as mongoose read them: also 1 and 0, `yes` and `no`."""
    if raw is None or isinstance(raw, bool):
        return raw
    word = (legacy_text(raw) or "").lower()
    if not word:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Unreadable("is neither true nor false")


def legacy_instant(raw: object) -> datetime | None:
    """An instant, to the millisecond; numbers are milliseconds since 1970. The last one there is for those beyond it.

    Texts are ISO 8601 (UTC where none is said), or what JavaScript's `toUTCString` and `toString` wrote.
    """
    if isinstance(raw, datetime):
        return to_milliseconds(raw if raw.tzinfo else raw.replace(tzinfo=UTC))
    if isinstance(raw, DatetimeMS):
        return _from_milliseconds(int(raw))
    if isinstance(raw, str):
        text = clean(raw)
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            return _from_text(text)
        # As JavaScript did: four digits are a year.
        if re.fullmatch(r"[0-9]{4}", text) and text != "0000":
            return datetime(int(text), 1, 1, tzinfo=UTC)
    if isinstance(raw, bool):
        raise Unreadable("is no instant")
    number = legacy_number(raw)
    if number is None:
        return None
    if not number.is_finite():
        raise Unreadable("is no instant")
    return _from_milliseconds(int(number))


def legacy_object_id(raw: object) -> ObjectId | None:
    """An ObjectId, also where it was written down as a text."""
    if raw is None or isinstance(raw, ObjectId):
        return raw
    text = legacy_text(raw)
    if text is None:
        return None
    if not ObjectId.is_valid(text):
        raise Unreadable("is no ObjectId")
    return ObjectId(text)


def legacy_list(raw: object) -> list[object]:
    """A list; a value that stands alone was a list of one for mongoose."""
    if raw is None:
        return []
    return list(raw) if isinstance(raw, list | tuple) else [raw]


def legacy_money(raw: object) -> Decimal | None:
    """An amount of zero or more, as it came."""
    number = legacy_number(raw)
    if number is not None and (not number.is_finite() or number < 0):
        raise Unreadable(f"is {_short(number)} and no amount of money")
    return number


def _decimal(raw: int | float | Decimal128) -> Decimal:
    return raw.to_decimal() if isinstance(raw, Decimal128) else from_number(raw)


def _digits(number: Decimal) -> str:
    if not number.is_finite():
        raise Unreadable(f"is {number} and no text")
    if number == number.to_integral_value() and abs(number) < Decimal("1e21"):
        return str(int(number))
    return str(number.normalize()).lower()


def _from_text(text: str) -> datetime:
    try:
        if _DATE.fullmatch(text):
            instant = datetime.fromisoformat(text.replace(" ", "T", 1).replace(" ", ""))
        else:
            # `Sun Jan 15 2023 12:00:00 GMT+0100 (Central European Standard Time)` has its parts in another order.
            local = re.fullmatch(r"(\w{3}) (\w{3}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d{4})( \(.*\))?", text)
            rewritten = "{0}, {2} {1} {3} {4} {5}".format(*local.groups()) if local else text
            instant = parsedate_to_datetime(rewritten)
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        return to_milliseconds(instant)
    except (ValueError, OverflowError, TypeError, IndexError):
        raise Unreadable("is a text and no instant") from None


def _from_milliseconds(milliseconds: int) -> datetime:
    try:
        return min(EPOCH + timedelta(milliseconds=milliseconds), LAST_INSTANT)
    except OverflowError:
        if milliseconds > 0:
            return LAST_INSTANT
        raise Unreadable("is before the first year") from None


def _short(number: Decimal) -> str:
    try:
        return str(int(number)) if number == number.to_integral_value() and abs(number) < 10**24 else f"{number:.6g}"
    except (InvalidOperation, ValueError, OverflowError):
        return str(number)


def _kind(raw: object) -> str:
    return "an object" if isinstance(raw, Mapping) else f"of kind {type(raw).__name__}"
