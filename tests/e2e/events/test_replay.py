"""What cannot go back stops nothing behind it; what is parked is shown and comes back."""

import asyncio
import json
from uuid import uuid4

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from typer.testing import CliRunner, Result

from consumers.kafka.admin import Broker
from consumers.kafka.dead_letters import DeadLetters
from consumers.kafka.letters import Part
from consumers.kafka.parking import parked_record, parked_unreadable
from consumers.kafka.raw_batches import BatchReader, RawRecord, Unreadable
from consumers.kafka.records import event_id
from models.errors import InvalidInput
from models.events import Event
from server.cli import app
from services.kit.messages.outbox import Outbox
from services.migrations.runner import migrate
from services.registry import utc_now
from tests.support.consumers import EventWorld
from tests.support.raw_records import Odd, encode_batch, produce

REFUSAL = InvalidInput.of("value", "The event is not JSON")

CREATED = "campaignService-campaignCreated"
TOPIC = "campaignService-campaignDeleted"


async def run(world: EventWorld, *words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), env=world.environment)


async def stands(world: EventWorld, topic: str, *records: Odd, codec: str = "none") -> list[RawRecord]:
    """Put records into a topic; returns them as they stand there."""
    partition = TopicPartition(world.prefix + topic, 0)
    await Broker(world.kafka, partitions=1).ensure_topics([partition.topic])
    first = await produce(world.kafka_uri, partition, encode_batch(records, codec))
    async with BatchReader(world.kafka) as reader:
        batch = await reader.read(partition, first)
    return [one for one in batch.records if isinstance(one, RawRecord)]


def now() -> int:
    return int(utc_now().timestamp() * 1000)


async def test_a_letter_that_cannot_go_back_is_named_and_those_behind_it_go(own_world: EventWorld) -> None:
    await migrate(own_world.services.database, thorough=False)
    large = b'"' + b"x" * (6 * 1024 * 1024) + b'"'
    gone, *back = [
        *await stands(own_world, "gone", Odd(b'{"_id": "60d21b4667d0d8992e610c01"}', key=b"gone", timestamp=now())),
        *await stands(own_world, TOPIC, Odd(large, key=b"large", timestamp=now()), codec="gzip"),
        *await stands(own_world, TOPIC, Odd(None, timestamp=now()), Odd(b"", headers=[(b"n", None)], timestamp=now())),
    ]
    letters = DeadLetters(Broker(own_world.kafka, partitions=1))
    # All of them stand in one topic of dead letters, that of the first among them.
    for record in (gone, *back):
        named = RawRecord(
            own_world.prefix + TOPIC, record.partition, record.offset, record.timestamp, record.key, record.value,
            record.headers,
        )  # fmt: skip
        await letters.put(named, REFUSAL)
    await letters.close()
    dead = own_world.prefix + f"{TOPIC}.dlt"
    async with BatchReader(own_world.kafka) as reader:
        stored = [one for one in (await reader.read(TopicPartition(dead, 0), 0)).records if isinstance(one, RawRecord)]
    assert len(stored) >= 1
    done = await run(own_world, "replay", dead)
    assert done.exit_code == 0, done.output
    assert "4 dead letters were put back" in done.output
    found = await own_world.records(TOPIC)
    assert len(found) == 7
    assert sum(record.value == large for record in found) == 2

    admin = AIOKafkaAdminClient(bootstrap_servers=own_world.kafka_uri)
    await admin.start()
    try:
        await admin.delete_topics([own_world.prefix + TOPIC])
        await asyncio.sleep(1.5)
    finally:
        await admin.close()
    done = await run(own_world, "replay", dead, "--again")
    assert done.exit_code == 1
    assert done.output.count("it cannot go back: there is no topic") == 2
    assert done.output.count("it cannot go back: its value was not kept, and there is no topic") == 2
    assert "0 dead letters were put back" in done.output
    assert "4 dead letters were not put back" in done.output


async def test_what_is_parked_is_shown_and_comes_back_by_replay(own_world: EventWorld) -> None:
    services, value = own_world.services, b'{"_id": "%s"}' % uuid4().hex[:24].encode()
    await migrate(services.database, thorough=False)
    outbox = Outbox(services.database, enabled=True)
    late = Event("later", "k", 1)
    await services.database.transaction(lambda session: outbox.put(session, [(utc_now(), late)]))
    (waiting,) = await services.outbox_queue.unsent(5)
    await services.outbox_queue.park(waiting.id, "too large")
    small, large = await stands(
        own_world, TOPIC, Odd(value, timestamp=now()), Odd(b"1" * 5_000_000, timestamp=now()), codec="gzip"
    )
    for record in (small, large):
        await services.parked.put(parked_record(record, REFUSAL, KeyError("no letter")))
    await services.parked.put(parked_unreadable(Unreadable(small.topic, 0, 77, 79, now(), b"?", "wrong checksum")))

    shown = await run(own_world, "parked")
    assert shown.exit_code == 0
    assert "3 records and 1 events are parked" in shown.output
    assert "wrong checksum" in shown.output
    rows = [json.loads(line) for line in (await run(own_world, "parked", small.topic, "--json")).output.splitlines()]
    assert [(row["place"], row["valueKept"]) for row in rows] == [("0@0", True), ("0@1", False), ("0@77-79", False)]

    dry = await run(own_world, "replay", "--parked", "--dry-run")
    assert "4 parked records would be put back" in dry.output
    done = await run(own_world, "replay", "--parked")
    assert done.exit_code == 1
    assert "3 parked records were put back" in done.output
    assert "the record in its topic cannot be read" in done.output
    found = await own_world.records(TOPIC)
    assert [record.value for record in found].count(value) == 2
    assert len(found) == 4
    assert event_id(found[-1]) in {event_id(small), event_id(large)}
    assert [row.id for row in await services.outbox_queue.unsent(5)] == [waiting.id]
    assert "1 records and 0 events are parked" in (await run(own_world, "parked")).output


