"""Kafka as the consumers process speaks to it: producers, and the topics that must be there."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

log = logging.getLogger("tessera.kafka")

DEAD_LETTERS = ".dlt"
LARGEST_DEAD_LETTER = 4 * 1024 * 1024
_ALREADY_EXISTS = 36
_DEFAULT_REPLICATION = -1


class TopicsMissing(Exception):
    """Topics that are not there and that the broker does not let us make; the message names every one."""

    def __init__(self, reasons: dict[str, str]) -> None:
        self.topics = sorted(reasons)
        lines = "\n".join(f"  - {topic} ({reasons[topic]})" for topic in self.topics)
        super().__init__(f"These topics are missing and Kafka does not let Tessera make them:\n{lines}")


class Broker:
    """Opens connections to one Kafka."""

    def __init__(self, servers: str, partitions: int) -> None:
        self.servers = servers
        self._partitions = partitions
        self._known: set[str] = set()

    def producer(self, *, linger_ms: int = 0, largest: int = 1_048_576) -> AIOKafkaProducer:
        """An idempotent producer: acknowledged by all replicas, each record once and in order for each key."""
        return AIOKafkaProducer(
            bootstrap_servers=self.servers,
            client_id="tessera",
            enable_idempotence=True,
            acks="all",
            linger_ms=linger_ms,
            max_batch_size=262_144,
            max_request_size=largest,
        )

    async def ensure_topics(self, topics: Iterable[str]) -> None:
        """Make what is missing of `topics`; raises `TopicsMissing` for what cannot be made, `KafkaError` without Kafka.

        What was there once is not asked for again.
        """
        wanted = set(topics) - self._known
        if not wanted:
            return
        async with self._admin() as admin:
            missing = wanted - set(await admin.list_topics())
            if missing:
                await self._make(admin, missing)
        self._known |= wanted

    async def has_topic(self, topic: str) -> bool:
        """Whether there is such a topic; raises `KafkaError` without Kafka."""
        async with self._admin() as admin:
            return topic in await admin.list_topics()

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers, client_id="tessera")
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()

    async def _make(self, admin: AIOKafkaAdminClient, missing: set[str]) -> None:
        answer = await admin.create_topics([self._new_topic(topic) for topic in sorted(missing)])
        refused = {
            topic: message or for_code(code).__name__
            for topic, code, message in answer.topic_errors
            if code not in (0, _ALREADY_EXISTS)
        }
        if refused:
            raise TopicsMissing(refused)
        log.info("made %d topics", len(missing), extra={"topics": sorted(missing)})
        # A broker tells of a new topic a moment after it has made it.
        while True:
            if missing <= set(await admin.list_topics()):
                return
            await asyncio.sleep(0.05)

    def _new_topic(self, topic: str) -> NewTopic:
        if not topic.endswith(DEAD_LETTERS):
            return NewTopic(topic, self._partitions, _DEFAULT_REPLICATION, {})
        # A dead letter waits until somebody looks at it, and says more than the event did.
        configs = {"retention.ms": "-1", "max.message.bytes": str(LARGEST_DEAD_LETTER)}
        return NewTopic(topic, 1, _DEFAULT_REPLICATION, {}, configs)
