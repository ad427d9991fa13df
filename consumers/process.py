"""The process, put together: health first, then the database, the topics, the relay and the group consumer."""

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiokafka.errors import KafkaError

from consumers.handlers.payment_service import PaymentService
from consumers.health import HealthServer, health_server
from consumers.kafka.admin import DEAD_LETTERS, Broker
from consumers.kafka.backoff import backoff
from consumers.kafka.group import Runner
from consumers.kafka.relay import LEASE_SECONDS, Relay
from consumers.metrics import Metrics
from consumers.settings import ConsumerSettings
from consumers.topics import PRODUCED, handlers
from models.errors import ServiceUnavailable
from services.kit.leases import Lease
from services.kit.transactions import as_domain_error
from services.migrations.runner import migrate
from services.registry import Services

log = logging.getLogger("tessera.consumer")


class Stopped(Exception):
    """A signal came while the process was starting."""


class ConsumersProcess:
    """Everything that lives as long as the process; `run` returns the exit code."""

    def __init__(self, settings: ConsumerSettings) -> None:
        self._settings = settings
        self._stopping = asyncio.Event()
        self._metrics = Metrics()
        self._broker = Broker(settings.kafka_servers, settings.partitions)
        self._services = Services.open(
            mongo_uri=settings.mongo_uri,
            database_name=settings.database,
            mongo_driver=settings.mongo_driver,
            usage_hold=settings.usage_hold,
            events_enabled=True,
        )
        self._payments = PaymentService(settings.payment_uri)
        self._table = handlers(self._services, self._payments)
        self._runner: Runner | None = None

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT, then drain. 0 when asked to end, 1 when the process had better begin anew.

        Raises `TopicsMissing` where topics are missing that Kafka does not let us make, `OSError` for a taken port.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        health = self._health()
        with _listen(self._settings.port) as listener:
            log.info("health is on port %d", listener.getsockname()[1])
            serving = loop.create_task(health.serve([listener]))
            try:
                return await self._consume()
            except Stopped:
                return 0
            finally:
                health.should_exit = True
                await serving
                await self._payments.close()
                await self._services.close()

    async def _consume(self) -> int:
        if self._settings.payment_uri is None:
            log.warning("PAYMENT_URI is not set: an accepted payment of which only the id comes is a dead letter")
        await self._until_done("MongoDB", lambda: migrate(self._services.database, thorough=False))
        await self._until_done("Kafka", lambda: self._broker.ensure_topics(self._topics()))
        lease = Lease(self._services.database, "relay", LEASE_SECONDS)
        prefix = self._settings.topic_prefix
        relay = Relay(self._services.outbox_queue, lease, self._broker, self._metrics, prefix=prefix)
        relaying = asyncio.get_running_loop().create_task(relay.run())
        try:
            await self._until_done("Kafka", self._join)
            assert self._runner is not None
            await _first_of(self._stopping, self._runner.broken)
            if self._stopping.is_set():
                return 0
            log.error("the consumer cannot go on; the process begins anew")
            return 1
        finally:
            log.info("draining")
            relay.stop()
            if self._runner is not None:
                await self._runner.close()
            await relaying
            log.info("drained")

    def _topics(self) -> list[str]:
        consumed = [self._settings.topic_prefix + topic for topic in self._table]
        produced = [self._settings.topic_prefix + topic for topic in PRODUCED]
        return [*consumed, *(topic + DEAD_LETTERS for topic in consumed), *produced]

    async def _join(self) -> None:
        runner = Runner(self._settings, self._table, self._broker, self._services.inbox, self._metrics)
        try:
            await runner.start()
        except BaseException:
            await runner.close()
            raise
        self._runner = runner

    async def _until_done(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do this as soon as what it needs is there; raises `Stopped` when the process is asked to end before."""
        attempt = 0
        while True:
            try:
                await work()
                return
            except KafkaError as fault:
                log.warning("waiting for %s: %s", name, str(fault) or type(fault).__name__)
            except Exception as fault:
                if not isinstance(as_domain_error(fault), ServiceUnavailable):
                    raise
                log.warning("waiting for %s: %s", name, type(fault).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), backoff(attempt, shortest=0.2, longest=3.0))
            if self._stopping.is_set():
                raise Stopped()
            attempt += 1

    def _health(self) -> HealthServer:
        def joined() -> bool:
            return self._runner is not None and self._runner.joined

        def measure_lag() -> None:
            if self._runner is not None:
                self._runner.measure_lag()

        return health_server(self._services, self._metrics, self._settings.port, joined=joined, measure_lag=measure_lag)


def _listen(port: int) -> socket.socket:
    return socket.create_server(("0.0.0.0", port), backlog=128)  # noqa: S104  # what runs the service asks from outside


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
