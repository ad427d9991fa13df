"""Makes every record of a batch end: as its effect, as a dead letter, or as a parked row. There is no other end.

Whatever is raised for one record, in reading, preparing, acting or writing its dead letter, ends at that record. What
fails because MongoDB, Kafka or another service is away is tried again until it is back, and ends nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from consumers.faults import reason_of
from consumers.handler import Handler
from consumers.kafka.admin import Broker, is_passing
from consumers.kafka.dead_letters import DeadLetters
from consumers.kafka.letters import describe
from consumers.kafka.parking import parked_record, parked_unreadable
from consumers.kafka.raw_batches import Found, Unreadable
from consumers.kafka.reading import Event, RefusedItem, letters_of, read_events
from consumers.kafka.records import Place, Record, place
from consumers.kafka.traces import traced_events
from consumers.metrics import Metrics
from models.errors import DomainError, NotFound, ServiceUnavailable
from services.kit.instruments.tracing import Tracing
from services.kit.messages.inbox import Inbox
from services.kit.messages.parked import ParkedRecord, ParkedRecords
from services.kit.transactions import as_domain_error

log = logging.getLogger("tessera.consumer")

PATIENCE = 5.0
"""For how many seconds the events of a batch may wait for what they name to be created."""

TRIES = 3
"""How often an event may fail in a way nobody expects before it is a dead letter."""

LETTER_TRIES = 4
"""How often in a row a Kafka that answers may fail to take a dead letter before its record is parked."""

Pause = Callable[[int, str], Awaitable[None]]
"""Waits before another try: the number of tries before it, and why. Raises `PartitionRevoked`."""


class PartitionRevoked(Exception):
    """The partition is to be given up: what is not finished comes again, to whoever has it then."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Where records end, shared by all partitions of a process."""

    broker: Broker
    dead_letters: DeadLetters
    parked: ParkedRecords
    inbox: Inbox
    metrics: Metrics
    tracing: Tracing | None = None


