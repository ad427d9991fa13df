"""One partition: its events are worked off in batches, in order, and its offset is committed after each batch.

What fails for the moment is tried again with longer and longer pauses; only this partition waits. What can never act
becomes a dead letter. Nothing else happens to an event.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from consumers.handler import Handler
from consumers.kafka.backoff import backoff
from consumers.kafka.dead_letters import DeadLetters, describe
from consumers.kafka.records import Record, event_id, read_json
from consumers.metrics import Metrics
from models.errors import DomainError, NotFound, ServiceUnavailable
from services.kit.inbox import Inbox
from services.kit.transactions import as_domain_error

log = logging.getLogger("tessera.consumer")

PATIENCE = 5.0
"""For how many seconds the events of a batch may wait for what they name to be created."""

TRIES = 3
"""How often an event may fail in a way nobody expects before it is a dead letter."""

FAILURES = 10
"""After so many failures in a row that are not of an event's making the process begins anew."""

_COMMIT_TIMEOUT = 10.0
_DRAIN_TIMEOUT = 20.0


class Abandoned(Exception):
    """The partition is to be given up: what is not finished comes again, to whoever has it then."""


@dataclass(frozen=True, slots=True)
class Event:
    """A record that could be read."""

    record: Record
    id: str
    command: Any


@dataclass(frozen=True, slots=True)
class Tools:
    """What all partitions of a process share."""

    consumer: AIOKafkaConsumer
    dead_letters: DeadLetters
    inbox: Inbox
    metrics: Metrics
    batch: int
    broken: asyncio.Event
    """Set when the consumer cannot go on: the process had better begin anew."""


class PartitionWorker:
    """Begins when it is made; `stop` ends it."""

    def __init__(self, partition: TopicPartition, handler: Handler, tools: Tools) -> None:
        self._partition = partition
        self._handler = handler
        self._tools = tools
        self.position: int | None = None
        """The offset of the first event that is not worked off, once it is known."""
        self._stopping = asyncio.Event()
        self._idle = False
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End after the transaction under way and commit what is finished; what is not comes again."""
        self._stopping.set()
        if self._idle:
            self._task.cancel()
        done, _ = await asyncio.wait((self._task,), timeout=_DRAIN_TIMEOUT)
        if not done:
            log.warning("gave up a transaction that does not end", extra={"topic": self._partition.topic})
            self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                await self._next_batch()
                failures = 0
            except Abandoned:
                return
            except Exception:
                # Nobody expects this: begin again at the first event that is not finished.
                failures += 1
                log.exception("a partition pauses", extra={"topic": self._partition.topic})
                if failures > FAILURES:
                    self._tools.broken.set()
                with suppress(Abandoned):
                    await self._pause(failures)
                if self.position is not None:
                    with suppress(KafkaError):
                        self._tools.consumer.seek(self._partition, self.position)

    async def _next_batch(self) -> None:
        consumer, self._idle = self._tools.consumer, True
        if self.position is None:
            self.position = await consumer.position(self._partition)
        found = await consumer.getmany(self._partition, timeout_ms=1_000, max_records=self._tools.batch)
        self._idle = False
        records: list[Record] = found.get(self._partition, [])
        if not records:
            return
        await self._work_off(records)
        self._tools.metrics.processed.labels(self._partition.topic).inc(len(records))
        self.position = records[-1].offset + 1
        await self._commit(self.position)

    async def _work_off(self, records: Sequence[Record]) -> None:
        events = [event for record in records if (event := await self._read(record)) is not None]
        if self._handler.prepare is not None:
            prepared = await asyncio.gather(*(self._prepare(event) for event in events), return_exceptions=True)
            for outcome in prepared:
                if isinstance(outcome, BaseException):
                    raise outcome
            events = [event for event in prepared if isinstance(event, Event)]
        clock = asyncio.get_running_loop().time
        patient_until, attempt = clock() + PATIENCE, 0
        while events:
            waiting = []
            for event, refusal in await self._carry_out(events):
                if self._handler.waits and isinstance(refusal, NotFound) and clock() < patient_until:
                    waiting.append(event)
                else:
                    await self._bury(event.record, refusal)
            events = waiting
            if events:
                await self._pause(attempt)
                attempt += 1

    async def _read(self, record: Record) -> Event | None:
        try:
            return Event(record, event_id(record), self._handler.read(read_json(record.value)))
        except DomainError as refusal:
            await self._bury(record, refusal)
        except Exception as fault:
            log.exception("an event could not be read", extra=_place(record))
            await self._bury(record, as_domain_error(fault))
        return None

    async def _prepare(self, event: Event) -> Event | None:
        assert self._handler.prepare is not None
        attempt = 0
        while True:
            try:
                return replace(event, command=await self._handler.prepare(event.command))
            except ServiceUnavailable:
                await self._pause(attempt)
                attempt += 1
            except DomainError as refusal:
                await self._bury(event.record, refusal)
                return None

    async def _carry_out(self, events: Sequence[Event]) -> list[tuple[Event, DomainError]]:
        """Let the events act; answers those that are refused. A batch that fails is halved until the cause is found."""
        try:
            refusals = await self._attempt(events)
        except Abandoned:
            raise
        except Exception as fault:
            if len(events) > 1:
                middle = len(events) // 2
                return [*await self._carry_out(events[:middle]), *await self._carry_out(events[middle:])]
            refusals = [as_domain_error(fault)]
        return [(event, refusal) for event, refusal in zip(events, refusals, strict=True) if refusal is not None]

    async def _attempt(self, events: Sequence[Event]) -> list[DomainError | None]:
        """One transaction, tried for as long as the database is away."""
        attempt = 0
        while True:
            try:
                return await self._tools.inbox.work_off([(e.id, e.command) for e in events], self._handler.effect)
            except DomainError as refusal:
                if not isinstance(refusal, ServiceUnavailable):
                    raise
            except Exception as fault:
                passing = isinstance(as_domain_error(fault), ServiceUnavailable)
                if not passing and len(events) > 1:
                    raise
                if not passing and attempt + 1 >= TRIES:
                    log.exception("an event fails", extra=_place(events[0].record))
                    raise
                log.warning("the database does not take events: %s", type(fault).__name__)
            await self._pause(attempt)
            attempt += 1

    async def _bury(self, record: Record, refusal: DomainError) -> None:
        """Make a dead letter of a record, however long Kafka takes to accept it."""
        attempt = 0
        while True:
            try:
                await self._tools.dead_letters.put(record, refusal)
                break
            except (KafkaError, TimeoutError) as fault:
                log.warning("Kafka does not take a dead letter: %s", type(fault).__name__)
            await self._pause(attempt)
            attempt += 1
        self._tools.metrics.dead_letters.labels(record.topic, refusal.code.value).inc()
        log.warning("dead letter: %s", describe(refusal), extra={**_place(record), "code": refusal.code.value})

    async def _pause(self, attempt: int) -> None:
        """Wait before another try; raises `Abandoned` when the partition is to be given up."""
        self._tools.metrics.retries.labels(self._partition.topic).inc()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), backoff(attempt))
        if self._stopping.is_set():
            raise Abandoned()

    async def _commit(self, offset: int) -> None:
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT):
                await self._tools.consumer.commit({self._partition: offset})
        except (KafkaError, TimeoutError) as fault:
            # The events come again, here or elsewhere, and the inbox knows them.
            log.info("an offset was not committed: %s", str(fault) or type(fault).__name__)


def _place(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
