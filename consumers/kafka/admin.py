"""Kafka as the consumers process speaks to it: producers, and the topics that must be there."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    KafkaError,
    KafkaTimeoutError,
    KafkaUnavailableError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
    for_code,
)

from consumers.connection import KafkaConnection
from consumers.faults import reason_of

log = logging.getLogger("tessera.kafka")

DEAD_LETTERS = ".dlt"
LARGEST_DEAD_LETTER = 4 * 1024 * 1024
_DEAD_LETTER_CONFIGS = {"retention.ms": "-1", "max.message.bytes": str(LARGEST_DEAD_LETTER)}
_ALREADY_EXISTS = 36
_DEFAULT_REPLICATION = -1
_LOOKS = 200
_ANSWERS_WITHIN = 5.0
_CLOSE_TIMEOUT = 5.0
# Where a topic's setting comes from: 1 is the topic's own, which somebody has chosen.
_OWN_CONFIG = 1
# Not called retriable by the client, though a new producer, or time, mends them.
_MENDED_BY_TIME = (
    TimeoutError,
    OSError,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    KafkaTimeoutError,
    KafkaUnavailableError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)


class TopicsMissing(Exception):
    """Topics that are not there and that the broker does not let us make; the message names every one."""

    def __init__(self, reasons: dict[str, str]) -> None:
        self.topics = sorted(reasons)
        lines = "\n".join(f"  - {topic} ({reasons[topic]})" for topic in self.topics)
        super().__init__(f"These topics are missing and Kafka does not let Tessera make them:\n{lines}")


def is_passing(fault: BaseException) -> bool:
    """Whether another try, later or by a new producer, may succeed where this one failed."""
    if isinstance(fault, _MENDED_BY_TIME):
        return True
    return isinstance(fault, KafkaError) and bool(fault.retriable)


def without_making_topics(client: Any) -> None:
    """Keep an aiokafka client from having the broker make the topics that it asks for.

    The broker would make them with its own settings. Asked for all topics it makes none, and the client has no switch.
    """
    update = client._metadata_update  # noqa: SLF001  # see above

    async def update_all(cluster: object, _: Collection[str]) -> bool:
        return bool(await update(cluster, None))

    client._metadata_update = update_all  # noqa: SLF001  # see above


async def close_producer(producer: AIOKafkaProducer) -> None:
    """Close a producer without waiting for a Kafka that is away."""
    try:
        await asyncio.wait_for(producer.stop(), _CLOSE_TIMEOUT)
    except Exception as fault:
        log.info("a producer was closed in the middle of its work: %s", reason_of(fault))


class Broker:
    """Opens connections to one Kafka."""

    def __init__(self, connection: KafkaConnection, partitions: int) -> None:
        self.connection = connection
        self._partitions = partitions
        self._seen: dict[str, float] = {}

    async def open_producer(
        self, *, linger_ms: int = 0, largest: int = 1_048_576, compression: str | None = None
    ) -> AIOKafkaProducer:
        """An idempotent producer: acknowledged by all replicas, each record once and in order for each key.

        `largest` counts the bytes of a record before compression. Raises `KafkaError` without Kafka.
        """
        producer = AIOKafkaProducer(
            **self.connection.options(),
            enable_idempotence=True,
            acks="all",
            linger_ms=linger_ms,
            max_batch_size=262_144,
            max_request_size=largest,
            compression_type=compression,
        )
        without_making_topics(producer.client)
        try:
            await producer.start()
        except BaseException:
            await close_producer(producer)
            raise
        return producer

    async def ensure_topics(self, topics: Iterable[str], *, within: float | None = None) -> None:
        """Make what is missing of `topics`; raises `TopicsMissing` for what cannot be made, `KafkaError` without Kafka.

        What was there once is not asked for again, or only when that was more than `within` seconds ago.
        """
        now = asyncio.get_running_loop().time()
        oldest = -1.0 if within is None else now - within
        wanted = {topic for topic in topics if self._seen.get(topic, -2.0) < oldest}
        if not wanted:
            return
        async with self._admin() as admin:
            missing = wanted - set(await admin.list_topics())
            await self._settle(admin, wanted - missing, missing)
        self._seen |= dict.fromkeys(wanted, now)

    async def look_after(self, topics: Collection[str], missing_before: Collection[str]) -> set[str]:
        """Make those of `topics` that are missing and were `missing_before`; returns what was missing now.

        Raises like `ensure_topics`.
        """
        now = asyncio.get_running_loop().time()
        async with self._admin() as admin:
            missing = set(topics) - set(await admin.list_topics())
            there, again = set(topics) - missing, missing.intersection(missing_before)
            await self._settle(admin, there, again)
        self._seen |= dict.fromkeys(there | again, now)
        return missing

    async def _settle(self, admin: AIOKafkaAdminClient, there: set[str], missing: set[str]) -> None:
        """Make what is missing, and see that the dead letters of what is there are kept."""
        if missing:
            await self._make(admin, missing)
        await self._keep_for_ever(admin, {topic for topic in there if topic.endswith(DEAD_LETTERS)})

    async def missing(self, topics: Iterable[str]) -> set[str]:
        """Which of these topics are not there; raises `KafkaError` without Kafka."""
        async with self._admin() as admin:
            return set(topics) - set(await admin.list_topics())

    async def has_topic(self, topic: str) -> bool:
        """Whether there is such a topic; raises `KafkaError` without Kafka."""
        return not await self.missing([topic])

    async def answers(self) -> bool:
        """Whether Kafka answers at all."""
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                await self.missing([])
        except Exception:
            return False
        return True

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**self.connection.options())
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()

    async def _make(self, admin: AIOKafkaAdminClient, missing: set[str]) -> None:
        answer = await admin.create_topics([self._new_topic(topic) for topic in sorted(missing)])
        errors = [error for error in answer.topic_errors if error[1] not in (0, _ALREADY_EXISTS)]
        passing = [for_code(code)(topic) for topic, code, _ in errors if for_code(code).retriable]
        if passing:
            raise passing[0]
        if errors:
            raise TopicsMissing({topic: message or for_code(code).__name__ for topic, code, message in errors})
        log.info("made %d topics", len(missing), extra={"topics": sorted(missing)})
        # A broker tells of a new topic a moment after it has made it.
        for _ in range(_LOOKS):
            if missing <= set(await admin.list_topics()):
                return
            await asyncio.sleep(0.05)
        raise KafkaTimeoutError(f"Kafka does not show new topics yet: {', '.join(sorted(missing))}")

    async def _keep_for_ever(self, admin: AIOKafkaAdminClient, topics: set[str]) -> None:
        """Give dead-letter topics that something else made our settings, where nobody has chosen others."""
        if not topics:
            return
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in sorted(topics)]
        for answer in await admin.describe_configs(resources):
            for code, _, _, topic, entries in answer.resources:
                own = {entry[0]: entry[1] for entry in entries if not code and entry[3] == _OWN_CONFIG}
                if not code and "retention.ms" not in own:
                    wanted = ConfigResource(ConfigResourceType.TOPIC, topic, {**_DEAD_LETTER_CONFIGS, **own})
                    await admin.alter_configs([wanted])
                    log.info("dead letters are kept until they are deleted", extra={"topic": topic})

    def _new_topic(self, topic: str) -> NewTopic:
        if not topic.endswith(DEAD_LETTERS):
            return NewTopic(topic, self._partitions, _DEFAULT_REPLICATION, {})
        # A dead letter waits until somebody looks at it, and says more than the event did.
        return NewTopic(topic, 1, _DEFAULT_REPLICATION, {}, dict(_DEAD_LETTER_CONFIGS))
