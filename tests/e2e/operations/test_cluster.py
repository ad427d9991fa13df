"""The topology of `compose.cluster.yml`, without containers: each part is killed once under load, nothing is lost.

Three MongoDBs, three brokers, two APIs behind Caddy and two consumers. Whatever died is started again before the next.
"""

import asyncio
import itertools
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from pymongo import MongoClient

from bench.replica_set import Node, ThreeNodes, three_nodes
from devtools.embedded import ChildProcess
from devtools.embedded.ports import free_ports
from tests.support.brokers import ThreeBrokers, three_brokers
from tests.support.consumers import ConsumersWorker
from tests.support.eventually import eventually
from tests.support.ledger import check_coupon_invariants
from tests.support.orders import payment
from tests.support.processes import STARTS_WITHIN, environment, program, run, served
from tests.support.proxy import proxy
from tests.support.serving import answers
from tests.support.steady import Steady, steady
from tests.support.usage import check_usage_invariants

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ACCEPTED = "payment-service-accept"
EACH_SECOND = 20
WITHIN = 180.0
"""Seconds in which everything is well again, on a machine with many times more to do than it can."""
GO_ON = 25
"""Requests that have to be answered, and payments that have to become orders, while parts are dead."""


def kill(process: ChildProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.stop()


class Cluster:
    """All of it, running."""

    def __init__(self, folder: Path, nodes: ThreeNodes, brokers: ThreeBrokers) -> None:
        self.nodes, self.brokers = nodes, brokers
        self.uri = nodes.uri("shop")
        self.ports = free_ports(2)
        self.variables = served(self.uri, KAFKA_URI=brokers.uri, RATE_LIMIT="off", LOG_LEVEL="warning")
        self.apis = [self._api(folder, port) for port in self.ports]
        # As few partitions as two processes need: a broker that was killed looks through each of its logs.
        of_consumers = environment(MONGO_URI=self.uri, KAFKA_URI=brokers.uri, KAFKA_PARTITIONS="2", LOG_LEVEL="warning")
        self.consumers = [ConsumersWorker(of_consumers, folder / f"consumers{n}.log") for n in range(2)]
        self.paid: list[str] = []
        """The ids of the payments that Kafka has acknowledged."""

    def _api(self, folder: Path, port: int) -> ChildProcess:
        return program(
            folder / f"{port}.log", "serve", "--host", "127.0.0.1", variables=self.variables | {"PORT": str(port)}
        )

    async def start(self) -> None:
        for api in self.apis:
            api.start()
        for consumers in self.consumers:
            consumers.launch()
        await self.are_ready()

    async def are_ready(self) -> None:
        await eventually(lambda: all(answers(port) for port in self.ports), within=STARTS_WITHIN)
        for consumers in self.consumers:
            await consumers.ready()

    def kill(self, number: int) -> None:
        """Kill the MongoDB, the broker, the API and the consumers of this number."""
        kill(self.nodes.nodes[number].child)
        self.brokers.brokers[number].kill()
        if number < 2:
            kill(self.apis[number])
            self.consumers[number].kill()

    async def restart(self, number: int) -> None:
        """Start them again, and wait until all is as before."""
        self.nodes.nodes[number].child.start()
        self.brokers.brokers[number].child.start()
        if number < 2:
            self.apis[number].start()
            self.consumers[number].launch()
        await eventually(lambda: asyncio.to_thread(self._has_three_nodes), within=WITHIN, every=0.2)
        await eventually(self.brokers.is_whole, within=WITHIN, every=0.5)
        await self.are_ready()

    def _has_three_nodes(self) -> bool:
        def status(node: Node) -> str:
            try:
                said = node.client.admin.command("hello")
            except Exception:
                return "away"
            return "primary" if said["isWritablePrimary"] else "secondary" if said["secondary"] else "recovering"

        return Counter(map(status, self.nodes.nodes)) == {"primary": 1, "secondary": 2}

    def orders(self) -> int:
        with MongoClient[dict[str, Any]](self.uri) as client:
            return client.get_default_database()["orders"].count_documents({})

    async def feed(self) -> None:
        """Send a payment ten times a second, again until it is acknowledged."""
        async with AIOKafkaProducer(
            bootstrap_servers=self.brokers.uri, enable_idempotence=True, acks="all"
        ) as producer:
            for paid in (payment() for _ in itertools.count()):
                identifier = paid["_id"]
                while True:
                    try:
                        await producer.send_and_wait(ACCEPTED, orjson.dumps(paid), key=identifier.encode())
                        break
                    except KafkaError:
                        await asyncio.sleep(0.2)
                self.paid.append(identifier)
                await asyncio.sleep(0.1)

    async def goes_on(self, clients: Steady) -> None:
        """Wait until so many more requests are answered and payments have become orders."""
        answered, orders = clients.answered, await asyncio.to_thread(self.orders)

        async def has_gone_on() -> bool:
            return clients.answered >= answered + GO_ON and await asyncio.to_thread(self.orders) >= orders + GO_ON

        await eventually(has_gone_on, within=WITHIN, every=0.2)

    def check(self, clients: Steady) -> None:
        """Whoever was told something finds it, each payment is one order, and every count is what its ledger says."""
        with MongoClient[dict[str, Any]](self.uri) as client:
            database = client.get_default_database()
            told = {"redeemerTwitterId": {"$in": clients.redeemers}}
            assert database["redemptions"].count_documents(told) == len(clients.redeemers)
            orders = Counter(order["paymentId"] for order in database["orders"].find({}, {"paymentId": 1}))
            assert set(orders.values()) == {1}
            assert set(self.paid) <= set(orders)
        assert check_coupon_invariants(self.uri) >= len(clients.redeemers)
        assert check_usage_invariants(self.uri) >= clients.used
        audit = run("audit", variables=self.variables)
        assert audit.returncode == 0, audit.stdout + audit.stderr

    async def is_done(self) -> bool:
        """Whether every payment has its order, and every event has gone out."""

        def look() -> bool:
            with MongoClient[dict[str, Any]](self.uri) as client:
                database = client.get_default_database()
                unsent = database["outbox"].count_documents({"sentAt": None})
                return unsent == 0 and database["orders"].count_documents({}) >= len(self.paid)

        return await asyncio.to_thread(look)

    async def stop(self) -> None:
        for consumers in self.consumers:
            await consumers.stop()
            await consumers.http.aclose()
        for api in self.apis:
            api.stop()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Cluster]:
    """A cluster that is ready, ended afterwards."""
    async with AsyncExitStack() as parts:
        nodes = parts.enter_context(three_nodes(folder / "mongo"))
        brokers = await parts.enter_async_context(three_brokers(folder / "kafka"))
        cluster = Cluster(folder, nodes, brokers)
        parts.push_async_callback(cluster.stop)
        await cluster.start()
        yield cluster


async def test_each_part_is_killed_once_and_requests_and_events_go_on(tmp_path: Path) -> None:
    async with running(tmp_path) as cluster:
        with proxy(tmp_path, cluster.ports) as port:
            async with steady(f"127.0.0.1:{port}", EACH_SECOND) as clients:
                feeding = asyncio.create_task(cluster.feed())
                await cluster.goes_on(clients)
                for number in range(3):
                    if number:
                        await cluster.restart(number - 1)
                    await asyncio.to_thread(cluster.kill, number)
                    await cluster.goes_on(clients)
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
            await eventually(cluster.is_done, within=WITHIN, every=0.5)
        await asyncio.to_thread(cluster.check, clients)
        print(f"\n{clients.answered} requests answered, {len(clients.refused)} not; {len(cluster.paid)} payments")
