"""Instants: UTC, to the millisecond, as MongoDB keeps them and as every door writes them."""

from datetime import UTC, datetime


def to_milliseconds(instant: datetime) -> datetime:
    """The instant as MongoDB will give it back."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def iso(instant: datetime) -> str:
    """ISO 8601 with milliseconds and `Z`, such as `2023-01-15T12:00:00.000Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def iso_or_none(instant: datetime | None) -> str | None:
    return None if instant is None else iso(instant)
