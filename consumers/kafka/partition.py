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

from consumers.faults import reason_of
from consumers.handler import Handler
from consumers.kafka.backoff import Reminder, backoff, pause
from consumers.kafka.processing import Ends, PartitionRevoked, Processor
from consumers.kafka.raw_batches import Batch, BatchReader, Found, last_offset

log = logging.getLogger("tessera.consumer")

FAILURES = 10
"""After so many failures in a row to read a partition the consumer is made anew."""

_COMMIT_TIMEOUT = 10.0
_DRAIN_TIMEOUT = 20.0
_POSITION_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What all partitions of a process share."""

    consumer: AIOKafkaConsumer
    ends: Ends
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
        self._stopping = asyncio.Event()
        self._idle = False
        self._waiting_since: float | None = None
        self._waiting_for = ""
        self._reminder = Reminder()
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
                self._moves()
            except PartitionRevoked:
                return
            except Exception as fault:
                # Begin again at the first record that is not finished.
                failures += 1
                log.debug("a partition pauses", exc_info=True, extra={"topic": self._partition.topic})
                if failures > FAILURES:
                    self._context.broken.set()
                with suppress(PartitionRevoked):
                    await self._pause(failures, f"it cannot be read: {reason_of(fault)}")
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
        batch = await self._fetch(self.position)
        self._idle = False
        size = self._context.batch
        for start in range(0, len(batch.records), size):
            await self._process(batch.records[start : start + size])
        # Behind the last record there may be what is no event: the markers and the aborted records of transactions.
        if batch.next_offset != self.position:
            self.position = batch.next_offset
            await self._commit(self.position)

    async def _process(self, found: Sequence[Found]) -> None:
        await self._processor.process(found)
        self._context.ends.metrics.processed.labels(self._partition.topic).inc(len(found))
        self._moves()
        self.position = last_offset(found[-1]) + 1
        await self._commit(self.position)
        if self._stopping.is_set():
            raise PartitionRevoked()

    async def _fetch(self, position: int) -> Batch:
        """The next records, by the consumer or, where that cannot decode them, by ourselves."""
        consumer, partition = self._context.consumer, self._partition
        try:
            fetched = await consumer.getmany(partition, timeout_ms=1_000, max_records=self._context.batch)
        except (ConsumerStoppedError, IllegalStateError):
            raise
        except Exception as fault:
            return await self._read_raw(position, fault)
        records: Sequence[Found] = fetched.get(partition, ())
        next_offset = records[-1].offset + 1 if records else position
        # A topic that is gone has no position until it is made again.
        with suppress(TimeoutError):
            async with asyncio.timeout(_POSITION_TIMEOUT):
                next_offset = await consumer.position(partition)
        return Batch(records, next_offset)

    async def _read_raw(self, position: int, fault: Exception) -> Batch:
        self._context.consumer.seek(self._partition, position)
        async with BatchReader(self._context.ends.broker.connection) as reader:
            batch = await reader.read(self._partition, position)
        if batch.next_offset == position:
            raise fault
        log.warning(
            "a batch is read record by record, as the consumer cannot decode it: %s",
            reason_of(fault),
            extra={"topic": self._partition.topic, "partition": self._partition.partition, "offset": position},
        )
        self._context.consumer.seek(self._partition, batch.next_offset)
        return batch

    def _moves(self) -> None:
        self._waiting_since = None
        self._reminder.over()

    async def _pause(self, attempt: int, reason: str) -> None:
        """Wait before another try; raises `PartitionRevoked` when the partition is to be given up."""
        self._waiting_for = reason
        if self._waiting_since is None:
            self._waiting_since = self._clock()
        if self._reminder.is_due():
            place = {"topic": self._partition.topic, "partition": self._partition.partition, "offset": self.position}
            log.warning("a partition waits: %s", reason, extra=place)
        self._context.ends.metrics.retries.labels(self._partition.topic).inc()
        if await pause(backoff(attempt), self._stopping):
            raise PartitionRevoked()

    async def _commit(self, offset: int) -> None:
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT):
                await self._context.consumer.commit({self._partition: offset})
        except (KafkaError, TimeoutError) as fault:
            # The events come again, here or elsewhere, and the inbox knows them.
            log.info("an offset was not committed: %s", reason_of(fault))
