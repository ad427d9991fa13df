"""The group consumer: a worker for each partition that Kafka assigns to this process."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from consumers.handler import Handler
from consumers.kafka.admin import Broker, without_making_topics
from consumers.kafka.dead_letters import DeadLetters
from consumers.kafka.partition import PartitionWorker, WorkerContext
from consumers.kafka.processing import Ends
from consumers.metrics import Metrics
from consumers.settings import ConsumerSettings
from services.kit.instruments.tracing import Tracing
from services.kit.messages.inbox import Inbox
from services.kit.messages.parked import ParkedRecords

log = logging.getLogger("tessera.consumer")

_DAY_MS = 24 * 60 * 60 * 1000
_CLOSE_TIMEOUT = 5.0

STUCK_AFTER = 30.0
"""After so many seconds without the end of a batch a partition that waits is called stuck."""


class GroupConsumer:
    """Consumes `table`'s topics; `start`, then `close`. Any number of processes share the partitions.

    `has_joined` says whether Kafka has given this process its share, which may be no partition at all.
    """

    def __init__(
        self,
        settings: ConsumerSettings,
        table: Mapping[str, Handler],
        broker: Broker,
        inbox: Inbox,
        parked: ParkedRecords,
        metrics: Metrics,
        tracing: Tracing | None = None,
    ) -> None:
        self._table = {settings.topic_prefix + topic: handler for topic, handler in table.items()}
        self._metrics = metrics
        self._dead_letters = DeadLetters(broker)
        self.broken = asyncio.Event()
        self.has_joined = False
        self._consumer = AIOKafkaConsumer(
            **broker.connection.options(),
            group_id=settings.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            # One request asks for all idle partitions; another that becomes idle has to wait for it to come back.
            fetch_max_wait_ms=50,
            # A partition that waits for a service does not poll; a process that is dead does not send heartbeats.
            max_poll_interval_ms=_DAY_MS,
            session_timeout_ms=10_000,
            rebalance_timeout_ms=30_000,
            heartbeat_interval_ms=2_000,
            metadata_max_age_ms=30_000,
        )
        without_making_topics(self._consumer._client)  # noqa: SLF001  # the client has no switch for it
        ends = Ends(broker, self._dead_letters, parked, inbox, metrics, tracing)
        self._context = WorkerContext(self._consumer, ends, settings.batch, self.broken)
        self._workers: dict[TopicPartition, PartitionWorker] = {}

    async def start(self) -> None:
        """Join the group; raises `KafkaError` without Kafka."""
        await self._consumer.start()
        self._consumer.subscribe(sorted(self._table), listener=_Listener(self))

    async def close(self) -> None:
        """Finish the transactions under way, commit, leave the group."""
        await self.revoked(list(self._workers))
        with suppress(Exception):  # Without Kafka there is nothing to leave.
            await asyncio.wait_for(self._consumer.stop(), _CLOSE_TIMEOUT)
        await self._dead_letters.close()

    @property
    def stuck(self) -> list[str]:
        """The partitions that have not moved for `STUCK_AFTER` seconds, each with the reason."""
        waits = ((partition, worker.waiting) for partition, worker in self._workers.items())
        return sorted(
            f"{partition.topic}[{partition.partition}] has been waiting for {waiting.seconds:.0f} s: {waiting.reason}"
            for partition, waiting in waits
            if waiting is not None and waiting.seconds >= STUCK_AFTER
        )

    def measure(self) -> None:
        """Set the gauges of each partition that is ours: what can be read and is not finished, and how long it waits.

        Records of a transaction that is still open cannot be read, nor can those of one that was given up.
        """
        self._metrics.lag.clear()
        self._metrics.waiting.clear()
        for partition, worker in self._workers.items():
            labels = (partition.topic, str(partition.partition))
            self._metrics.waiting.labels(*labels).set(worker.waiting.seconds if worker.waiting else 0)
            end = self._consumer.last_stable_offset(partition)
            if end is not None and worker.position is not None:
                self._metrics.lag.labels(*labels).set(max(0, end - worker.position))

    async def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        self.has_joined = True
        for partition in partitions:
            self._workers[partition] = PartitionWorker(partition, self._table[partition.topic], self._context)
        log.info("consuming %d partitions", len(self._workers))

    async def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        workers = [self._workers.pop(partition) for partition in partitions if partition in self._workers]
        await asyncio.gather(*(worker.stop() for worker in workers))


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is not typed
    def __init__(self, group: GroupConsumer) -> None:
        self._group = group

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._group.revoked(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._group.assigned(assigned)
