"""`tessera replay`: puts dead letters and parked records back into the topic they came from, once the cause is mended.

A dead letter stays where it is; the inbox remembers that it was put back. The event keeps its id, so it acts once
however often it is put back. One that cannot go back is named with its reason and stops none of those behind it.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Self

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from consumers.connection import KafkaConnection
from consumers.faults import reason_of
from consumers.filters import DeadLetter, Filters
from consumers.kafka.admin import DEAD_LETTERS, Broker, is_passing
from consumers.kafka.kept_values import sendable_value
from consumers.kafka.letters import KEY_OMITTED, OMITTED, digest, without_origin
from consumers.kafka.raw_batches import BatchReader, Found, Unreadable, read_topic
from consumers.kafka.records import EVENT_ID, Headers, Record, header, place_id, readable_instant, sendable_key
from models.errors import InvalidInput, NotFound
from services.kit.messages.inbox import Inbox
from services.kit.messages.outbox import OutboxQueue
from services.kit.messages.parked import ParkedRecord, ParkedRecords

_LARGEST = 64 * 1024 * 1024


class CannotGoBack(Exception):
    """A record that cannot be put back; the message says why."""


@dataclass(frozen=True, slots=True)
class _Original:
    """Where a record stood, when it was written, and the digest of its value where it is known.

    A topic that was made anew has other records at the same offsets.
    """

    topic: str
    partition: int
    offset: int
    instant: str | None
    digest: str | None


class Replay:
    """Puts records back into Kafka; an async context manager, which connects when it has to."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._broker = Broker(connection, partitions=1)
        self._topics: dict[str, bool] = {}
        self._producer: AIOKafkaProducer | None = None
        self._reader: BatchReader | None = None
        self._open_reader = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop_producer()
        await self._open_reader.aclose()

    async def has_topic(self, topic: str) -> bool:
        """Whether there is such a topic; asked once for each."""
        if topic not in self._topics:
            self._topics[topic] = await self._broker.has_topic(topic)
        return self._topics[topic]

    async def original(self, place: _Original) -> Record:
        """The record that still stands in its topic; raises `CannotGoBack` where it does not, or is another one."""
        if not await self.has_topic(place.topic):
            raise CannotGoBack(f"its value was not kept, and there is no topic {place.topic}")
        try:
            if self._reader is None:
                self._reader = await self._open_reader.enter_async_context(BatchReader(self._broker.connection))
            batch = await self._reader.read(TopicPartition(place.topic, place.partition), place.offset)
        except OffsetOutOfRangeError:
            raise CannotGoBack("its value was not kept, and the record is no longer in its topic") from None
        found = next((one for one in batch.records if one.offset == place.offset), None)
        if found is None:
            raise CannotGoBack("its value was not kept, and the record is no longer in its topic")
        if isinstance(found, Unreadable):
            raise CannotGoBack("the record in its topic cannot be read")
        if not _is(found, place):
            raise CannotGoBack("its value was not kept, and another record stands in its place")
        return found

    async def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """Put a record into a topic. Raises `CannotGoBack` for what Kafka refuses, `KafkaError` when it is away."""
        if not await self.has_topic(topic):
            raise CannotGoBack(f"there is no topic {topic}")
        try:
            if self._producer is None:
                # What came compressed only fits compressed.
                self._producer = await self._broker.open_producer(largest=_LARGEST, compression="gzip")
            await self._producer.send_and_wait(topic, value, key=sendable_key(key, value), headers=list(headers))
        except Exception as fault:
            await self._stop_producer()
            if is_passing(fault) and not await self._broker.answers():
                raise
            self._topics.pop(topic, None)
            raise CannotGoBack(f"Kafka does not take it: {reason_of(fault)}") from fault

    async def _stop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()


async def replay_dead_letters(
    connection: KafkaConnection, inbox: Inbox, topic: str, filters: Filters, *, dry_run: bool
) -> list[DeadLetter]:
    """Put back the dead letters of `topic` that the filters leave, in their order; returns them.

    Those that cannot go back are among them with their `failure`. With `dry_run` nothing is put back. Raises
    `InvalidInput` for a topic that is none of dead letters, `NotFound` for one that is not there, `KafkaError` without
    Kafka.
    """
    if not topic.endswith(DEAD_LETTERS) or topic == DEAD_LETTERS:
        raise InvalidInput.of("topic", f"The name of a dead-letter topic ends with {DEAD_LETTERS}")
    chosen: list[DeadLetter] = []
    async with Replay(connection) as replay:
        if not await replay.has_topic(topic):
            raise NotFound(f"There is no topic {topic}")
        async for found in read_topic(connection, topic):
            left = [one for one in found if _match(filters, one)]
            if not filters.again:
                before = await inbox.replayed([place_id(one) for one in left])
                left = [one for one in left if place_id(one) not in before]
            if filters.limit is not None:
                left = left[: filters.limit - len(chosen)]
            chosen += [await _put_letter_back(replay, inbox, topic, one, dry_run=dry_run) for one in left]
            if filters.limit is not None and len(chosen) >= filters.limit:
                break
    return chosen


