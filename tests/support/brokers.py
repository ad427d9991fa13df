"""Three brokers as one Kafka: each record on three, acknowledged by two. Each can be killed and started again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from devtools.embedded import ChildProcess
from devtools.embedded.kafka import answers, find_classpath, find_java, format_storage, new_cluster_id
from devtools.embedded.ports import free_ports
from server.cli.data_folder import LOOPBACK
from tests.support.processes import STARTS_WITHIN

JAVA_OPTIONS = (
    "-Xmx160m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.num.partitions=3
offsets.topic.replication.factor=3
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=5000
log.segment.bytes=16777216
log.index.size.max.bytes=65536
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=2
"""


class Broker:
    """One of them, a controller too."""

    def __init__(self, java: list[str], folder: Path, node: int, port: int, controller: int, voters: str) -> None:
        self.folder, self.port = folder, port
        folder.mkdir(parents=True)
        self._properties = folder / "server.properties"
        places = {"host": LOOPBACK, "port": port, "controller": controller, "data": folder / "data"}
        self._properties.write_text(PROPERTIES.format(node=node, voters=voters, **places))
        self._java = java
        command: list[str | Path] = [*self._java, "kafka.Kafka", self._properties]
        self.child = ChildProcess(f"broker {node}", command, folder / "kafka.log")

    def format(self, cluster_id: str) -> None:
        format_storage(self._java, self._properties, cluster_id)

    def start(self) -> None:
        self.child.start().wait_until(partial(answers, LOOPBACK, self.port), STARTS_WITHIN)

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.child.pid is not None
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.stop()


class ThreeBrokers:
    """The three; `uri` names all."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports(6)
        voters = ",".join(f"{node}@{LOOPBACK}:{port}" for node, port in enumerate(ports[3:], 1))
        java = [str(find_java()), *JAVA_OPTIONS, "-cp", find_classpath()]
        self.brokers = [Broker(java, folder / f"broker{n}", n + 1, ports[n], ports[n + 3], voters) for n in range(3)]
        self.uri = ",".join(f"{LOOPBACK}:{broker.port}" for broker in self.brokers)

    async def start(self) -> None:
        cluster_id = new_cluster_id()
        await asyncio.gather(*(asyncio.to_thread(broker.format, cluster_id) for broker in self.brokers))
        for broker in self.brokers:  # Here, and not in threads: a child lives as long as the thread that started it.
            broker.child.start()
        for broker in self.brokers:
            await asyncio.to_thread(broker.child.wait_until, partial(answers, LOOPBACK, broker.port), STARTS_WITHIN)

    async def is_whole(self) -> bool:
        """Whether every partition of every topic is on three brokers that have all of it."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.uri, request_timeout_ms=5_000)
        try:
            await admin.start()
            topics = await admin.describe_topics()
            return all(len(one["isr"]) == 3 for topic in topics for one in topic["partitions"])
        except KafkaError:
            return False
        finally:
            await admin.close()

    def stop(self) -> None:
        for broker in self.brokers:
            broker.child.stop(timeout=1)


@asynccontextmanager
async def three_brokers(folder: Path) -> AsyncIterator[ThreeBrokers]:
    """Running ones, ended afterwards."""
    brokers = ThreeBrokers(folder)
    try:
        await brokers.start()
        yield brokers
    finally:
        brokers.stop()
