"""The separate process: a topic → a verb, and the outbox → Kafka. `python -m consumers` runs it.

This page is all that others may use of the package. The functions read the environment themselves and load what they
need when they are called.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from consumers.faults import reason_of
from consumers.filters import DeadLetter, Filters
from consumers.tools.offset_plan import OffsetMove, OffsetPlan

if TYPE_CHECKING:
    from datetime import datetime

    from services.examination import Finding
    from services.kit.messages.outbox import ParkedEvent
    from services.kit.messages.parked import ParkedRecord
    from services.registry import Services
    from services.settings import MongoSettings

__all__ = [
    "DeadLetter",
    "Filters",
    "KafkaAway",
    "OffsetMove",
    "OffsetPlan",
    "emit",
    "examine",
    "offsets",
    "parked",
    "replay",
    "run",
]

Answer = TypeVar("Answer")


def run(environment: Mapping[str, str]) -> int:
    """Consume and relay until SIGTERM; returns the exit code.

    Raises `SettingsError` naming every variable at fault. The log says why it is another than 0: 2 for topics that are
    missing or a port that is taken, 3 for a MongoDB that cannot be worked with, 1 for what nobody has thought of.
    """
    from consumers.kafka.admin import TopicsMissing
    from consumers.process import ConsumersProcess, ListenError
    from consumers.settings import ConsumerSettings
    from services.connection import unusable
    from services.logs import configure_logs, unexpected

    settings = ConsumerSettings.from_environment(environment)
    configure_logs(settings.log_level)
    log = logging.getLogger("tessera.consumer")
    for sentence in ConsumerSettings.misspelt(environment):
        log.warning(sentence)

    async def work() -> int:
        return await ConsumersProcess(settings).run()

    try:
        return _run(work())
    except (TopicsMissing, ListenError) as fault:
        log.critical("%s", fault)
        return 2
    except Exception as fault:
        if (reason := unusable(fault)) is not None:
            log.critical("%s", reason)
            return 3
        if log.isEnabledFor(logging.DEBUG):
            raise
        log.critical("%s", unexpected(fault))
        return 1


def emit(environment: Mapping[str, str], topic: str, raw: bytes, *, key: str | None, each: bool) -> list[str]:
    """Send the JSON `raw` to a topic: see `consumers.tools.emit`. Raises `KafkaAway` besides."""
    from consumers.settings import KafkaSettings
    from consumers.tools.emit import emit_events

    kafka = KafkaSettings.from_environment(environment).kafka
    with _kafka_errors():
        return _run(emit_events(kafka, topic, raw, key=key, each=each))


def replay(
    environment: Mapping[str, str], topic: str | None, filters: Filters, *, parked: bool, dry_run: bool
) -> list[DeadLetter]:
    """Put dead letters back, or what is parked: see `consumers.tools.replay`. Raises `KafkaAway` besides.

    Without a topic everything that is parked is meant.
    """
    from consumers.settings import ReplaySettings
    from consumers.tools.replay import replay_dead_letters, replay_parked

    settings = ReplaySettings.from_environment(environment)

    async def work() -> list[DeadLetter]:
        async with _services(settings) as services:
            if parked or topic is None:
                rows, queue = services.parked, services.outbox_queue
                return await replay_parked(settings.kafka, rows, queue, topic, filters, dry_run=dry_run)
            return await replay_dead_letters(settings.kafka, services.inbox, topic, filters, dry_run=dry_run)

    with _kafka_errors():
        return _run(work())


def parked(environment: Mapping[str, str], topic: str | None) -> "tuple[list[ParkedRecord], list[ParkedEvent]]":
    """What is parked and was not put back, of one topic or of all: consumed records, and events of the outbox."""
    from services.settings import MongoSettings

    settings = MongoSettings.from_environment(environment)

    async def work() -> "tuple[list[ParkedRecord], list[ParkedEvent]]":
        async with _services(settings) as services:
            return await services.parked.find(topic), await services.outbox_queue.parked(topic)

    return _run(work())


def offsets(environment: Mapping[str, str], moment: "datetime", *, confirm: bool) -> tuple[str, OffsetPlan]:
    """The name of our group and where it goes on: see `consumers.tools.offsets`. Raises `KafkaAway` besides."""
    from consumers.settings import GroupSettings
    from consumers.tools.offsets import GroupIsLive, move_offsets
    from consumers.topics import CONSUMED

    settings = GroupSettings.from_environment(environment)
    topics = {settings.topic_prefix + topic for topic in CONSUMED}
    with _kafka_errors():
        try:
            plan = _run(move_offsets(settings.kafka, settings.group, topics, moment, confirm=confirm))
        except GroupIsLive as fault:
            plan = OffsetPlan((), str(fault))
    return settings.group, plan


def examine(environment: Mapping[str, str]) -> "list[Finding]":
    """Whether Kafka lets us in and has our topics; changes nothing. Raises `SettingsError`."""
    from consumers.kafka.admin import Broker
    from consumers.settings import ConsumerSettings
    from consumers.topics import all_topics
    from services.examination import fault, well

    settings = ConsumerSettings.from_environment(environment)
    topics = all_topics(settings.topic_prefix)
    try:
        with _kafka_errors():
            missing = sorted(_run(Broker(settings.kafka, settings.partitions).missing(topics)))
    except KafkaAway as away:
        return [fault("kafka", f"it cannot be reached: {away}", "mend KAFKA_URI and KAFKA_…, or start Kafka")]
    reached = well("kafka", f"{settings.kafka.servers} lets us in by {settings.kafka.protocol}")
    if not missing:
        return [reached, well("topics", f"all {len(topics)} are there")]
    named = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
    advice = "`tessera consume` makes them where it may; else create them with your tools"
    return [reached, fault("topics", f"{len(missing)} are missing: {named}", advice)]


class KafkaAway(Exception):
    """Kafka does not answer; the message says what it said."""


@asynccontextmanager
async def _services(settings: "MongoSettings") -> "AsyncIterator[Services]":
    from services.connection import require_fit
    from services.registry import Services

    services = Services.open(
        mongo_uri=settings.mongo_uri, database_name=settings.database, mongo_driver=settings.mongo_driver
    )
    try:
        await require_fit(services.database)
        yield services
    finally:
        await services.close()


@contextmanager
def _kafka_errors() -> Iterator[None]:
    from aiokafka.errors import KafkaError

    try:
        yield
    except KafkaError as fault:
        raise KafkaAway(reason_of(fault)) from fault


def _run(work: Coroutine[object, object, Answer]) -> Answer:
    with asyncio.Runner(loop_factory=_loop_factory) as runner:
        return runner.run(work)


def _loop_factory() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()
