"""Dead letters: events that cannot act, in `<topic>.dlt` with their origin and the reason, and without card data."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from aiokafka import AIOKafkaProducer

from consumers.broker import DEAD_LETTERS, LARGEST_DEAD_LETTER, Broker, is_passing
from consumers.records import Headers, Record, event_id, readable_instant, sendable_key
from models.cards import mask_digits, without_card_secrets
from models.errors import DomainError, InvalidInput

PREFIX = "dlt-"
"""Begins the names of all headers that a dead letter has besides those of its event."""

OMITTED = "dlt-value-omitted"
"""A header that says that the value did not fit: `dlt-value-length` and `dlt-value-digest` stand for it."""

_TIMEOUT = 10.0
_TOPIC_KNOWN_FOR = 1.0
_LONGEST_TEXT = 1_000


class NoDeadLetter(Exception):
    """Kafka answers and will never take this dead letter; the cause says why."""


@dataclass(frozen=True, slots=True)
class _Letter:
    key: bytes | None
    value: bytes | None
    headers: Headers


class DeadLetters:
    """Writes dead letters; makes a new producer after one has failed."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()

    async def put(self, record: Record, refusal: DomainError) -> None:
        """Put a record into its dead-letter topic; returns once all replicas have it.

        Where the record is too large for the topic, or nothing can be made of its content, its coordinates, the length
        and the digest of its value stand for it. Raises `NoDeadLetter` where even those cannot be written, and what
        Kafka raises while it is away.
        """
        topic = record.topic + DEAD_LETTERS
        last: BaseException | None = None
        for make in (_whole_letter, _bare_letter):
            try:
                letter = make(record, refusal)
                async with asyncio.timeout(_TIMEOUT):
                    await self._broker.ensure_topics([topic], within=_TOPIC_KNOWN_FOR)
                    await self._send(topic, letter)
                return
            except Exception as fault:
                if is_passing(fault):
                    raise
                last = fault
        raise NoDeadLetter(str(last) or type(last).__name__) from last

    async def _send(self, topic: str, letter: _Letter) -> None:
        producer = await self._open()
        try:
            key = sendable_key(letter.key, letter.value)
            await producer.send_and_wait(topic, letter.value, key=key, headers=list(letter.headers))
        except BaseException:
            # What it has not delivered must not come later, beside what is sent instead.
            await self.close()
            raise

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):  # What it had not delivered is tried again.
                await asyncio.wait_for(producer.stop(), _TIMEOUT)

    async def _open(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                producer = self._broker.producer(largest=LARGEST_DEAD_LETTER, compression="gzip")
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer


def origin_headers(record: Record, refusal: DomainError) -> dict[str, str]:
    """Where a dead letter came from and why it is one."""
    return {
        "dlt-original-topic": record.topic,
        "dlt-original-partition": str(record.partition),
        "dlt-original-offset": str(record.offset),
        "dlt-original-timestamp": readable_instant(record.timestamp),
        "dlt-event-id": event_id(record),
        "dlt-error-code": refusal.code.value,
        "dlt-error-message": describe(refusal),
    }


def describe(refusal: DomainError) -> str:
    """The reason in one line: of malformed input every fault, in its own sentence."""
    sentences = [fault.message for fault in refusal.faults] if isinstance(refusal, InvalidInput) else []
    return mask_digits("; ".join(sentences[:20]) or refusal.message)


def cut_value(value: bytes | None) -> bytes | None:
    """The value without card data. JSON is written anew, so that nothing hides in how it was written."""
    if value is None:
        return None
    try:
        return json.dumps(without_card_secrets(json.loads(value)), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return _cut_bytes(value)  # No JSON: there are no names to go by.


def without_origin(headers: Headers) -> list[tuple[str, bytes | None]]:
    """The headers of the event itself."""
    return [(name, raw) for name, raw in headers if not name.startswith(PREFIX)]


def size_of(record: Record) -> int:
    """The bytes of what a record holds: key, value and headers."""
    headers = sum(len(name) + len(raw or b"") for name, raw in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def cut_key(key: bytes | None) -> bytes | None:
    """The key without card data."""
    return None if key is None else _cut_bytes(key)


def cut_headers(headers: Headers) -> list[tuple[str, bytes | None]]:
    """The headers of the event itself, without card data."""
    return [(mask_digits(name), None if raw is None else _cut_bytes(raw)) for name, raw in without_origin(headers)]


def _whole_letter(record: Record, refusal: DomainError) -> _Letter:
    if size_of(record) > LARGEST_DEAD_LETTER:
        raise ValueError("The record is larger than a dead letter may be")
    origin = [(name, text.encode()) for name, text in origin_headers(record, refusal).items()]
    return _Letter(cut_key(record.key), cut_value(record.value), [*cut_headers(record.headers), *origin])


def _bare_letter(record: Record, refusal: DomainError) -> _Letter:
    """Coordinates and reason alone: the record itself is still in its topic."""
    texts = {name: text[:_LONGEST_TEXT] for name, text in origin_headers(record, refusal).items()}
    value = record.value or b""
    texts |= {OMITTED: "true", "dlt-value-length": str(len(value)), "dlt-value-digest": sha256(value).hexdigest()}
    key = record.key if record.key is not None and len(record.key) <= _LONGEST_TEXT else None
    return _Letter(cut_key(key), None, [(name, text.encode()) for name, text in texts.items()])


def _cut_bytes(raw: bytes) -> bytes:
    return mask_digits(raw.decode(errors="surrogateescape")).encode(errors="surrogateescape")
