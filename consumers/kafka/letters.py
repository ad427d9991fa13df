"""What stands in a dead letter: what may be kept of the record, where it came from, and the reason."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from consumers.kafka.kept_values import NOT_KEPT, KeptValue, keep_item, keep_value
from consumers.kafka.records import EVENT_ID, Headers, Record, event_id, readable_instant
from models.errors import DomainError, InvalidInput
from models.values.kept import MAX_ID, may_hold_secret

PREFIX = "dlt-"
"""Begins the names of all headers that a dead letter has besides those of its event."""

OMITTED = "dlt-value-omitted"
"""`true` where nothing of the value is kept, `partly` where something that its handler reads is missing.

Then only the record itself can act, which stands in its topic.
"""

KEY_OMITTED = "dlt-key-omitted"
"""`true` where the key of the record is left out."""

_HEADERS = re.compile(
    r"(ce_|cloudevents_)?(id|source|type|time|subject|specversion|dataschema|datacontenttype|partitionkey)"
    r"|content-?type|content-encoding|traceparent|tracestate|b3|x-b3-\w+|(x-)?(correlation|request)-?id"
    rf"|{EVENT_ID}",
    re.IGNORECASE,
)
_MOST_SENTENCES = 20
_LONGEST_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as it is sent."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Part:
    """Some items of a record's list: the record, with those as its value. `value` is what may be kept of them."""

    def __init__(self, record: Record, items: Sequence[object]) -> None:
        self.topic, self.partition, self.offset = record.topic, record.partition, record.offset
        self.timestamp, self.key, self.headers = record.timestamp, record.key, record.headers
        self.kept = keep_item(record.topic, items)
        self.value = self.kept.value
        self.whole_value = record.value


def kept_of(record: Record) -> KeptValue:
    """What may be kept of the value of a record, or of the part of one."""
    return record.kept if isinstance(record, Part) else keep_value(record.topic, record.value)


def whole_value(record: Record) -> bytes | None:
    """The value as it stands in the topic: of a part, that of its record."""
    return record.whole_value if isinstance(record, Part) else record.value


def digest(value: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(value).hexdigest()


def letter_of(record: Record, refusal: DomainError) -> Letter:
    """The dead letter of a record, or of the part of one that was refused."""
    kept, whole = kept_of(record), whole_value(record)
    key = kept_key(record.key)
    origin = origin_headers(record, refusal)
    if not kept.whole:
        origin[OMITTED] = "true" if kept.value is None else "partly"
    origin |= _key_omitted(record)
    if kept.value is None and whole is not None:
        # Only where nothing is kept: beside the rest of a payment a digest would tell its security code.
        origin |= _stand_ins(whole)
    value = NOT_KEPT if kept.value is None and whole is not None else kept.value
    headers = [*kept_headers(record.headers), *((name, _encoded(text)) for name, text in origin.items())]
    return Letter(key, value, headers)


def bare_letter_of(record: Record, refusal: DomainError) -> Letter:
    """The dead letter of a record that does not fit or of which nothing can be made: coordinates and reason alone."""
    texts = {name: text[:_LONGEST_TEXT] for name, text in origin_headers(record, refusal).items()}
    texts |= _stand_ins(whole_value(record) or b"") | _key_omitted(record)
    return Letter(kept_key(record.key), NOT_KEPT, [(name, _encoded(text)) for name, text in texts.items()])


def _key_omitted(record: Record) -> dict[str, str]:
    return {KEY_OMITTED: "true"} if record.key is not None and kept_key(record.key) is None else {}


def _stand_ins(value: bytes) -> dict[str, str]:
    """What stands for a value that is left out."""
    return {OMITTED: "true", "dlt-value-length": str(len(value)), "dlt-value-digest": digest(value)}


def origin_headers(record: Record, refusal: DomainError) -> dict[str, str]:
    """Where a dead letter came from and why it is one."""
    return {
        "dlt-original-topic": record.topic,
        "dlt-original-partition": str(record.partition),
        "dlt-original-offset": str(record.offset),
        "dlt-original-timestamp": readable_instant(record.timestamp),
        "dlt-event-id": event_id(record),
        "dlt-error-code": refusal.code,
        "dlt-error-message": describe(refusal),
    }


def describe(refusal: DomainError) -> str:
    """The reason in one line: of malformed input every fault, in its own sentence.

    The sentences are ours and hold nothing of what was sent, so that they are kept as they are.
    """
    sentences = [fault.message for fault in refusal.faults] if isinstance(refusal, InvalidInput) else []
    return "; ".join(sentences[:_MOST_SENTENCES]) or refusal.message


def kept_key(key: bytes | None) -> bytes | None:
    """The key of a record, or None where it could hold a secret."""
    return key if _may_keep(key) else None


def kept_headers(headers: Headers) -> list[tuple[str, bytes]]:
    """The headers of the event itself that may be kept: those of CloudEvents, of tracing and of the content's type."""
    return [(name, raw) for name, raw in headers if raw is not None and _HEADERS.fullmatch(name) and _may_keep(raw)]


def without_origin(headers: Headers) -> list[tuple[str, bytes | None]]:
    """The headers of the event itself."""
    return [(name, raw) for name, raw in headers if not name.startswith(PREFIX)]


def _may_keep(raw: bytes | None) -> bool:
    if raw is None:
        return False
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return False
    return len(text) <= MAX_ID and not may_hold_secret(text)


def _encoded(text: str) -> bytes:
    return text.encode(errors="backslashreplace")
