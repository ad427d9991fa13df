"""What is kept of a record that is parked: coordinates and reason always, its content where it may be and fits."""

import hashlib
from dataclasses import replace

from consumers.faults import reason_of
from consumers.kafka.dead_letters import size_of
from consumers.kafka.letters import describe, digest, kept_headers, kept_key, kept_of, whole_value
from consumers.kafka.raw_batches import Unreadable
from consumers.kafka.records import Record, event_id, place_id
from models.errors import DomainError, InvalidInput
from services.kit.messages.parked import ParkedRecord

LARGEST_PARKED = 4 * 1024 * 1024
_LONGEST_REASON = 1_000


def parked_record(record: Record, refusal: DomainError, fault: BaseException) -> ParkedRecord:
    """A record that could not become a dead letter because of `fault`. Never raises."""
    place = place_id(record)
    # A part holds only what may be kept of it; what stands in the topic is the record.
    whole = whole_value(record)
    kept = ParkedRecord(
        # Of one record several parts may be parked, each with a value of its own.
        id=f"{place}-{hashlib.blake2b(record.value or b'', digest_size=8).hexdigest()}",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        last_offset=record.offset,
        timestamp=record.timestamp,
        event_id=place,
        code=refusal.code,
        reason=f"{describe(refusal)}; no dead letter: {reason_of(fault)}"[:_LONGEST_REASON],
        length=None if whole is None else len(whole),
        digest=None if whole is None else digest(whole),
    )
    try:
        kept = replace(kept, event_id=event_id(record))
        return _with_content(kept, record) if size_of(record) <= LARGEST_PARKED else kept
    except Exception:
        return kept


def _with_content(kept: ParkedRecord, record: Record) -> ParkedRecord:
    value = kept_of(record)
    key, headers = kept_key(record.key), tuple(kept_headers(record.headers))
    kept = replace(kept, key=key, key_omitted=key is None and record.key is not None, headers=headers)
    if not value.whole:
        # Only the record itself can act, which is still in its topic: nothing of its value is of use here.
        return kept
    # Without the digest: beside the rest of a payment it would tell the security code that was cut.
    return replace(kept, digest=None, value=value.value, has_value=True)


def parked_unreadable(found: Unreadable) -> ParkedRecord:
    """Where a record stands that cannot be read."""
    place = place_id(found)
    return ParkedRecord(
        id=place,
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        last_offset=found.last_offset,
        timestamp=found.timestamp,
        event_id=place,
        code=InvalidInput.code,
        reason=found.reason[:_LONGEST_REASON],
        length=len(found.raw),
        digest=digest(found.raw),
        unreadable=True,
    )
