"""Every record ends as its effect, a dead letter or a parked row, and the good ones behind it act."""

import asyncio
import json
import time
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from consumers.kafka import group as running
from consumers.kafka.kept_values import NOT_KEPT
from consumers.kafka.raw_batches import Unreadable
from consumers.kafka.records import header
from tests.support.consumed_topic import Topic, configured
from tests.support.eventually import eventually
from tests.support.raw_records import CODECS, Odd

FAR = 2**53

contents = st.none() | st.binary(max_size=30) | st.sampled_from([b"", b"null", b'"', b"\xff\xfe", b'"\\ud83d"'])
values = contents | st.sampled_from(
    [b'"good"', b'"fail in reading"', b'"fail in preparing"', b'"fail in acting"', b'"refuse"', b"x" * 3_000]
)
names = st.binary(max_size=10).filter(lambda name: name not in (b"ce_id", b"tessera-event-id"))
plain = st.tuples(names | st.sampled_from([b"ce_source", b"dlt-error-code", b"caf\xe9"]), contents)
# Two records of one id are one event, which ends once: ids are missing, empty or their own.
ids = st.tuples(
    st.sampled_from([b"ce_id", b"tessera-event-id"]),
    st.none() | st.just(b"") | st.uuids().map(lambda found: found.hex.encode()),
)
odd = st.builds(
    Odd,
    value=values,
    key=contents | st.just(b"k" * 3_000),
    headers=st.lists(plain | ids, max_size=3),
    timestamp=st.sampled_from([-(2**40), -1, 0, 1_700_000_000_000, FAR, 253_402_300_800_000]),
)


@given(
    st.lists(st.tuples(st.lists(odd, min_size=1, max_size=6), st.sampled_from(sorted(CODECS))), min_size=1, max_size=5)
)
@settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
async def test_a_record_of_any_shape_ends_and_the_good_event_behind_it_acts(
    topic: Topic, sent: list[tuple[list[Odd], str]]
) -> None:
    offsets: dict[int, Odd] = {}
    for batch, codec in sent:
        # The good event stands in the batch itself, behind what is odd.
        word = uuid4().hex
        first = await topic.put(*batch, Odd(json.dumps(word).encode()), codec=codec)
        offsets |= {first + number: one for number, one in enumerate(batch)}
        await eventually(lambda word=word: word in topic.acted, within=60)  # type: ignore[misc]
    await topic.good()
    died, parked = await topic.ended()
    for offset, one in offsets.items():
        assert offset in died or offset in parked or topic.has_acted(one), one
    assert [row.reason for row in await topic.world.services.parked.find()] == []
    assert topic.group is not None
    assert topic.group.stuck == []
    await eventually(lambda: topic.lag() == 0, within=20)


async def test_a_record_that_is_too_large_for_its_dead_letter_leaves_a_letter_without_its_value(topic: Topic) -> None:
    large = b"not json " + b"x" * (6 * 1024 * 1024)
    await topic.put(Odd(large, key=b"large", headers=[(b"h", b"y" * 2_000_000)]), codec="gzip")
    await topic.good()
    (letter,) = await topic.letters()
    assert letter.value == NOT_KEPT
    assert letter.key == b"large"
    assert header(letter, "dlt-value-omitted") == "true"
    assert header(letter, "dlt-value-length") == str(len(large))


async def test_where_not_even_a_small_letter_can_be_written_the_record_is_parked_and_comes_back(topic: Topic) -> None:
    dead = topic.partition.topic + ".dlt"
    async with configured(topic.world.kafka_uri, dead, max_message_bytes="100", retention_ms="-1"):
        offset = await topic.put(Odd(b"not json", key=b"k", headers=[(b"trace", None), (b"caf\xe9", b"1")]))
        await topic.good()
    (row,) = await topic.world.services.parked.find(topic.partition.topic)
    assert (row.partition, row.offset, row.key, row.has_value) == (0, offset, b"k", False)
    assert "not JSON" in row.reason
    assert row.headers == []
    labels = {"topic": topic.partition.topic, "code": "BAD_USER_INPUT"}
    assert topic.metrics.registry.get_sample_value("tessera_records_parked_total", labels) == 1


