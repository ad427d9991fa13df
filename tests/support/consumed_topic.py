"""A topic with a handler of the test's own, consumed within the test's process."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from consumers.handler import Handler
from consumers.kafka.admin import Broker
from consumers.kafka.group import GroupConsumer
from consumers.kafka.raw_batches import BatchReader, Unreadable
from consumers.kafka.records import header
from consumers.metrics import Metrics
from consumers.settings import ConsumerSettings
from models.errors import DomainError, NotFound, ServiceUnavailable
from services.registry import Services
from services.settings import KafkaUri
from tests.support.consumers import EventWorld
from tests.support.eventually import eventually
from tests.support.raw_records import Odd, encode_batch, produce


class Topic:
    """A consumed topic of one partition whose events act by being remembered; some are made to fail."""

    def __init__(self, world: EventWorld) -> None:
        self.world = world
        self.name = "odd"
        self.partition = TopicPartition(world.prefix + self.name, 0)
        self.broker = Broker(world.kafka, partitions=1)
        self.metrics = Metrics()
        self.acted: list[str] = []
        self.away = False
        self.holds = asyncio.Event()
        """Set as soon as the event "hold" acts, which goes on when it is released."""
        self.released = asyncio.Event()
        self.group: GroupConsumer | None = None

    def read(self, raw: Any) -> str:
        if raw == "fail in reading":
            raise ZeroDivisionError("in reading")
        if not isinstance(raw, str):
            raise TypeError("no event of this test")
        return raw

    async def prepare(self, command: str) -> str:
        if command == "fail in preparing":
            raise LookupError("in preparing")
        if command == "refuse":
            raise NotFound("There is no such thing")
        if command == "wait" and self.away:
            raise ServiceUnavailable()
        return command

    async def act(self, _: Any, commands: Sequence[str]) -> list[DomainError | None]:
        if "fail in acting" in commands:
            raise MemoryError("in acting")
        if "hold" in commands:
            self.holds.set()
            await self.released.wait()
        self.acted += commands
        return [None] * len(commands)

    def consumer(self, services: Services) -> GroupConsumer:
        told = ConsumerSettings(
            mongo_uri="mongodb://unused/",
            kafka_uri=KafkaUri(self.world.kafka_uri, tls=False),
            topic_prefix=self.world.prefix,
            batch=20,
        )
        handler = Handler(self.read, self.act, self.prepare)
        return GroupConsumer(told, {self.name: handler}, self.broker, services.inbox, services.parked, self.metrics)

    async def put(self, *records: Odd, codec: str = "none") -> int:
        return await produce(self.world.kafka_uri, self.partition, encode_batch(records, codec))

    async def good(self) -> None:
        """Wait until a good event that stands behind everything else has acted."""
        word = uuid4().hex
        await self.put(Odd(json.dumps(word).encode()))
        await eventually(lambda: word in self.acted, within=60)

    def has_acted(self, record: Odd) -> bool:
        try:
            return json.loads(record.value or b"") in self.acted
        except ValueError:
            return False

    def lag(self) -> float | None:
        assert self.group is not None
        self.group.measure()
        labels = {"topic": self.partition.topic, "partition": "0"}
        return self.metrics.registry.get_sample_value("tessera_consumer_lag", labels)

    async def letters(self) -> list[Any]:
        partition = TopicPartition(self.partition.topic + ".dlt", 0)
        found: list[Any] = []
        async with BatchReader(self.world.kafka) as reader:
            position = 0
            while (batch := await reader.read(partition, position)).next_offset > position:
                found += batch.records
                position = batch.next_offset
        assert not any(isinstance(one, Unreadable) for one in found)
        return found

    async def ended(self) -> tuple[set[int], set[int]]:
        """The offsets of the records that are dead letters, and of those that are parked."""
        parked = await self.world.services.parked.find(self.partition.topic)
        died = {int(header(letter, "dlt-original-offset") or "-1") for letter in await self.letters()}
        return died, {row.offset for row in parked}


@asynccontextmanager
async def configured(servers: str, topic: str, **configs: str) -> AsyncIterator[None]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    named = {name.replace("_", "."): value for name, value in configs.items()}
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])
        yield
    finally:
        await admin.close()
