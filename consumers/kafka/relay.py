"""The relay: takes events from the outbox to Kafka, in the order of each key, one relay at a time.

A row is marked as sent once all replicas have acknowledged it; a relay that dies in between leaves it to the next one,
so an event comes at least once. Several processes stand ready and the lease says whose turn it is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeAlias

from aiokafka.errors import KafkaConnectionError

from consumers.faults import reason_of
from consumers.kafka.admin import Broker
from consumers.kafka.backoff import backoff, pause
from consumers.kafka.topic_lane import Sent, TopicLane
from consumers.metrics import Metrics
from services.kit.instruments.tracing import Tracing
from services.kit.leases import Lease
from services.kit.messages.outbox import OutboxQueue, OutboxRow
from services.kit.tasks import end

log = logging.getLogger("tessera.relay")

Fill: TypeAlias = Callable[[], Awaitable[object]]

BATCH = 1_000
LEASE_SECONDS = 3.0
_MOMENT = 1.0
_DRAIN_TIMEOUT = 5.0


class LeaseLost(Exception):
    """Another relay may have begun: this one stops before it sends more."""


class Relay:
    """Relays until it is stopped, whatever happens to MongoDB or Kafka meanwhile.

    `fill` is what takes events into the outbox that wait elsewhere.
    """

    def __init__(
        self,
        queue: OutboxQueue,
        lease: Lease,
        broker: Broker,
        metrics: Metrics,
        fill: Fill,
        *,
        prefix: str = "",
        tracing: Tracing | None = None,
    ) -> None:
        self._queue = queue
        self._fill = fill
        self._lease = lease
        self._broker = broker
        self._metrics = metrics
        self._prefix = prefix
        self._tracing = tracing
        self._stopping = asyncio.Event()
        self._valid_until = 0.0

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
                log.warning("the relay pauses: %s", reason_of(fault))
            self._metrics.leading.set(0)
            if self._valid_until:
                await self._release()  # Perhaps another process reaches what this one does not.
            await pause(backoff(failures, shortest=0.5, longest=2.0), self._stopping)

    def stop(self) -> None:
        """Have `run` return after the batch that is under way."""
        self._stopping.set()

    async def _lead(self) -> None:
        renewal = asyncio.get_running_loop().create_task(self._keep_lease())
        lanes = _Lanes(self._broker, self._queue, self._mark, self._prefix, self._tracing)
        try:
            if not await self._broker.answers():
                raise KafkaConnectionError("Kafka does not answer")
            log.info("this process relays events to Kafka")
            self._metrics.leading.set(1)
            while not self._stopping.is_set():
                await self._fill()
                without = lanes.waiting
                rows = await self._queue.unsent(BATCH, without) or await self._wait_for_rows(without)
                if asyncio.get_running_loop().time() > self._valid_until:
                    raise LeaseLost("its lease was not renewed in time")
                await lanes.send(rows)
                self._metrics.topics_waiting.set(lanes.failing)
        finally:
            self._metrics.topics_waiting.set(0)
            await end(renewal)
            await lanes.close()

    async def _wait_for_rows(self, without: Collection[str]) -> list[OutboxRow]:
        """What came while the watch was being opened, else nothing, after the first change or half a second."""
        async with self._queue.watch() as watch:
            rows = await watch.unsent(BATCH, without)
            if not rows:
                changed = asyncio.ensure_future(watch.changed())
                stopping = asyncio.ensure_future(self._stopping.wait())
                await asyncio.wait((changed, stopping), return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                await changed
        return rows

    async def _mark(self, sent: Sequence[OutboxRow]) -> None:
        if not sent:
            return
        now = datetime.now(UTC)
        self._metrics.sent.inc(len(sent))
        for row in sent:
            self._metrics.relay_delay.observe(max(0.0, (now - row.at).total_seconds()))
        await self._queue.mark_sent([row.id for row in sent])

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


class _Lanes:
    """A lane for each topic: what is slow or fails in one goes on by itself, and the others with their next events."""

    def __init__(self, broker: Broker, queue: OutboxQueue, sent: Sent, prefix: str, tracing: Tracing | None) -> None:
        self._broker = broker
        self._queue = queue
        self._sent = sent
        self._prefix = prefix
        self._tracing = tracing
        self._lanes: dict[str, TopicLane] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}

    @property
    def waiting(self) -> list[str]:
        """The topics whose events are not to be read now."""
        return [topic for topic, lane in self._lanes.items() if topic in self._sending or lane.waiting]

    @property
    def failing(self) -> int:
        """How many topics did not take their last events."""
        return sum(lane.failing for lane in self._lanes.values())

    async def send(self, rows: Sequence[OutboxRow]) -> None:
        """Begin to send; returns when all of them are through, or after a moment without those that are not.

        Raises what MongoDB raises.
        """
        by_topic: dict[str, list[OutboxRow]] = {}
        for row in rows:
            by_topic.setdefault(row.topic, []).append(row)
        for topic, its_rows in by_topic.items():
            lane = self._lanes.get(topic) or TopicLane(
                self._prefix + topic, self._broker, self._queue, self._sent, limit=BATCH, tracing=self._tracing
            )
            self._lanes[topic] = lane
            self._sending[topic] = asyncio.get_running_loop().create_task(lane.send(its_rows))
        if by_topic:
            await asyncio.wait([self._sending[topic] for topic in by_topic], timeout=_MOMENT)
        for topic in [topic for topic, task in self._sending.items() if task.done()]:
            self._sending.pop(topic).result()

    async def close(self) -> None:
        """Finish what is under way, unless it takes long, and close the producers."""
        sending = list(self._sending.values())
        if sending:
            _, late = await asyncio.wait(sending, timeout=_DRAIN_TIMEOUT)
            for task in late:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))
