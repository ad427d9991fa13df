"""One partition: its records are read in batches, in order, and its offset is committed after each batch.

What fails for the moment is tried again with longer and longer pauses; only this partition waits. A fetch that the
consumer cannot decode is read anew record by record, so that what is odd about one record stops no other.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError

from consumers.handler import Handler
from consumers.kafka.backoff import backoff
from consumers.kafka.processing import Ends, PartitionRevoked, Processor
from consumers.kafka.raw_batches import BatchReader, Found, last_offset

log = logging.getLogger("tessera.consumer")

FAILURES = 10
"""After so many failures in a row to read a partition the consumer is made anew."""

_COMMIT_TIMEOUT = 10.0
_DRAIN_TIMEOUT = 20.0
_POSITION_TIMEOUT = 5.0
_QUIET = 60.0
"""For how many seconds the log does not repeat that a partition waits."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What all partitions of a process share."""

    consumer: AIOKafkaConsumer
    ends: Ends
    servers: str
    batch: int
    broken: asyncio.Event
    """Set when the consumer cannot go on: it had better be made anew."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """For how many seconds a partition has been waiting without an end of a batch, and why."""

    seconds: float
    reason: str


class PartitionWorker:
    """Begins when it is made; `stop` ends it."""

    def __init__(self, partition: TopicPartition, handler: Handler, context: WorkerContext) -> None:
        self._partition = partition
        self._context = context
        self._processor = Processor(handler, context.ends, self._pause)
        self.position: int | None = None
        """The offset behind the last record that is finished, once it is known."""
        self._fetched_to: int | None = None
        self._stopping = asyncio.Event()
        self._idle = False
        self._waiting_since: float | None = None
        self._waiting_for = ""
        self._logged_at: float | None = None
        self._clock = asyncio.get_running_loop().time
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._ended)

    @property
    def waiting(self) -> Waiting | None:
        """Why the partition does not move, or None while it does."""
        if self._waiting_since is None:
            return None
        return Waiting(self._clock() - self._waiting_since, self._waiting_for)

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
                self._waiting_since = self._logged_at = None
            except PartitionRevoked:
                return
            except Exception as fault:
                # Begin again at the first record that is not finished.
                failures += 1
                log.debug("a partition pauses", exc_info=True, extra={"topic": self._partition.topic})
                if failures > FAILURES:
                    self._context.broken.set()
                with suppress(PartitionRevoked):
                    await self._pause(failures, f"it cannot be read: {str(fault) or type(fault).__name__}")
                if self.position is not None:
                    with suppress(KafkaError):
                        self._context.consumer.seek(self._partition, self.position)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not self._stopping.is_set():
            log.error("a partition ended by itself", extra={"topic": self._partition.topic})
            self._context.broken.set()

    async def _next_batch(self) -> None:
        self._idle = True
        if self.position is None:
            self.position = await self._context.consumer.position(self._partition)
        found = await self._fetch()
        self._idle = False
        size = self._context.batch
        for start in range(0, len(found), size):
            await self._process(found[start : start + size])
        # Behind the last record there may be what is no event: the markers and the aborted records of transactions.
        if self._fetched_to is not None and self._fetched_to != self.position:
            self.position = self._fetched_to
            await self._commit(self.position)

    async def _process(self, found: Sequence[Found]) -> None:
        await self._processor.process(found)
        self._context.ends.metrics.processed.labels(self._partition.topic).inc(len(found))
        self._waiting_since = self._logged_at = None
        self.position = last_offset(found[-1]) + 1
        await self._commit(self.position)
        if self._stopping.is_set():
            raise PartitionRevoked()

    async def _fetch(self) -> Sequence[Found]:
        """The next records, by the consumer or, where that cannot decode them, by ourselves."""
        consumer, partition = self._context.consumer, self._partition
        try:
            fetched = await consumer.getmany(partition, timeout_ms=1_000, max_records=self._context.batch)
        except (ConsumerStoppedError, IllegalStateError):
            raise
        except Exception as fault:
            return await self._read_raw(fault)
        records: Sequence[Found] = fetched.get(partition, ())
        self._fetched_to = records[-1].offset + 1 if records else self.position
        # A topic that is gone has no position until it is made again.
        with suppress(TimeoutError):
            async with asyncio.timeout(_POSITION_TIMEOUT):
                self._fetched_to = await consumer.position(partition)
        return records

    async def _read_raw(self, fault: Exception) -> Sequence[Found]:
        assert self.position is not None
        self._context.consumer.seek(self._partition, self.position)
        async with BatchReader(self._context.servers) as reader:
            batch = await reader.read(self._partition, self.position)
        if batch.next_offset == self.position:
            raise fault
        log.warning(
            "a batch is read record by record, as the consumer cannot decode it: %s",
            str(fault) or type(fault).__name__,
            extra={"topic": self._partition.topic, "partition": self._partition.partition, "offset": self.position},
        )
        self._context.consumer.seek(self._partition, batch.next_offset)
        self._fetched_to = batch.next_offset
        return batch.records

    async def _pause(self, attempt: int, reason: str) -> None:
        """Wait before another try; raises `PartitionRevoked` when the partition is to be given up."""
        now = self._clock()
        self._waiting_for = reason
        if self._waiting_since is None:
            self._waiting_since = now
        if self._logged_at is None or now - self._logged_at >= _QUIET:
            self._logged_at = now
            place = {"topic": self._partition.topic, "partition": self._partition.partition, "offset": self.position}
            log.warning("a partition waits: %s", reason, extra=place)
        self._context.ends.metrics.retries.labels(self._partition.topic).inc()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), backoff(attempt))
        if self._stopping.is_set():
            raise PartitionRevoked()

    async def _commit(self, offset: int) -> None:
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT):
                await self._context.consumer.commit({self._partition: offset})
        except (KafkaError, TimeoutError) as fault:
            # The events come again, here or elsewhere, and the inbox knows them.
            log.info("an offset was not committed: %s", str(fault) or type(fault).__name__)
