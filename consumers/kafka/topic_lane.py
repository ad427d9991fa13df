"""One produced topic as the relay serves it: a producer of its own, so that nothing about it holds any other topic."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    CorruptRecordException,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from consumers.faults import reason_of
from consumers.kafka.admin import Broker, close_producer, is_passing
from consumers.kafka.backoff import Reminder, backoff
from consumers.kafka.records import cloud_event_headers
from consumers.kafka.traces import HEADER, begin_send
from services.kit.instruments.tracing import Tracing
from services.kit.messages.outbox import OutboxQueue, OutboxRow

log = logging.getLogger("tessera.relay")

ACK_TIMEOUT = 30.0
LINGER_MS = 2
_SOON = 2.0
_TOPIC_KNOWN_FOR = 1.0
TRIES = 5
"""How often an event may fail by itself for a reason that is not known to be for good."""

_OF_THE_TOPIC = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)
_HOPELESS = (
    CorruptRecordException,
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
)

Sent = Callable[[Sequence[OutboxRow]], Awaitable[None]]


class _Unready(Exception):
    """The topic or its producer is not there: no event is to blame, so all of them wait until that is mended."""


class TopicLane:
    """Sends the events of one topic in their order. After a failure it waits, longer and longer, by itself."""

    def __init__(
        self, topic: str, broker: Broker, queue: OutboxQueue, sent: Sent, *, limit: int, tracing: Tracing | None = None
    ) -> None:
        self.topic = topic
        self._broker = broker
        self._queue = queue
        self._sent = sent
        self._most = limit
        self._tracing = tracing
        self._limit = limit
        self._failures = 0
        self._waits_until = 0.0
        self._reminder = Reminder()
        self._producer: AIOKafkaProducer | None = None
        self._clock = asyncio.get_running_loop().time

    @property
    def waiting(self) -> bool:
        """Whether the topic is let alone for now, after a failure."""
        return self._clock() < self._waits_until

    @property
    def failing(self) -> bool:
        """Whether its last try failed."""
        return self._failures > 0

    async def send(self, rows: Sequence[OutboxRow]) -> None:
        """Send the first of these rows, in order; what went is marked, what Kafka never takes is parked.

        Raises nothing of Kafka's: the lane waits instead. What MongoDB raises passes, and the rows come again.
        """
        fault = await self._deliver(rows[: self._limit])
        if fault is None:
            self._failures, self._waits_until = 0, 0.0
            self._reminder.over()
            self._limit = min(self._most, self._limit * 2)
            return
        await self.close()
        # One by one from here, so that a row that Kafka will never take shows itself.
        alone, self._limit = self._limit == 1 or len(rows) == 1, 1
        if not isinstance(fault, _Unready) and not is_passing(fault):
            if not alone:
                return
            if _is_hopeless(fault) or self._failures + 1 >= TRIES:
                await self._park(rows[0], fault)
                self._failures = 0
                return
        self._waits_until = self._clock() + backoff(self._failures, shortest=0.5)
        self._failures += 1
        if self._reminder.is_due():
            log.warning("the events of a topic wait: %s", reason_of(fault), extra={"topic": self.topic})

    async def close(self) -> None:
        """Close the producer without waiting for a Kafka that is away."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_producer(producer)

    async def _deliver(self, rows: Sequence[OutboxRow]) -> BaseException | None:
        """Send rows and mark those that Kafka has acknowledged; returns what failed, if anything did."""
        acknowledgements: list[asyncio.Future[object]] = []
        fault: BaseException | None = None
        try:
            async with asyncio.timeout(ACK_TIMEOUT):
                producer = await self._ready()
                try:
                    for row in rows:
                        acknowledgement = await self._dispatch(producer, row)
                        acknowledgements.append(acknowledgement)
                except Exception as refused:
                    fault = refused
                await self._wait_for(acknowledgements)
        except Exception as late:
            fault = fault or late
        acknowledged = [_is_acknowledged(ack) for ack in acknowledgements]
        sent = [row for row, is_sent in zip(rows, acknowledged, strict=False) if is_sent]
        await self._sent(sent)
        if len(sent) == len(rows):
            return None
        failed = (ack.exception() for ack in acknowledgements if ack.done() and not ack.cancelled())
        first = next((raised for raised in failed if raised), None)
        cause = fault or first or KafkaTimeoutError("no acknowledgement came")
        return _Unready(reason_of(cause)) if isinstance(cause, _OF_THE_TOPIC) else cause

    async def _wait_for(self, acknowledgements: "Sequence[asyncio.Future[object]]") -> None:
        if not acknowledgements:
            return
        _, late = await asyncio.wait(acknowledgements, timeout=_SOON)
        while late:
            # An idempotent producer tries for ever: perhaps its topic was deleted meanwhile.
            await self._broker.ensure_topics([self.topic], within=_SOON)
            _, late = await asyncio.wait(late, timeout=_SOON)

    async def _ready(self) -> AIOKafkaProducer:
        try:
            await self._broker.ensure_topics([self.topic], within=_TOPIC_KNOWN_FOR if self._failures else None)
            if self._producer is None:
                self._producer = await self._broker.open_producer(linger_ms=LINGER_MS)
        except Exception as fault:
            raise _Unready(reason_of(fault)) from fault
        return self._producer

    async def _dispatch(self, producer: AIOKafkaProducer, row: OutboxRow) -> "asyncio.Future[object]":
        headers = cloud_event_headers(row.id, row.topic, row.at, row.key)
        span = begin_send(self._tracing, row.topic, row.traceparent)
        if row.traceparent is not None:
            headers.append((HEADER, (row.traceparent if span is None else span.traceparent).encode()))
        acknowledgement: asyncio.Future[object] = await producer.send(
            self.topic, orjson.dumps(row.value), key=row.key.encode(), headers=headers
        )
        if span is not None:
            acknowledgement.add_done_callback(lambda ack: span.end(None if _is_acknowledged(ack) else "NOT_SENT"))
        return acknowledgement

    async def _park(self, row: OutboxRow, fault: BaseException) -> None:
        log.error("Kafka will not take an event, which stays in the outbox: %s", fault, extra={"event": row.id})
        await self._queue.park(row.id, reason_of(fault))


def _is_acknowledged(ack: "asyncio.Future[object]") -> bool:
    return ack.done() and not ack.cancelled() and ack.exception() is None


def _is_hopeless(fault: BaseException) -> bool:
    """Whether Kafka refuses an event for good, or it cannot even be written as one."""
    return isinstance(fault, _HOPELESS) or not isinstance(fault, KafkaError)