class Processor:
    """Processes the records of one partition, a batch at a time."""

    def __init__(self, handler: Handler, ends: Ends, pause: Pause) -> None:
        self._handler = handler
        self._ends = ends
        self._pause = pause
        self._ended: set[int] = set()

    async def process(self, found: Sequence[Found]) -> None:
        """Return once every record has ended; raises `PartitionRevoked` before that, and nothing else."""
        self._ended.clear()
        readable: list[Record] = []
        for one in found:
            if isinstance(one, Unreadable):
                await self._keep(one, parked_unreadable(one))
            else:
                readable.append(one)
        await self._finish(readable)

    async def _finish(self, records: Sequence[Record]) -> None:
        """Work through records; a batch that fails as a whole is halved until the one at fault stands alone."""
        for attempt in range(TRIES):
            left = [record for record in records if record.offset not in self._ended]
            try:
                await self._run(left)
                return
            except PartitionRevoked:
                raise
            except Exception as fault:
                log.exception("a batch fails", extra=place(left[0]))
                last = fault
            if len(left) > 1:
                await self._finish(left[: len(left) // 2])
                await self._finish(left[len(left) // 2 :])
                return
            if attempt + 1 < TRIES:
                await self._pause(attempt, type(last).__name__)
        await self._park(left[0], as_domain_error(last), last)

    async def _run(self, records: Sequence[Record]) -> None:
        refused: list[RefusedItem] = []
        events = [event for record in records for event in await self._read(record, refused)]
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
            for event, refusal in await self._act(events):
                if self._handler.waits and isinstance(refusal, NotFound) and clock() < patient_until:
                    waiting.append(event)
                elif event.position is None:
                    await self._reject(event.record, refusal)
                else:
                    refused.append(RefusedItem(event.record, event.position, event.item, refusal))
            events = waiting
            if events:
                await self._pause(attempt, "what an event names is not there yet")
                attempt += 1
        for part, reason in letters_of(refused):
            await self._reject(part, reason)

    async def _read(self, record: Record, refused: list[RefusedItem]) -> list[Event]:
        try:
            found = list(read_events(record, self._handler))
        except DomainError as refusal:
            await self._reject(record, refusal)
            return []
        refused += [one for one in found if isinstance(one, RefusedItem)]
        return [one for one in found if isinstance(one, Event)]

    async def _prepare(self, event: Event) -> Event | None:
        assert self._handler.prepare is not None
        attempt = failures = 0
        while True:
            try:
                return replace(event, command=await self._handler.prepare(event.command))
            except ServiceUnavailable as fault:
                reason = fault.message
            except DomainError as refusal:
                await self._reject(event.record, refusal)
                return None
            except Exception as fault:
                failures += 1
                log.exception("an event cannot be prepared", extra=place(event.record))
                if failures >= TRIES:
                    await self._reject(event.record, as_domain_error(fault))
                    return None
                reason = type(fault).__name__
            await self._pause(attempt, reason)
            attempt += 1

    async def _act(self, events: Sequence[Event]) -> list[tuple[Event, DomainError]]:
        """Let the events act; returns those that are refused. A batch that fails is halved until the cause is found."""
        try:
            refusals = await self._attempt(events)
        except PartitionRevoked:
            raise
        except Exception as fault:
            if len(events) > 1:
                middle = len(events) // 2
                return [*await self._act(events[:middle]), *await self._act(events[middle:])]
            refusals = [as_domain_error(fault)]
        return [(event, refusal) for event, refusal in zip(events, refusals, strict=True) if refusal is not None]

    async def _attempt(self, events: Sequence[Event]) -> list[DomainError | None]:
        """One transaction, tried for as long as the database is away."""
        attempt = 0
        while True:
            try:
                with traced_events(self._ends.tracing, [event.record for event in events]):
                    return await self._ends.inbox.process([(e.id, e.command) for e in events], self._handler.effect)
            except DomainError as refusal:
                if not isinstance(refusal, ServiceUnavailable):
                    raise
                reason = refusal.message
            except Exception as fault:
                passing = isinstance(as_domain_error(fault), ServiceUnavailable)
                if not passing and len(events) > 1:
                    raise
                if not passing and attempt + 1 >= TRIES:
                    log.exception("an event fails", extra=place(events[0].record))
                    raise
                reason = f"the database does not take events: {type(fault).__name__}"
            await self._pause(attempt, reason)
            attempt += 1

    async def _reject(self, record: Record, refusal: DomainError) -> None:
        """Make a dead letter of a record, however long Kafka is away; where Kafka will not take one, park it."""
        attempt = refused = 0
        while True:
            try:
                await self._ends.dead_letters.put(record, refusal)
                break
            except Exception as fault:
                # A Kafka that is away is waited for. One that answers, and still does not take it, never will.
                answers = await self._ends.broker.answers()
                refused = refused + 1 if answers else 0
                if answers and (not is_passing(fault) or refused >= LETTER_TRIES):
                    await self._park(record, refusal, fault)
                    return
                reason = f"Kafka does not take a dead letter: {reason_of(fault)}"
            await self._pause(attempt, reason)
            attempt += 1
        self._ended.add(record.offset)
        self._ends.metrics.dead_letters.labels(record.topic, refusal.code).inc()
        log.warning("dead letter: %s", describe(refusal), extra={**place(record), "code": refusal.code})

    async def _park(self, record: Record, refusal: DomainError, fault: BaseException) -> None:
        await self._keep(record, parked_record(record, refusal, fault))

    async def _keep(self, at: Place, row: ParkedRecord) -> None:
        """Write a parked row, however long MongoDB is away; its content is left out where MongoDB refuses that."""
        attempt = 0
        while True:
            try:
                await self._ends.parked.put(row)
                break
            except Exception as fault:
                if not isinstance(as_domain_error(fault), ServiceUnavailable):
                    row = row.bare()
                reason = f"the database does not take a parked record: {type(fault).__name__}"
            await self._pause(attempt, reason)
            attempt += 1
        self._ended.add(at.offset)
        self._ends.metrics.parked_records.labels(row.topic, row.code).inc()
        log.error("parked: %s", row.reason, extra={**place(at), "code": row.code})
