"""Whatever a record is made of, it ends and holds up none of its neighbours."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from consumers.handler import Handler
from consumers.kafka.admin import Broker
from consumers.kafka.dead_letters import DeadLetters
from consumers.kafka.processing import Ends, Processor
from consumers.kafka.raw_batches import RawRecord
from consumers.metrics import Metrics
from models.errors import DomainError, NotFound, ServiceUnavailable
from services.migrations.runner import migrate
from tests.support.consumers import EventWorld


@dataclass(frozen=True)
class Poisoned:
    """A record at which something stumbles that never should."""

    topic: str
    partition: int
    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = b'"c"'

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        raise ZeroDivisionError("in looking at the headers")


class Partition:
    """A processor over the real ends, without a consumer before it. It waits for nothing and remembers why."""

    def __init__(self, world: EventWorld, topic: str = "odd") -> None:
        self.world = world
        self.topic = world.prefix + topic
        self.broker = Broker(world.kafka, partitions=1)
        self.letters = DeadLetters(self.broker)
        self.metrics = Metrics()
        self.acted: list[str] = []
        self.waits: list[str] = []
        self.tries: list[list[str]] = []
        ends = Ends(self.broker, self.letters, world.services.parked, world.services.inbox, self.metrics)
        self.processor = Processor(Handler(str, self.act), ends, self.wait)

    async def wait(self, _: int, reason: str) -> None:
        self.waits.append(reason)

    async def act(self, _: object, commands: Sequence[str]) -> list[DomainError | None]:
        self.tries.append([*commands])
        if "away for a moment" in commands and len(self.tries) == 1:
            raise ServiceUnavailable()
        if "refuse all" in commands:
            raise NotFound("There is no such thing")
        if "refuse oddly" in commands:
            raise NotFound("There is no \ud800")
        if "fail" in commands:
            raise MemoryError("in acting")
        self.acted += commands
        return [None] * len(commands)

    def record(self, offset: int, event: str) -> RawRecord:
        return RawRecord(self.topic, 0, offset, 0, None, json.dumps(event).encode(), ())

    async def process(self, *events: str) -> None:
        await self.processor.process([self.record(offset, event) for offset, event in enumerate(events)])


@pytest.fixture
async def world(own_world: EventWorld) -> EventWorld:
    """A world that knows its collections."""
    await migrate(own_world.services.database, thorough=False)
    return own_world


async def test_a_batch_that_fails_as_a_whole_is_halved_until_the_one_at_fault_is_parked(world: EventWorld) -> None:
    partition = Partition(world)
    a, b, d = (partition.record(offset, event) for offset, event in ((0, "a"), (1, "b"), (3, "d")))
    await partition.processor.process([a, b, Poisoned(partition.topic, 0, 2), d])
    assert partition.acted == ["a", "b", "d"]
    (row,) = await world.services.parked.find()
    assert (row.topic, row.offset, row.has_value, row.length) == (partition.topic, 2, False, 3)
    assert row.code == "INTERNAL_SERVER_ERROR"
    assert "in looking at the headers" in row.reason
    # It alone was tried three times.
    assert partition.waits == ["ZeroDivisionError"] * 2
    await partition.letters.close()


async def test_an_effect_that_refuses_a_batch_as_a_whole_refuses_the_one_at_fault(world: EventWorld) -> None:
    partition = Partition(world)
    await partition.process("a", "b", "refuse all", "d")
    assert partition.acted == ["a", "b", "d"]
    assert partition.tries == [["a", "b", "refuse all", "d"], ["a", "b"], ["refuse all", "d"], ["refuse all"], ["d"]]
    (letter,) = await world.records("odd.dlt")
    assert dict(letter.headers)["dlt-error-code"] == b"NOT_FOUND"
    assert dict(letter.headers)["dlt-original-offset"] == b"2"
    await partition.letters.close()


async def test_an_effect_that_fails_is_tried_three_times_alone(world: EventWorld) -> None:
    partition = Partition(world)
    await partition.process("a", "fail")
    assert partition.acted == ["a"]
    assert partition.tries == [["a", "fail"], ["a"], *[["fail"]] * 3]
    (letter,) = await world.records("odd.dlt")
    assert dict(letter.headers)["dlt-error-code"] == b"INTERNAL_SERVER_ERROR"
    await partition.letters.close()


async def test_what_is_away_for_a_moment_is_tried_again_together(world: EventWorld) -> None:
    partition = Partition(world)
    await partition.process("a", "away for a moment")
    assert partition.acted == ["a", "away for a moment"]
    assert partition.waits == [ServiceUnavailable.message]
    assert await world.services.parked.count() == 0


async def test_of_what_neither_kafka_nor_mongodb_takes_the_place_is_kept(
    world: EventWorld, caplog: pytest.LogCaptureFixture
) -> None:
    # No topic may be named so, and no text that MongoDB keeps (or a test's report) may hold half of a character.
    caplog.set_level("CRITICAL", "tessera.consumer")
    partition = Partition(world, "no/topic")
    await partition.process("a", "refuse oddly")
    assert partition.acted == ["a"]
    (row,) = await world.services.parked.find()
    assert (row.topic, row.offset, row.code) == (partition.topic, 1, "NOT_FOUND")
    assert (row.reason, row.has_value) == ("The record cannot be kept", False)
    assert [reason for reason in partition.waits if "does not take a parked record" in reason]
    labels = {"topic": partition.topic, "code": "NOT_FOUND"}
    assert partition.metrics.registry.get_sample_value("tessera_records_parked_total", labels) == 1
    await partition.letters.close()