async def test_a_part_that_is_partly_kept_comes_back_as_its_whole_record(own_world: EventWorld) -> None:
    await migrate(own_world.services.database, thorough=False)
    refused = {"_id": uuid4().hex[:24], "maxTotalLimit": "none"}
    raw = json.dumps([{"_id": uuid4().hex[:24], "maxTotalLimit": 3}, refused]).encode()
    (record,) = await stands(own_world, CREATED, Odd(raw, key=b"k", timestamp=now()))
    part = Part(record, [refused])
    assert not part.kept.whole
    row = parked_record(part, REFUSAL, KeyError("no letter"))
    assert row.length == len(raw)
    await own_world.services.parked.put(row)
    done = await run(own_world, "replay", "--parked")
    assert done.exit_code == 0, done.output
    assert [(found.key, found.value) for found in await own_world.records(CREATED)] == [(b"k", raw)] * 2


async def test_a_key_that_may_not_be_kept_comes_back_from_the_topic(own_world: EventWorld) -> None:
    await migrate(own_world.services.database, thorough=False)
    value, key = b'{"_id": "%s"}' % uuid4().hex[:24].encode(), b"4111111111111111"
    (record,) = await stands(own_world, TOPIC, Odd(value, key=key, timestamp=now()))
    row = parked_record(record, REFUSAL, KeyError("no letter"))
    assert (row.key, row.key_omitted) == (None, True)
    await own_world.services.parked.put(row)
    done = await run(own_world, "replay", "--parked")
    assert done.exit_code == 0, done.output
    assert [found.key for found in await own_world.records(TOPIC)] == [key, key]


async def test_another_record_in_the_place_of_the_one_that_stood_there_does_not_go(own_world: EventWorld) -> None:
    await migrate(own_world.services.database, thorough=False)
    value, key = b'{"_id": "%s"}' % uuid4().hex[:24].encode(), b"4111111111111111"
    (other,) = await stands(own_world, TOPIC, Odd(value, key=key, timestamp=now()))
    gone = RawRecord(other.topic, 0, other.offset, other.timestamp - 60_000, key, value, ())
    letters = DeadLetters(Broker(own_world.kafka, partitions=1))
    await letters.put(gone, REFUSAL)
    await letters.close()
    await own_world.services.parked.put(parked_record(gone, REFUSAL, KeyError("no letter")))
    for words in ([f"{other.topic}.dlt"], ["--parked"]):
        done = await run(own_world, "replay", *words)
        assert done.exit_code == 1
        assert "another record stands in its place" in done.output
    assert len(await own_world.records(TOPIC)) == 1


async def test_replay_without_a_topic_says_what_it_needs(own_world: EventWorld) -> None:
    done = await run(own_world, "replay")
    assert done.exit_code == 2
    assert "--parked" in done.output


async def test_a_record_that_is_no_longer_in_its_topic_cannot_go_back(own_world: EventWorld) -> None:
    await migrate(own_world.services.database, thorough=False)
    first, last = await stands(own_world, TOPIC, *[Odd(b"1" * 5_000_000, timestamp=now())] * 2, codec="gzip")
    # One is deleted with all before it, one has not come yet.
    later = RawRecord(last.topic, 0, last.offset + 1, last.timestamp, None, last.value, ())
    for record in (first, later):
        await own_world.services.parked.put(parked_record(record, REFUSAL, KeyError("no letter")))
    admin = AIOKafkaAdminClient(bootstrap_servers=own_world.kafka_uri)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(first.topic, 0): RecordsToDelete(before_offset=last.offset)})
    finally:
        await admin.close()
    done = await run(own_world, "replay", "--parked")
    assert done.exit_code == 1
    assert done.output.count("the record is no longer in its topic") == 2


async def test_what_kafka_does_not_take_is_named_and_stays(own_world: EventWorld) -> None:
    await migrate(own_world.services.database, thorough=False)
    topic = own_world.prefix + TOPIC
    record = RawRecord(topic, 0, 0, now(), b"k", json.dumps({"_id": uuid4().hex[:24]}).encode(), ())
    letters = DeadLetters(Broker(own_world.kafka, partitions=1))
    await letters.put(record, REFUSAL)
    await letters.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=own_world.kafka_uri)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, -1, {}, {"max.message.bytes": "50"})])
    finally:
        await admin.close()
    done = await run(own_world, "replay", f"{topic}.dlt")
    assert done.exit_code == 1
    assert "it cannot go back: Kafka does not take it" in done.output
    # It is not marked as put back.
    assert "1 dead letters would be put back" in (await run(own_world, "replay", f"{topic}.dlt", "--dry-run")).output


async def test_a_letter_of_somebody_else_that_does_not_say_where_its_record_stands_cannot_go_back(
    own_world: EventWorld,
) -> None:
    await migrate(own_world.services.database, thorough=False)
    await stands(own_world, f"{TOPIC}.dlt", Odd(b"{}", headers=[(b"dlt-value-omitted", b"true")], timestamp=now()))
    done = await run(own_world, "replay", f"{own_world.prefix}{TOPIC}.dlt")
    assert done.exit_code == 1
    assert "it does not say where the record stands" in done.output
