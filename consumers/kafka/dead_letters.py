"""Dead letters: events that cannot act, in `<topic>.dlt` with their origin and the reason, and without card data."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from consumers.kafka.admin import DEAD_LETTERS, LARGEST_DEAD_LETTER, Broker
from consumers.kafka.records import Headers, Record, event_id
from models.card_numbers import mask_digits, without_card_secrets
from models.errors import DomainError, InvalidInput
from models.instants import iso

PREFIX = "dlt-"
"""Begins the names of all headers that a dead letter has besides those of its event."""

_TIMEOUT = 10.0


class DeadLetters:
    """Writes dead letters; makes a new producer after one has failed."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()

    async def put(self, record: Record, refusal: DomainError) -> None:
        """Put a record into its dead-letter topic; returns once all replicas have it, raises while Kafka is away."""
        topic = record.topic + DEAD_LETTERS
        kept = [(name, _cut_bytes(raw)) for name, raw in without_origin(record.headers)]
        origin = [(name, text.encode()) for name, text in origin_headers(record, refusal).items()]
        key = None if record.key is None else _cut_bytes(record.key)
        async with asyncio.timeout(_TIMEOUT):
            await self._broker.ensure_topics([topic])
            producer = await self._open()
            try:
                await producer.send_and_wait(topic, cut_value(record.value), key=key, headers=[*kept, *origin])
            except KafkaError:
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
                producer = self._broker.producer(largest=LARGEST_DEAD_LETTER)
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
        "dlt-original-timestamp": iso(datetime.fromtimestamp(record.timestamp / 1000, UTC)),
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


def without_origin(headers: Headers) -> list[tuple[str, bytes]]:
    """The headers of the event itself."""
    return [(name, raw) for name, raw in headers if not name.startswith(PREFIX)]


def _cut_bytes(raw: bytes) -> bytes:
    return mask_digits(raw.decode(errors="surrogateescape")).encode(errors="surrogateescape")
