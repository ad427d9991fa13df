"""Without Kafka and without MongoDB: what is raised, what is said, and that nothing is given up."""

import asyncio
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from aiokafka.errors import KafkaError

import consumers
from consumers import KafkaAway
from consumers.connection import KafkaConnection
from consumers.handler import Handler
from consumers.health import Health
from consumers.kafka.admin import Broker
from consumers.kafka.dead_letters import DeadLetters
from consumers.kafka.processing import Ends, PartitionRevoked, Processor
from consumers.kafka.raw_batches import RawRecord, Unreadable
from consumers.kafka.topic_keeper import TopicKeeper
from consumers.metrics import Metrics
from consumers.tools.emit import emit_events
from models.errors import InvalidInput, ServiceUnavailable
from services.registry import Services
from tests.support.eventually import eventually

NOWHERE = "127.0.0.1:9"
AWAY = KafkaConnection(NOWHERE)
RECORD = RawRecord("topic", 0, 3, 0, None, b'"event"', ())
UNREADABLE = Unreadable("topic", 0, 3, 5, 0, b"?", "wrong checksum")


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    """Services over a MongoDB that is not there."""
    uri = f"mongodb://{NOWHERE}/gone?serverSelectionTimeoutMS=50"
    services = Services.open(mongo_uri=uri, database_name="gone")
    yield services
    await services.close()


class Waits:
    """Remembers why a partition waits, and gives it up after so many times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.reasons: list[str] = []

    async def __call__(self, attempt: int, reason: str) -> None:
        assert attempt == len(self.reasons)
        self.reasons.append(reason)
        if len(self.reasons) == self.times:
            raise PartitionRevoked()


def processor(services: Services, handler: Handler, waits: Waits) -> Processor:
    broker = Broker(AWAY, partitions=1)
    return Processor(handler, Ends(broker, DeadLetters(broker), services.parked, services.inbox, Metrics()), waits)


async def nothing(_: object, commands: object) -> list[None]:
    pytest.fail(f"{commands} must not act")


def refuse(_: object) -> object:
    raise InvalidInput.of("value", "The event is not ours")


async def away(_: object) -> object:
    raise ServiceUnavailable("The payment service is away")


@pytest.mark.parametrize(
    ("handler", "found", "times", "sentence"),
    [
        (Handler(refuse, nothing), RECORD, 3, "Kafka does not take a dead letter"),
        (
            Handler(str, nothing),
            Unreadable("topic", 0, 3, 5, 0, b"?", "odd"),
            1,
            "the database does not take a parked record",
        ),
        (Handler(str, nothing), RECORD, 1, "the database does not take events"),
        (Handler(str, nothing, away), RECORD, 3, "The payment service is away"),
    ],
    ids=["a dead letter", "a parked record", "an event", "an event that is completed"],
)
async def test_what_is_away_is_waited_for_until_the_partition_is_given_up(
    services: Services, handler: Handler, found: RawRecord | Unreadable, times: int, sentence: str
) -> None:
    waits = Waits(times)
    with pytest.raises(PartitionRevoked):
        await processor(services, handler, waits).process([found])
    assert len(waits.reasons) == times
    assert all(sentence in reason for reason in waits.reasons), waits.reasons


async def test_the_process_says_what_it_waits_for(services: Services, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    health = Health(services, Metrics(), joined=bool, stuck=list, measure=lambda: told.append("measured"))
    transport = httpx.ASGITransport(health.server().config.app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://health") as http:
        assert (await http.get("/livez")).status_code == 200
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["message"]) == (503, "MongoDB does not answer")
        figures = await http.get("/metrics")
    assert figures.status_code == 200
    assert "tessera_outbox_unsent 0.0" in figures.text
    assert told == ["measured"]
    assert "the outbox cannot be measured" in caplog.text


async def test_a_broker_that_is_away_does_not_answer() -> None:
    broker = Broker(AWAY, partitions=1)
    assert not await broker.answers()
    with pytest.raises(KafkaError):
        await broker.open_producer()


async def test_topics_are_looked_after_again_and_again_and_a_failure_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    looks = 0

    class Counted(Broker):
        async def look_after(self, topics: object, missing: object) -> set[str]:
            nonlocal looks
            looks += 1
            return await super().look_after(["topic"], set())

    keeper = TopicKeeper(Counted(AWAY, partitions=1), ["topic"], interval=0.01)
    with caplog.at_level(logging.WARNING, "tessera.kafka"):
        running = asyncio.create_task(keeper.run())
        await eventually(lambda: looks > 2, within=20)
        keeper.stop()
        await asyncio.wait_for(running, 10)
    assert caplog.text.count("the topics cannot be looked after") == 1


def test_a_command_says_that_kafka_is_away() -> None:
    with pytest.raises(KafkaAway):
        consumers.emit({"KAFKA_URI": NOWHERE}, "topic", b"{}", key=None, each=False)


@pytest.mark.parametrize(
    ("raw", "key", "each", "sentence"),
    [
        (b"{}", "4111111111111111", False, "The key looks like a card number"),
        (b"{}", None, True, "The file holds no list"),
        (b"{", None, False, "The file is not JSON"),
    ],
)
async def test_what_is_no_event_is_refused_before_kafka_is_asked(
    raw: bytes, key: str | None, each: bool, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        await emit_events(AWAY, "topic", raw, key=key, each=each)
