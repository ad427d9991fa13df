"""The separate process: a topic → a verb, and the outbox → Kafka. `python -m consumers` runs it.

This page is all that others may use of the package. The functions read the environment themselves and load what they
need when they are called.
"""

import asyncio
import logging
import sys
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from consumers.filters import Filters
from models.environment import EnvironmentReader, SettingsError

if TYPE_CHECKING:
    from consumers.kafka.replay import DeadLetter

__all__ = ["Filters", "KafkaAway", "emit", "replay", "run"]

Answer = TypeVar("Answer")


def run(environment: Mapping[str, str]) -> int:
    """Consume and relay until SIGTERM; answers the exit code.

    Raises `SettingsError` naming every variable at fault. 2: topics are missing, or the port is taken; the log says
    which. 1: something broke that a new process mends.
    """
    from consumers.kafka.admin import TopicsMissing
    from consumers.process import ConsumersProcess
    from consumers.settings import ConsumerSettings
    from services.logs import configure_logs

    settings = ConsumerSettings.from_environment(environment)
    configure_logs(settings.log_level)

    async def work() -> int:
        return await ConsumersProcess(settings).run()

    try:
        return _run(work())
    except (TopicsMissing, OSError) as fault:
        logging.getLogger("tessera.consumer").critical("%s", fault)
        return 2


def emit(environment: Mapping[str, str], topic: str, text: str, *, key: str | None, each: bool) -> list[str]:
    """Send the JSON `text` to a topic: see `consumers.kafka.emit`. Raises `KafkaAway` besides."""
    from consumers.kafka.emit import emit_events

    reader = EnvironmentReader(environment)
    servers = reader.kafka_servers()
    if servers is None:
        reader.fault("KAFKA_URI", "is missing: host:port[,host:port] of Kafka")
    if reader.faults or servers is None:
        raise SettingsError(reader.faults)
    with _kafka_errors():
        return _run(emit_events(servers, topic, text, key=key, each=each))


def replay(environment: Mapping[str, str], topic: str, filters: Filters, *, dry_run: bool) -> "list[DeadLetter]":
    """Put dead letters back: see `consumers.kafka.replay`. Raises `KafkaAway` besides."""
    from consumers.kafka.replay import replay_dead_letters
    from consumers.settings import ConsumerSettings
    from services.registry import Services

    settings = ConsumerSettings.from_environment(environment)

    async def work() -> "list[DeadLetter]":
        services = Services.open(
            mongo_uri=settings.mongo_uri, database_name=settings.database, mongo_driver=settings.mongo_driver
        )
        try:
            return await replay_dead_letters(settings.kafka_servers, services.inbox, topic, filters, dry_run=dry_run)
        finally:
            await services.close()

    with _kafka_errors():
        return _run(work())


class KafkaAway(Exception):
    """Kafka does not answer; the message says what it said."""


@contextmanager
def _kafka_errors() -> Iterator[None]:
    from aiokafka.errors import KafkaError

    try:
        yield
    except KafkaError as fault:
        raise KafkaAway(str(fault) or type(fault).__name__) from fault


def _run(work: Coroutine[Any, Any, Answer]) -> Answer:
    with asyncio.Runner(loop_factory=_loop_factory) as runner:
        return runner.run(work)


def _loop_factory() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()