async def test_what_cannot_be_decoded_at_all_is_known_by_its_coordinates(topic: Topic) -> None:
    services = topic.world.services
    assert await services.parked.count() == 0
    for _ in range(2):
        await services.parked.put(_unreadable(topic))
    (row,) = await services.parked.find()
    assert (row.offset, row.last_offset, row.unreadable, row.value) == (3, 5, True, None)
    await services.parked.mark_replayed(row.id)
    assert await services.parked.find() == []
    assert len(await services.parked.find(again=True)) == 1


def _unreadable(topic: Topic) -> Any:
    from consumers.kafka.parking import parked_unreadable

    return parked_unreadable(Unreadable(topic.partition.topic, 0, 3, 5, -(2**62), b"\x00" * 10, "wrong checksum"))


async def test_a_partition_that_waits_is_named_once_it_has_waited_long(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "STUCK_AFTER", 1.0)
    assert topic.group is not None
    group = topic.group
    topic.away = True
    await topic.put(Odd(b'"wait"'))
    await eventually(lambda: bool(group.stuck), within=30)
    assert topic.partition.topic in group.stuck[0]
    topic.away = False
    await eventually(lambda: "wait" in topic.acted, within=60)
    await eventually(lambda: group.stuck == [], within=30)
    assert (await topic.ended()) == (set(), set())


async def test_markers_and_aborted_records_of_transactions_are_no_lag(topic: Topic) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=topic.world.kafka_uri, transactional_id=uuid4().hex)
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send_and_wait(topic.partition.topic, b'"in a transaction"')
        await producer.begin_transaction()
        await producer.send_and_wait(topic.partition.topic, b'"given up"')
        await producer.abort_transaction()
    finally:
        await producer.stop()
    admin = AIOKafkaAdminClient(bootstrap_servers=topic.world.kafka_uri)
    await admin.start()

    async def all_is_committed() -> bool:
        committed = await admin.list_consumer_group_offsets(f"{topic.world.prefix}tessera")
        return topic.partition in committed and committed[topic.partition].offset == 4

    try:
        await eventually(all_is_committed, within=30)
    finally:
        await admin.close()
    await eventually(lambda: topic.lag() == 0, within=30)
    assert topic.acted == ["in a transaction"]


async def test_a_dead_letter_topic_that_is_deleted_is_made_again_with_our_settings(topic: Topic) -> None:
    dead = topic.partition.topic + ".dlt"
    await topic.put(Odd(b"first"))
    await topic.good()
    admin = AIOKafkaAdminClient(bootstrap_servers=topic.world.kafka_uri)
    await admin.start()
    try:
        await admin.delete_topics([dead])
        await asyncio.sleep(1.5)
        await topic.put(Odd(b"second"))
        await topic.good()
        assert len(await topic.letters()) == 1
        assert (await _own_configs(admin, dead))["retention.ms"] == "-1"
        # Made by somebody else, with the settings that a broker has for any topic.
        await admin.delete_topics([dead])
        await asyncio.sleep(1.5)
        await admin.create_topics([NewTopic(dead, 1, -1, {})])
        await topic.put(Odd(b"third"))
        await topic.good()
        assert (await _own_configs(admin, dead))["retention.ms"] == "-1"
    finally:
        await admin.close()


async def _own_configs(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for resource in answer.resources for entry in resource[4]}


async def test_a_consumed_topic_that_is_deleted_and_made_again_goes_on(topic: Topic) -> None:
    for _ in range(3):
        await topic.good()
    admin = AIOKafkaAdminClient(bootstrap_servers=topic.world.kafka_uri)
    await admin.start()
    try:
        await admin.delete_topics([topic.partition.topic])
    finally:
        await admin.close()
    await asyncio.sleep(2)
    assert not await topic.broker.has_topic(topic.partition.topic)
    await topic.broker.ensure_topics([topic.partition.topic], within=0)
    await topic.put(Odd(b'"after the deletion"', timestamp=int(time.time() * 1000)))
    await eventually(lambda: "after the deletion" in topic.acted, within=60)


async def test_a_process_that_gets_no_partition_has_joined_and_takes_over(topic: Topic) -> None:
    first, spare = topic.group, topic.consumer(topic.world.services)
    assert first is not None
    await eventually(lambda: first.has_joined, within=60)
    await spare.start()
    try:
        # The topic has one partition, and either may have it.
        await eventually(lambda: first.has_joined and spare.has_joined, within=60)
        await topic.good()
        await first.close()
        await topic.good()
    finally:
        await spare.close()
