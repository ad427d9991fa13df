"""The consumers process as a test runs it: the real one, in a process of its own, on topics of the test's own."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord

from consumers.connection import KafkaConnection
from consumers.topics import CONSUMED, PRODUCED
from devtools.embedded import EmbeddedKafka
from devtools.embedded.ports import free_ports
from models.orders.commands import FindOrders
from models.principal import SYSTEM
from services.registry import Services
from tests.support.api import MONGO_DRIVER
from tests.support.eventually import eventually
from tests.support.processes import ROOT, STARTS_WITHIN, environment

ARRIVES_WITHIN = 120.0


class ConsumersWorker:
    """One `python -m consumers`. Its log goes to a file; `kill` is kill -9, `stop` is SIGTERM."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        [self.port] = free_ports(1)
        self.log = log
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=10)
        self._environment = environment | {"CONSUMERS_PORT": str(self.port)}
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it without waiting."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "consumers"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    async def start(self) -> None:
        """Start it and wait until it has joined the group."""
        self.launch()
        await self.ready()

    async def ready(self) -> None:
        assert self._process is not None
        process = self._process

        async def is_ready() -> bool:
            assert process.poll() is None, f"the consumers ended with {process.returncode}:\n{self.log.read_text()}"
            try:
                return (await self.http.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(is_ready, within=STARTS_WITHIN)

    def kill(self) -> None:
        """End it as a crash would: no handler runs."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(20)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it as an operator would; answers the exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(how)
        return await self.stopped()

    async def stopped(self) -> int:
        """Wait until it has ended; answers the exit code."""
        process = self._process
        assert process is not None
        await eventually(lambda: process.poll() is not None, within=60)
        return int(process.returncode)

    async def metrics(self) -> dict[str, float]:
        """Every sample by its name and labels, as Prometheus would read them."""
        text = (await self.http.get("/metrics")).text
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}


class EventWorld:
    """One Kafka, topics with a prefix of their own, a database of their own, and the verbs over it."""

    def __init__(self, kafka_uri: str, database_uri: str, folder: Path, **variables: str) -> None:
        self.kafka_uri = kafka_uri
        self.kafka = KafkaConnection(kafka_uri)
        self.prefix = f"t{uuid4().hex[:8]}-"
        self.folder = folder
        of_kafka = {"KAFKA_URI": kafka_uri, "KAFKA_TOPIC_PREFIX": self.prefix}
        self.environment = environment(MONGO_URI=database_uri, **of_kafka, **variables)
        name = httpx.URL(database_uri).path.lstrip("/")
        self.services = Services.open(
            mongo_uri=database_uri, database_name=name, mongo_driver=MONGO_DRIVER, events_enabled=True
        )
        self.producer = AIOKafkaProducer(bootstrap_servers=kafka_uri, enable_idempotence=True, linger_ms=2)
        self.workers: list[ConsumersWorker] = []

    def worker(self) -> ConsumersWorker:
        """Another consumers process, not started yet."""
        self.workers.append(ConsumersWorker(self.environment, self.folder / f"consumers-{len(self.workers)}.log"))
        return self.workers[-1]

    async def send(
        self, topic: str, value: Any, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        """Put an event in as another service would; bytes go as they are."""
        raw = value if isinstance(value, bytes) or value is None else orjson.dumps(value)
        pairs = [(name, text.encode()) for name, text in (headers or {}).items()]
        await self.producer.send_and_wait(self.prefix + topic, raw, key=key.encode() if key else None, headers=pairs)

    async def records(self, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        """Everything that stands in a topic now."""
        consumer = AIOKafkaConsumer(self.prefix + topic, bootstrap_servers=self.kafka_uri, auto_offset_reset="earliest")
        found: list[ConsumerRecord[bytes, bytes]] = []
        await consumer.start()
        try:
            ends: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
            left = {partition for partition, end in ends.items() if end}
            while left:
                for partition, records in (await consumer.getmany(timeout_ms=1_000)).items():
                    found += records
                    if records and records[-1].offset + 1 >= ends[partition]:
                        left.discard(partition)
            return found
        finally:
            await consumer.stop()

    async def arrived(
        self, topic: str, number: int, *, where: Callable[[ConsumerRecord[bytes, bytes]], bool] = lambda _: True
    ) -> list[ConsumerRecord[bytes, bytes]]:
        """Wait until so many records stand in a topic, and answer them."""
        found: list[ConsumerRecord[bytes, bytes]] = []

        async def enough() -> bool:
            found[:] = [record for record in await self.records(topic) if where(record)]
            return len(found) >= number

        await eventually(enough, within=ARRIVES_WITHIN, every=0.2)
        return found

    def written_topics(self) -> list[str]:
        """Every topic that the consumers write to."""
        dead = [f"{topic}.dlt" for topic in CONSUMED]
        return [*PRODUCED, *dead]

    async def order_of(self, payment: dict[str, Any]) -> Any:
        """Wait for the order of a payment."""
        found: list[Any] = []

        async def is_there() -> bool:
            orders = await self.services.orders.find_by_user(SYSTEM, FindOrders(payment["userId"]))
            found[:] = [order for order in orders if order.payment_id == payment["_id"]]
            return bool(found)

        await eventually(is_there, within=ARRIVES_WITHIN)
        assert len(found) == 1
        return found[0]


@asynccontextmanager
async def event_world(kafka_uri: str, database_uri: str, folder: Path, **variables: str) -> AsyncIterator[EventWorld]:
    """A world that is closed at the end, its processes with it."""
    world = EventWorld(kafka_uri, database_uri, folder, **variables)
    await world.producer.start()
    try:
        yield world
    finally:
        for worker in world.workers:
            await worker.stop()
            await worker.http.aclose()
        await world.producer.stop()
        await world.services.close()


def header(record: ConsumerRecord[bytes, bytes], name: str) -> str:
    """The header of this name; fails where there is none."""
    value: bytes = dict(record.headers)[name]
    return value.decode()


def kill_broker(kafka: EmbeddedKafka) -> None:
    """End Kafka as a crash would; `kafka.start()` brings it back with its data."""
    pid = kafka.child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    kafka.child.stop()