async def replay_parked(
    connection: KafkaConnection,
    parked: ParkedRecords,
    queue: OutboxQueue,
    topic: str | None,
    filters: Filters,
    *,
    dry_run: bool,
) -> list[DeadLetter]:
    """Put back what is parked, of one topic or of all, like dead letters; returns it.

    Records go back into the topic they came from, events of the outbox to the relay.
    """
    rows = [row for row in await parked.find(topic, again=filters.again) if _match_parked(filters, row)]
    chosen: list[DeadLetter] = []
    async with Replay(connection) as replay:
        for row in rows[: filters.limit]:
            shown = show_parked(row)
            if not dry_run:
                try:
                    await _put_parked_back(replay, row)
                    await parked.mark_replayed(row.id)
                except CannotGoBack as fault:
                    shown = replace(shown, failure=str(fault))
            chosen.append(shown)
    left = None if filters.limit is None else filters.limit - len(chosen)
    events = [
        event
        for event in await queue.parked(topic)
        if filters.code is None
        and filters.key in (None, event.key)
        and (filters.since is None or event.parked_at >= filters.since)
    ][:left]
    if not dry_run:
        await queue.send_again([event.id for event in events])
    return chosen + [DeadLetter(-1, -1, event.key, "OUTBOX", event.reason, event.topic) for event in events]


def show_parked(row: ParkedRecord) -> DeadLetter:
    """What is shown of a parked record."""
    return DeadLetter(row.partition, row.offset, _text(row.key), row.code, row.reason, row.topic)


def _match(filters: Filters, record: Found) -> bool:
    if isinstance(record, Unreadable):
        return filters.code is None and filters.key is None
    return (
        (filters.code is None or header(record, "dlt-error-code") == filters.code)
        and (filters.since is None or record.timestamp >= filters.since.timestamp() * 1000)
        and (filters.key is None or _text(record.key) == filters.key)
    )


def _match_parked(filters: Filters, row: ParkedRecord) -> bool:
    return (
        filters.code in (None, row.code)
        and (filters.since is None or row.parked_at >= filters.since)
        and (filters.key is None or _text(row.key) == filters.key)
    )


async def _put_letter_back(replay: Replay, inbox: Inbox, topic: str, found: Found, *, dry_run: bool) -> DeadLetter:
    if isinstance(found, Unreadable):
        shown = DeadLetter(found.partition, found.offset, "", "?", found.reason, topic.removesuffix(DEAD_LETTERS))
        return shown if dry_run else replace(shown, failure="the dead letter cannot be read")
    shown = _shown(found, topic)
    if dry_run:
        return shown
    try:
        key, value, kept = found.key, found.value, list(without_origin(found.headers))
        if header(found, OMITTED):
            original = await replay.original(_original_of(found, topic))
            key, value, kept = original.key, _sendable(original), list(original.headers)
        elif header(found, KEY_OMITTED):
            key = (await replay.original(_original_of(found, topic))).key
        await replay.send(_origin(found, topic), key, value, _as_event(kept, header(found, "dlt-event-id")))
    except CannotGoBack as fault:
        return replace(shown, failure=str(fault))
    await inbox.mark_replayed(place_id(found))
    return shown


async def _put_parked_back(replay: Replay, row: ParkedRecord) -> None:
    if row.unreadable:
        raise CannotGoBack("the record in its topic cannot be read")
    key, value, headers = row.key, row.value, row.headers
    if row.key_omitted or not row.has_value:
        original = await replay.original(_original_of_parked(row))
        key = original.key
    if not row.has_value:
        value, headers = _sendable(original), original.headers
    await replay.send(row.topic, key, value, _as_event(headers, row.event_id))


def _sendable(original: Record) -> bytes | None:
    """What of a record's value goes back into its topic; what cannot be read goes as it stands there."""
    try:
        return sendable_value(original.topic, original.value)
    except InvalidInput:
        return original.value


def _as_event(headers: Headers, event: str | None) -> Headers:
    """The headers of a record that is put back: it stays the event it was."""
    kept = [(name, raw) for name, raw in headers if name != EVENT_ID]
    return [*kept, (EVENT_ID, event.encode())] if event else kept


def _original_of(letter: Record, topic: str) -> _Original:
    try:
        partition = int(header(letter, "dlt-original-partition") or "")
        offset = int(header(letter, "dlt-original-offset") or "")
    except ValueError:
        raise CannotGoBack("its value was not kept, and it does not say where the record stands") from None
    instant, known = header(letter, "dlt-original-timestamp"), header(letter, "dlt-value-digest")
    return _Original(_origin(letter, topic), partition, offset, instant, known)


def _original_of_parked(row: ParkedRecord) -> _Original:
    return _Original(row.topic, row.partition, row.offset, readable_instant(row.timestamp), row.digest)


def _is(found: Record, place: _Original) -> bool:
    """Whether the record that stands in a place is the one that stood there, as far as that is known."""
    return place.instant in (None, readable_instant(found.timestamp)) and (
        place.digest in (None, digest(found.value or b""))
    )


def _origin(record: Record, topic: str) -> str:
    return header(record, "dlt-original-topic") or topic.removesuffix(DEAD_LETTERS)


def _shown(record: Record, topic: str) -> DeadLetter:
    return DeadLetter(
        partition=record.partition,
        offset=record.offset,
        key=_text(record.key),
        code=header(record, "dlt-error-code") or "?",
        message=header(record, "dlt-error-message") or "",
        topic=_origin(record, topic),
    )


def _text(key: bytes | None) -> str:
    return (key or b"").decode(errors="replace")
