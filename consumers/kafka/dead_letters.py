"""Dead letters: events that cannot act, in `<topic>.dlt` with their origin and the reason, and without card data."""

import asyncio
from contextlib import suppress

from aiokafka import AIOKafkaProducer

from consumers.faults import reason_of
from consumers.kafka.admin import DEAD_LETTERS, LARGEST_DEAD_LETTER, Broker, is_passing
from consumers.kafka.letters import Letter, bare_letter_of, letter_of
from consumers.kafka.records import Record, sendable_key
from models.errors import DomainError

_TIMEOUT = 10.0
_TOPIC_KNOWN_FOR = 1.0


class NoDeadLetter(Exception):
    """Kafka answers and will never take this dead letter; the cause says why."""


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
        for make in (_whole_letter, bare_letter_of):
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
        assert last is not None
        raise NoDeadLetter(reason_of(last)) from last

    async def _send(self, topic: str, letter: Letter) -> None:
        producer = await self._open()
        try:
            key = sendable_key(letter.key, letter.value)
            await producer.send_and_wait(topic, letter.value, key=key, headers=letter.headers)
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
                self._producer = await self._broker.open_producer(largest=LARGEST_DEAD_LETTER, compression="gzip")
            return self._producer


def size_of(record: Record) -> int:
    """The bytes of what a record holds: key, value and headers."""
    headers = sum(len(name) + len(raw or b"") for name, raw in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def _whole_letter(record: Record, refusal: DomainError) -> Letter:
    if size_of(record) > LARGEST_DEAD_LETTER:
        raise ValueError("The record is larger than a dead letter may be")
    return letter_of(record, refusal)
