"""`tessera replay`: puts dead letters back into the topic they came from, once the cause is mended.

A dead letter stays where it is; the inbox remembers that it was put back. The event keeps its id, so it acts once
however often it is put back.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from consumers import Filters
from consumers.broker import DEAD_LETTERS, Broker
from consumers.letters import without_origin
from consumers.records import EVENT_ID, Record, header, place_id
from models.errors import InvalidInput, NotFound
from services.inbox import Inbox

_POLL_MS = 1_000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What is shown of a dead letter."""

    partition: int
    offset: int
    key: str
    code: str
    message: str
    topic: str


def _match(filters: Filters, record: Record) -> bool:
    died = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return (
        (filters.code is None or header(record, "dlt-error-code") == filters.code)
        and (filters.since is None or died >= filters.since)
        and (filters.key is None or (record.key or b"").decode(errors="replace") == filters.key)
    )


async def replay_dead_letters(
    servers: str, inbox: Inbox, topic: str, filters: Filters, *, dry_run: bool
) -> list[DeadLetter]:
    """Put back the dead letters of `topic` that the filters leave, in their order; answers them.

    With `dry_run` nothing is put back. Raises `InvalidInput` for a topic that is none of dead letters, `NotFound` for
    one that is not there, `KafkaError` without Kafka.
    """
    if not topic.endswith(DEAD_LETTERS) or topic == DEAD_LETTERS:
        raise InvalidInput.of("topic", f"The name of a dead-letter topic ends with {DEAD_LETTERS}")
    broker = Broker(servers, partitions=1)
    if not await broker.has_topic(topic):
        raise NotFound(f"There is no topic {topic}")
    chosen: list[DeadLetter] = []
    producer = broker.producer()
    try:
        await producer.start()
        async for records in _read_all(servers, topic):
            found = [record for record in records if _match(filters, record)]
            if not filters.again:
                before = await inbox.put_back([place_id(record) for record in found])
                found = [record for record in found if place_id(record) not in before]
            if filters.limit is not None:
                found = found[: filters.limit - len(chosen)]
            if not dry_run:
                await _put_back(producer, inbox, topic, found)
            chosen += [_shown(record, topic) for record in found]
            if filters.limit is not None and len(chosen) >= filters.limit:
                break
    finally:
        await producer.stop()
    return chosen


async def _put_back(producer: AIOKafkaProducer, inbox: Inbox, topic: str, records: Sequence[Record]) -> None:
    for record in records:
        event = header(record, "dlt-event-id")
        kept = [(name, raw) for name, raw in without_origin(record.headers) if name != EVENT_ID]
        headers = [*kept, (EVENT_ID, event.encode())] if event else kept
        await producer.send_and_wait(_origin(record, topic), record.value, key=record.key, headers=headers)
        await inbox.mark_put_back([place_id(record)])


async def _read_all(servers: str, topic: str) -> AsyncIterator[list[Record]]:
    """Every record that stands in the topic now."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers, client_id="tessera", auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions: set[TopicPartition] = consumer.assignment()
        begins: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        left = {partition for partition in partitions if begins[partition] < ends[partition]}
        while left:
            for partition, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
                yield [record for record in records if record.offset < ends[partition]]
                if await consumer.position(partition) >= ends[partition]:
                    left.discard(partition)
    finally:
        await consumer.stop()


def _origin(record: Record, topic: str) -> str:
    return header(record, "dlt-original-topic") or topic.removesuffix(DEAD_LETTERS)


def _shown(record: Record, topic: str) -> DeadLetter:
    return DeadLetter(
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode(errors="replace"),
        code=header(record, "dlt-error-code") or "?",
        message=header(record, "dlt-error-message") or "",
        topic=_origin(record, topic),
    )
