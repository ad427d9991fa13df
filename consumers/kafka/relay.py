"""The relay: takes events from the outbox to Kafka, in the order of each key, one relay at a time.

A row is marked as sent once all replicas have acknowledged it; a relay that dies in between leaves it to the next one,
so an event comes at least once. Several processes stand ready and the lease says whose turn it is.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidTopicError, KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from consumers.kafka.admin import Broker
from consumers.kafka.backoff import backoff
from consumers.kafka.records import cloud_event_headers
from consumers.metrics import Metrics
from services.kit.leases import Lease
from services.kit.outbox import OutboxQueue, OutboxRow

log = logging.getLogger("tessera.relay")

BATCH = 1_000
LEASE_SECONDS = 3.0
ACK_TIMEOUT = 30.0
_LINGER_MS = 2
# What Kafka refuses for good, whenever it is sent.
_HOPELESS = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidTopicError)


class LeaseLost(Exception):
    """Another relay may have begun: this one stops before it sends more."""


class Relay:
    """Relays until it is stopped, whatever happens to MongoDB or Kafka meanwhile."""

    def __init__(self, queue: OutboxQueue, lease: Lease, broker: Broker, metrics: Metrics, *, prefix: str = "") -> None:
        self._queue = queue
        self._lease = lease
        self._broker = broker
        self._metrics = metrics
        self._prefix = prefix
        self._stopping = asyncio.Event()
        self._valid_until = 0.0
        self._limit = BATCH

    async def run(self) -> None:
        """Wait for the lease, lead, and begin again when something fails; returns after `stop`."""
        failures = 0
        while not self._stopping.is_set():
            try:
                if await self._renew():
                    await self._lead()
                failures = 0
            except Exception as fault:
                failures += 1
                log.warning("the relay pauses: %s", str(fault) or type(fault).__name__)
            self._metrics.leading.set(0)
            if self._valid_until:
                await self._release()  # Perhaps another process reaches what this one does not.
            await self._sleep(backoff(failures, shortest=0.5, longest=2.0))

    def stop(self) -> None:
        """Have `run` return after the batch that is under way."""
        self._stopping.set()

    async def _lead(self) -> None:
        producer = self._broker.producer(linger_ms=_LINGER_MS)
        renewal = asyncio.get_running_loop().create_task(self._keep_lease())
        try:
            await asyncio.wait_for(producer.start(), ACK_TIMEOUT)
            log.info("this process relays events to Kafka")
            self._metrics.leading.set(1)
            while not self._stopping.is_set():
                rows = await self._queue.unsent(self._limit) or await self._wait_for_rows()
                if rows:
                    await self._send(producer, rows)
        finally:
            renewal.cancel()
            await _close(producer)

    async def _wait_for_rows(self) -> list[OutboxRow]:
        """What came while the watch was being opened, else nothing, after the first change or half a second."""
        async with self._queue.watch() as watch:
            rows = await watch.unsent(self._limit)
            if not rows:
                changed = asyncio.ensure_future(watch.changed())
                stopping = asyncio.ensure_future(self._stopping.wait())
                await asyncio.wait((changed, stopping), return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                await changed
        if asyncio.get_running_loop().time() > self._valid_until:
            raise LeaseLost("its lease was not renewed in time")
        return rows

    async def _send(self, producer: AIOKafkaProducer, rows: Sequence[OutboxRow]) -> None:
        """Send rows in order, all at once, and mark those that Kafka has acknowledged."""
        await self._broker.ensure_topics({self._prefix + row.topic for row in rows})
        if asyncio.get_running_loop().time() > self._valid_until:
            raise LeaseLost("its lease was not renewed in time")
        acknowledgements: dict[str, asyncio.Future[object]] = {}
        fault: BaseException | None = None
        try:
            async with asyncio.timeout(ACK_TIMEOUT):
                try:
                    for row in rows:
                        acknowledgements[row.id] = await self._dispatch(producer, row)
                except KafkaError as refused:
                    fault = refused
                if acknowledgements:
                    await asyncio.wait(acknowledgements.values())
        except TimeoutError as late:
            fault = late
        sent = [row for row in rows if _is_acknowledged(acknowledgements.get(row.id))]
        await self._mark(sent)
        if len(sent) == len(rows):
            self._limit = min(BATCH, self._limit * 2)
            return
        failed = (ack.exception() for ack in acknowledgements.values() if ack.done() and not ack.cancelled())
        fault = fault or next((raised for raised in failed if raised), None) or KafkaError("no acknowledgement came")
        if len(rows) == 1 and isinstance(fault, _HOPELESS):
            await self._park(rows[0], fault)
            return
        # One by one from here, so that a row that Kafka will never take shows itself.
        self._limit = 1
        raise fault

    async def _dispatch(self, producer: AIOKafkaProducer, row: OutboxRow) -> "asyncio.Future[object]":
        headers = cloud_event_headers(row.id, row.topic, row.at, row.key)
        acknowledgement: asyncio.Future[object] = await producer.send(
            self._prefix + row.topic, row.value, key=row.key.encode(), headers=headers
        )
        return acknowledgement

    async def _mark(self, sent: Sequence[OutboxRow]) -> None:
        if not sent:
            return
        now = datetime.now(UTC)
        self._metrics.sent.inc(len(sent))
        for row in sent:
            self._metrics.relay_delay.observe(max(0.0, (now - row.at).total_seconds()))
        await self._queue.mark_sent([row.id for row in sent])

    async def _park(self, row: OutboxRow, fault: BaseException) -> None:
        log.error("Kafka will not take an event, which stays in the outbox: %s", fault, extra={"event": row.id})
        await self._queue.park(row.id, str(fault) or type(fault).__name__)

    async def _release(self) -> None:
        self._valid_until = 0.0
        with suppress(Exception):  # It ends by itself a moment later.
            await self._lease.release()

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(self._lease.seconds / 3)
            try:
                await self._renew()
            except Exception as fault:
                log.warning("the relay's lease could not be renewed: %s", fault)

    async def _renew(self) -> bool:
        began = asyncio.get_running_loop().time()
        held = await self._lease.take()
        self._valid_until = began + self._lease.seconds if held else 0.0
        return held

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _is_acknowledged(ack: "asyncio.Future[object] | None") -> bool:
    return ack is not None and ack.done() and not ack.cancelled() and ack.exception() is None


async def _close(producer: AIOKafkaProducer) -> None:
    """Close a producer without waiting for a Kafka that is away."""
    try:
        await asyncio.wait_for(producer.stop(), 5)
    except Exception as fault:
        log.info("a producer was closed in the middle of its work: %s", fault or type(fault).__name__)
