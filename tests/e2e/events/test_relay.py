"""The relay: in order for each key, one at a time, and nothing is lost, whoever dies or is away."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from consumers.connection import KafkaConnection
from consumers.kafka.admin import Broker
from consumers.kafka.relay import Relay
from consumers.metrics import Metrics
from devtools.embedded import EmbeddedKafka
from models.events import Event
from services.kit.leases import Lease
from services.kit.messages.outbox import Outbox
from services.migrations.runner import migrate
from services.registry import utc_now
from tests.support.consumers import EventWorld, event_world, kill_broker
from tests.support.eventually import eventually

TOPIC = "relayed"
LEASE_SECONDS = 1.5


@pytest.fixture
async def world(own_world: EventWorld) -> EventWorld:
    """A world whose database is ready, in which only the relays of the test run."""
    await migrate(own_world.services.database)
    return own_world


def make_relay(world: EventWorld, servers: str = "") -> tuple[Relay, Metrics]:
    metrics = Metrics()
    lease = Lease(world.services.database, "relay", LEASE_SECONDS)
    broker = Broker(KafkaConnection(servers) if servers else world.kafka, partitions=3)
    fill = world.services.usage_announcements.announce
    return Relay(world.services.outbox_queue, lease, broker, metrics, fill, prefix=world.prefix), metrics


@asynccontextmanager
async def relaying(world: EventWorld, servers: str = "") -> AsyncIterator[Metrics]:
    relay, metrics = make_relay(world, servers)
    running = asyncio.create_task(relay.run())
    try:
        yield metrics
    finally:
        relay.stop()
        await running


async def put(world: EventWorld, *events: Event) -> None:
    outbox, now = Outbox(world.services.database, enabled=True), utc_now()
    timed = [(now + timedelta(milliseconds=number), event) for number, event in enumerate(events)]
    await world.services.database.transaction(lambda session: outbox.put(session, timed))


async def all_sent(world: EventWorld, within: float = 60) -> None:
    async def is_empty() -> bool:
        return (await world.services.outbox_queue.backlog()).unsent == 0

    await eventually(is_empty, within=within)


async def numbers_by_key(world: EventWorld) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = defaultdict(list)
    for record in await world.records(TOPIC):
        assert record.key is not None
        assert record.value is not None
        found[record.key].append(orjson.loads(record.value))
    return found


async def test_five_thousand_events_of_fifty_keys_arrive_once_and_in_order(world: EventWorld) -> None:
    await put(world, *(Event(TOPIC, f"key-{number % 50}", number) for number in range(5_000)))
    async with relaying(world) as metrics:
        await all_sent(world)
    assert await numbers_by_key(world) == {b"key-%d" % key: [*range(key, 5_000, 50)] for key in range(50)}
    assert metrics.registry.get_sample_value("tessera_outbox_sent_total") == 5_000


async def test_of_three_relays_one_works_and_another_takes_over_within_seconds_when_it_dies(world: EventWorld) -> None:
    relays = [make_relay(world) for _ in range(3)]
    tasks = [asyncio.create_task(relay.run()) for relay, _ in relays]

    def leaders() -> list[int]:
        return [
            number
            for number, (_, metrics) in enumerate(relays)
            if metrics.registry.get_sample_value("tessera_relay_leading") and not tasks[number].done()
        ]

    await eventually(lambda: len(leaders()) == 1, within=20)
    (first,) = leaders()
    await asyncio.sleep(2 * LEASE_SECONDS)
    assert leaders() == [first]
    # Cut off in the middle, as by kill -9: it gives nothing back.
    tasks[first].cancel()
    await asyncio.gather(tasks[first], return_exceptions=True)
    died = time.monotonic()
    await put(world, Event(TOPIC, "key", 1))
    await all_sent(world)
    assert time.monotonic() - died < LEASE_SECONDS + 5
    assert len(leaders()) == 1
    for relay, _ in relays:
        relay.stop()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_relay_that_stops_hands_over_at_once(world: EventWorld) -> None:
    async with relaying(world):
        await put(world, Event(TOPIC, "key", 1))
        await all_sent(world)
    lease = Lease(world.services.database, "relay", LEASE_SECONDS)
    assert await lease.take()


async def test_events_wait_while_kafka_is_away_and_arrive_in_order_when_it_is_back(
    database_uri: str, tmp_path: Path
) -> None:
    kafka = EmbeddedKafka(tmp_path / "kafka").start()
    try:
        async with event_world(kafka.uri, database_uri, tmp_path) as world:
            await migrate(world.services.database)
            async with relaying(world):
                await put(world, *(Event(TOPIC, "key", number) for number in range(100)))
                await all_sent(world)
                kill_broker(kafka)
                await put(world, *(Event(TOPIC, "key", number) for number in range(100, 1_600)))
                await asyncio.sleep(1)
                assert (await world.services.outbox_queue.backlog()).unsent == 1_500
                await asyncio.to_thread(kafka.start)
                await all_sent(world)
            found = (await numbers_by_key(world))[b"key"]
            assert list(dict.fromkeys(found)) == [*range(1_600)]
    finally:
        await asyncio.to_thread(kafka.stop)


async def test_an_event_that_kafka_never_takes_is_set_aside_and_holds_up_no_other(world: EventWorld) -> None:
    await put(world, Event(TOPIC, "a", 1), Event(TOPIC, "b", "x" * 2_000_000), Event(TOPIC, "c", 3))
    async with relaying(world):
        await all_sent(world)
    assert await numbers_by_key(world) == {b"a": [1], b"c": [3]}
    backlog = await world.services.outbox_queue.backlog()
    assert (backlog.unsent, backlog.parked) == (0, 1)
    row = await world.services.database.outbox.find_one({"key": "b"})
    assert row is not None
    assert "sentAt" not in row
    assert row["parkedFor"]


async def test_events_reach_the_topic_soon_after_their_change(world: EventWorld) -> None:
    """Prints how soon; asserts only that a change wakes the relay, which a poll each half second would not explain."""
    await Broker(world.kafka, partitions=3).ensure_topics([world.prefix + TOPIC])
    consumer = AIOKafkaConsumer(
        world.prefix + TOPIC, bootstrap_servers=world.kafka_uri, auto_offset_reset="earliest", fetch_max_wait_ms=10
    )
    await consumer.start()
    delays = []
    try:
        async with relaying(world):
            await put(world, Event(TOPIC, "first", 0))
            await consumer.getone()
            for number in range(100):
                changed = time.perf_counter()
                await put(world, Event(TOPIC, f"key-{number}", number))
                await asyncio.wait_for(consumer.getone(), 30)
                delays.append((time.perf_counter() - changed) * 1000)
    finally:
        await consumer.stop()
    delays.sort()
    print(f"\noutbox to topic: median {delays[50]:.0f} ms, p99 {delays[98]:.0f} ms")
    assert delays[50] < 250


async def test_what_was_sent_expires_and_what_was_not_stays(world: EventWorld) -> None:
    indexes = await world.services.database.outbox.index_information()
    assert indexes["sentAt"]["expireAfterSeconds"] == 24 * 60 * 60
    assert indexes["unsent"]["partialFilterExpression"] == {"sentAt": None}
    inbox = await world.services.database.inbox.index_information()
    assert inbox["at"]["expireAfterSeconds"] == 7 * 24 * 60 * 60


async def test_a_topic_that_cannot_be_had_holds_its_own_events_and_no_others(
    world: EventWorld, caplog: pytest.LogCaptureFixture
) -> None:
    await put(world, Event("no/topic", "a", 1), Event(TOPIC, "a", 2), Event("no/topic", "a", 3), Event(TOPIC, "a", 4))
    queue = world.services.outbox_queue

    async def others_are_sent() -> bool:
        return (await queue.backlog()).unsent == 2

    async with relaying(world) as metrics:
        await eventually(others_are_sent, within=60)
        await asyncio.sleep(2)
        for number in range(5, 15):
            await put(world, Event(TOPIC, "a", number))
        await eventually(others_are_sent, within=20)
        assert metrics.registry.get_sample_value("tessera_outbox_topics_waiting") == 1
    assert await numbers_by_key(world) == {b"a": [2, 4, *range(5, 15)]}
    assert {row.topic for row in await queue.unsent(10)} == {"no/topic"}
    assert (await queue.backlog()).parked == 0
    told = [record for record in caplog.records if "the events of a topic wait" in record.getMessage()]
    assert len(told) == 1


async def test_a_topic_that_is_deleted_while_the_relay_runs_is_made_again(world: EventWorld) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=world.kafka_uri)
    await admin.start()
    try:
        async with relaying(world):
            await put(world, Event(TOPIC, "a", 1), Event("other", "a", 1))
            await all_sent(world)
            await admin.delete_topics([world.prefix + TOPIC])
            await asyncio.sleep(1)
            await put(world, Event(TOPIC, "a", 2), Event("other", "a", 2), Event(TOPIC, "b", 3))
            await all_sent(world)
        (made,) = await admin.describe_topics([world.prefix + TOPIC])
        assert len(made["partitions"]) == 3
    finally:
        await admin.close()
    assert await numbers_by_key(world) == {b"a": [2], b"b": [3]}


async def test_an_event_that_cannot_be_written_as_json_is_set_aside_and_can_be_tried_again(world: EventWorld) -> None:
    await put(world, Event(TOPIC, "a", 1), Event(TOPIC, "b", 2), Event(TOPIC, "c", 3))
    outbox = world.services.database.outbox
    await outbox.update_one({"key": "b"}, {"$set": {"value": {"odd": b"bytes"}}})
    await outbox.update_one({"key": "c"}, {"$set": {"key": 7}})
    queue = world.services.outbox_queue
    async with relaying(world):
        await all_sent(world)
        assert [event.key for event in await queue.parked()] == ["b", 7]
        await outbox.update_one({"key": "b"}, {"$set": {"value": 2}})
        await queue.send_again([event.id for event in await queue.parked() if event.key == "b"])
        await all_sent(world)
    assert await numbers_by_key(world) == {b"a": [1], b"b": [2]}
