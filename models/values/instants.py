"""Instants: UTC, to the millisecond, as MongoDB keeps them and as every transport writes them."""

import re
from datetime import UTC, datetime

# RFC 3339, but a blank may stand for the `T`, and time, seconds or offset may be missing. Digits are 0–9.
_INSTANT = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    "(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:[Zz]|[+-][0-9]{2}:?[0-5][0-9])?)?"
)
_LAST_HOUR = re.compile("[Tt ]24")


def parse_instant(text: str) -> datetime:
    """The instant of an ISO 8601 text, cut to the millisecond; without an offset it is UTC, without a time midnight.

    Raises `ValueError` for any other text, such as a week's date, the hour 24 or a leap second, and for what is outside
    the years 1 to 9999 in UTC.
    """
    if _INSTANT.fullmatch(text) is None or _LAST_HOUR.match(text, 10):
        raise ValueError("not an instant")
    try:
        instant = datetime.fromisoformat(text.upper())
        return to_milliseconds(instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise ValueError("not an instant of the years 1 to 9999") from None


def to_milliseconds(instant: datetime) -> datetime:
    """The instant as MongoDB will give it back."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def iso(instant: datetime) -> str:
    """ISO 8601 with milliseconds and `Z`, such as `2023-01-15T12:00:00.000Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
