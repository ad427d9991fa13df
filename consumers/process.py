"""The process, put together: health first, then the database, the topics, the relay and the group consumer."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError

from consumers.faults import reason_of
from consumers.handlers.payment_service import PaymentService
from consumers.health import Health, HealthServer
from consumers.kafka.admin import Broker
from consumers.kafka.backoff import backoff, pause
from consumers.kafka.group import GroupConsumer
from consumers.kafka.relay import LEASE_SECONDS, Relay
from consumers.kafka.topic_keeper import TopicKeeper
from consumers.metrics import Metrics
from consumers.settings import ConsumerSettings
from consumers.topics import all_topics, handlers
from models.errors import ServiceUnavailable
from services.connection import unusable
from services.kit.instruments.start import open_tracing
from services.kit.leases import Lease
from services.kit.transactions import as_domain_error
from services.migrations.runner import migrate
from services.registry import Services

log = logging.getLogger("tessera.consumer")


class ListenError(Exception):
    """The port of the health cannot be listened on."""


class Stopped(Exception):
    """A signal came while the process was starting."""


class ConsumersProcess:
    """Everything that lives as long as the process; `run` returns the exit code."""

    def __init__(self, settings: ConsumerSettings) -> None:
        self._settings = settings
        self._stopping = asyncio.Event()
        self._metrics = Metrics()
        self._broker = Broker(settings.kafka, settings.partitions)
        self._tracing = open_tracing(settings.otel_exporter_otlp_endpoint, "tessera-consumers")
        self._services = Services.open(
            mongo_uri=settings.mongo_uri,
            database_name=settings.database,
            mongo_driver=settings.mongo_driver,
            usage_hold=settings.usage_hold,
            activity_days=settings.activity_days,
            events_enabled=True,
            metrics=self._metrics.work,
            traces=self._tracing is not None,
        )
        self._payments = PaymentService(settings.payment_uri)
        self._table = handlers(self._services, self._payments)
        self._group: GroupConsumer | None = None
        self._anew = 0

    async def run(self) -> int:
        """Serve until SIGTERM, SIGINT or SIGQUIT, then drain. Returns 0, the exit code.

        Raises `TopicsMissing` where topics are missing that Kafka does not let us make, `ListenError` for a taken port,
        and what `services.connection` has a sentence for where MongoDB cannot be worked with whatever comes.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            loop.add_signal_handler(number, self._stopping.set)
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            loop.add_signal_handler(number, log.info, "signal %s passed over", number.name)
        health = self._health()
        with _listen(self._settings.host, self._settings.port) as listener:
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
                if self._tracing is not None:
                    await self._tracing.close()

    async def _consume(self) -> int:
        if self._settings.payment_uri is None:
            log.warning("PAYMENT_URI is not set: an accepted payment of which only the id comes is a dead letter")
        database, hold = self._services.database, self._settings.usage_hold
        await self._until_done("MongoDB", lambda: migrate(database, thorough=False, usage_hold=hold))
        await self._until_done("Kafka", lambda: self._broker.ensure_topics(all_topics(self._settings.topic_prefix)))
        lease = Lease(self._services.database, "relay", LEASE_SECONDS)
        prefix = self._settings.topic_prefix
        fill = self._services.usage_announcements.announce
        relay = Relay(
            self._services.outbox_queue, lease, self._broker, self._metrics, fill, prefix=prefix, tracing=self._tracing
        )
        keeper = TopicKeeper(self._broker, all_topics(self._settings.topic_prefix))
        beside = [asyncio.get_running_loop().create_task(run) for run in (relay.run(), keeper.run())]
        try:
            while True:
                await self._until_done("Kafka", self._join)
                assert self._group is not None
                await _first_of(self._stopping, self._group.broken)
                if self._stopping.is_set():
                    return 0
                await self._leave()
        finally:
            log.info("draining")
            relay.stop()
            keeper.stop()
            if self._group is not None:
                await self._group.close()
            await asyncio.gather(*beside)
            log.info("drained")

    async def _leave(self) -> None:
        """Give the consumer up, after a pause that grows as it happens again and again."""
        group, self._group = self._group, None
        assert group is not None
        log.error("the consumer cannot go on and is made anew")
        await group.close()
        self._anew += 1
        await self._pause(backoff(self._anew))

    async def _join(self) -> None:
        services = self._services
        group = GroupConsumer(
            self._settings,
            self._table,
            self._broker,
            services.inbox,
            services.parked,
            self._metrics,
            self._tracing,
        )
        try:
            await group.start()
        except BaseException:
            await group.close()
            raise
        self._group = group

    async def _until_done(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do this as soon as what it needs is there; raises `Stopped` when the process is asked to end before."""
        attempt = 0
        while True:
            try:
                await work()
                return
            except KafkaError as fault:
                log.warning("waiting for %s: %s", name, reason_of(fault))
            except Exception as fault:
                if not isinstance(as_domain_error(fault), ServiceUnavailable):
                    raise
                log.warning("waiting for %s: %s", name, unusable(fault) or type(fault).__name__)
            await self._pause(backoff(attempt, shortest=0.2, longest=3.0))
            attempt += 1

    async def _pause(self, seconds: float) -> None:
        """Wait; raises `Stopped` when the process is asked to end before."""
        if await pause(seconds, self._stopping):
            raise Stopped()

    def _health(self) -> HealthServer:
        def joined() -> bool:
            return self._group is not None and self._group.has_joined

        def stuck() -> list[str]:
            return self._group.stuck if self._group is not None else []

        def measure() -> None:
            if self._group is not None:
                self._group.measure()

        health = Health(self._services, self._metrics, joined=joined, stuck=stuck, measure=measure)
        return health.server()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as fault:
        raise ListenError(
            f"Cannot listen on {host}:{port}: {os.strerror(fault.errno or 0)}; CONSUMERS_PORT names another"
        ) from fault


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
