"""How an event stands in a Kafka record: CloudEvents 1.0 in binary mode, or plain JSON without headers."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn, Protocol

from models.errors import InvalidInput
from models.values.instants import iso

EVENT_ID = "tessera-event-id"
"""The header by which a dead letter that is put back stays the event it was."""

Headers = Sequence[tuple[str, bytes | None]]
"""Names with values, which Kafka lets be null."""

_EVENT_ID = re.compile(r"[0-9a-f]{32}")


class Place(Protocol):
    """Where a record stands; `timestamp` in milliseconds."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...


class Record(Place, Protocol):
    """What we use of a record that Kafka brought."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


def cloud_event_headers(identifier: str, event_type: str, at: datetime, subject: str) -> list[tuple[str, bytes]]:
    """The headers of an event that goes out."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": identifier,
        "ce_source": "/tessera",
        "ce_type": event_type,
        "ce_time": iso(at),
        "ce_subject": subject,
        "content-type": "application/json",
    }
    return [(name, text.encode()) for name, text in headers.items()]


def header(record: Record, name: str) -> str | None:
    """The first header of this name, or None; one whose value is null counts as missing."""
    for key, raw in record.headers:
        if key == name and raw is not None:
            return raw.decode(errors="replace")
    return None


def readable_instant(milliseconds: int) -> str:
    """ISO 8601 with `Z`, or the bare number of milliseconds where it lies in no year that a date can have."""
    try:
        return iso(datetime.fromtimestamp(milliseconds / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)


def event_id(record: Record) -> str:
    """What tells this event from all others, the same whenever it comes again.

    A CloudEvent says so itself (by its source and id). Any other record is known by its place; the timestamp tells the
    places of a topic from those of its namesake that was deleted.
    """
    kept, ce_id = header(record, EVENT_ID), header(record, "ce_id")
    if kept and _EVENT_ID.fullmatch(kept):
        return kept
    if ce_id:
        return _digest("ce", record.topic, header(record, "ce_source") or "", ce_id)
    return place_id(record)


def place_id(record: Place) -> str:
    """What tells this record from all others."""
    return _digest("at", record.topic, str(record.partition), str(record.offset), str(record.timestamp))


def item_id(event: str, text: str, earlier: int) -> str:
    """What tells an item of an event's list from the others; `earlier` is how many before it say the same."""
    return _digest("item", event, text, *([str(earlier)] if earlier else []))


def place(record: Place) -> dict[str, object]:
    """Where a record stands, for the log."""
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def sendable_key(key: bytes | None, value: bytes | None) -> bytes | None:
    """The key, or an empty one where neither key nor value is there: the client refuses to send such a record."""
    return b"" if key is None and value is None else key


def read_json(value: bytes | None, what: str = "The event") -> Any:
    """The JSON value of a record, its fractions as `Decimal`; raises `InvalidInput`, whose sentence begins with `what`.

    UTF-8, UTF-16 and UTF-32 are taken, with a byte-order mark or without. Of a doubled name the last counts.
    """
    if value is None:
        raise InvalidInput.of("value", f"{what} has no value")
    try:
        return json.loads(value, parse_float=_read_decimal, parse_constant=_refuse_constant)
    except RecursionError:
        reason = "is nested too deeply"
    except UnicodeDecodeError:
        reason = "is not JSON: it is in no Unicode encoding"
    except json.JSONDecodeError as fault:
        more = fault.msg == "Extra data"
        reason = (
            "holds more than one JSON value" if more else f"is not JSON (line {fault.lineno}, column {fault.colno})"
        )
    except ValueError as fault:
        # An integer of thousands of digits, which Python refuses in a sentence of its own.
        reason = str(fault) if isinstance(fault, _NoNumber) else "holds a number that is too long"
    raise InvalidInput.of("value", f"{what} {reason}")


def read_object(raw: object, path: str = "value") -> Mapping[str, object]:
    """A JSON object; raises `InvalidInput`."""
    if not isinstance(raw, dict):
        raise InvalidInput.of(path, f"{path} must be an object")
    return raw


class _NoNumber(ValueError):
    pass


def _read_decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise _NoNumber("holds a number that is too large") from None


def _refuse_constant(name: str) -> NoReturn:
    raise _NoNumber(f"is not JSON: {name} is no number of JSON")


def write_json(value: object) -> bytes:
    """A JSON value as `read_json` gives it, its fractions as they were written; half of an emoji becomes an escape."""
    return _written(value).encode(errors="backslashreplace")


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_written(name)}: {_written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_written, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x00".join(parts).encode(errors="surrogatepass"), digest_size=16).hexdigest()
