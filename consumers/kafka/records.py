"""How an event stands in a Kafka record: CloudEvents 1.0 in binary mode, or plain JSON without headers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn, Protocol

from models.errors import InvalidInput
from models.instants import iso
from models.money import from_json_fraction

EVENT_ID = "tessera-event-id"
"""The header by which a dead letter that is put back stays the event it was."""

Headers = Sequence[tuple[str, bytes]]


class Record(Protocol):
    """What we use of a record that Kafka brought; `timestamp` in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


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
    """The first header of this name, or None."""
    for key, raw in record.headers:
        if key == name:
            return raw.decode(errors="replace")
    return None


def event_id(record: Record) -> str:
    """What tells this event from all others, the same whenever it comes again.

    A CloudEvent says so itself (by its source and id). Any other record is known by its place; the timestamp tells the
    places of a topic from those of its namesake that was deleted.
    """
    kept, ce_id = header(record, EVENT_ID), header(record, "ce_id")
    if kept:
        return kept
    if ce_id:
        return _digest("ce", record.topic, header(record, "ce_source") or "", ce_id)
    return place_id(record)


def place_id(record: Record) -> str:
    """What tells this record from all others."""
    return _digest("at", record.topic, str(record.partition), str(record.offset), str(record.timestamp))


def read_json(value: bytes | None) -> Any:
    """The JSON value of a record, its fractions as `Decimal`; raises `InvalidInput`."""
    if value is None:
        raise InvalidInput.of("value", "The event has no value")
    try:
        return json.loads(value, parse_float=from_json_fraction, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidInput.of("value", "The event is not JSON") from None


def read_object(raw: Any, path: str = "value") -> Mapping[str, Any]:
    """A JSON object; raises `InvalidInput`."""
    if not isinstance(raw, dict):
        raise InvalidInput.of(path, f"{path} must be an object")
    return raw


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x00".join(parts).encode(), digest_size=16).hexdigest()
