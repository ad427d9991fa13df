"""Dead letters: events that cannot act, in `<topic>.dlt` with their origin and the reason, and without card data."""

import asyncio
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from consumers.broker import DEAD_LETTERS, LARGEST_DEAD_LETTER, Broker
from consumers.letters import letter_of
from consumers.records import Record
from models.errors import DomainError

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
        letter = letter_of(record, refusal)
        async with asyncio.timeout(_TIMEOUT):
            await self._broker.ensure_topics([topic])
            producer = await self._open()
            try:
                await producer.send_and_wait(topic, letter.value, key=letter.key, headers=letter.headers)
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
