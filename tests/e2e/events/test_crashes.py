"""Killed at random, consumers, relay and Kafka lose nothing and do nothing twice."""

import asyncio
import random
from pathlib import Path

import orjson
import pytest

from devtools.embedded import EmbeddedKafka
from tests.support.consumers import EventWorld, event_world, kill_broker
from tests.support.eventually import eventually
from tests.support.orders import payment

PAYMENTS = 10_000
CHUNKS = 20
TOPICS = ("orderService-orderCreated", "orderService-basketClear", "orderService-orderCreated-checkoutActive")
ACCEPTED = ("payment-service-accept", "paymentService-payment-service-accept")


@pytest.mark.timeout(400)
async def test_ten_thousand_payments_every_tenth_sent_twice_make_ten_thousand_orders_whatever_dies(
    database_uri: str, tmp_path: Path
) -> None:
    kafka = await asyncio.to_thread(EmbeddedKafka(tmp_path / "kafka").start)
    try:
        # Small batches, so that more of them are under way when something dies.
        async with event_world(kafka.uri, database_uri, tmp_path, KAFKA_BATCH="100", LOG_LEVEL="warning") as world:
            workers = [world.worker(), world.worker()]
            await asyncio.gather(*(worker.start() for worker in workers))
            payments = [payment() for _ in range(PAYMENTS)]
            feeding = asyncio.create_task(feed(world, payments))
            kills = await havoc(world, kafka, feeding)
            await feeding
            await eventually(lambda: all_is_done(world), within=150, every=0.5)
            print(f"\n{kills} kills while {PAYMENTS} payments came")
            await judge(world, [one["_id"] for one in payments])
    finally:
        await asyncio.to_thread(kafka.stop)


async def feed(world: EventWorld, payments: list[dict[str, object]]) -> None:
    """Send every payment, every tenth twice, over both topics and some twenty seconds."""
    size = len(payments) // CHUNKS
    for begin in range(0, len(payments), size):
        acknowledgements = []
        for number, one in enumerate(payments[begin : begin + size]):
            for topic in ACCEPTED if number % 10 == 0 else ACCEPTED[:1]:
                key = str(one["_id"]).encode()
                sent = await world.producer.send(world.prefix + topic, orjson.dumps(one), key=key)
                acknowledgements.append(sent)
        await asyncio.gather(*acknowledgements)
        await asyncio.sleep(1)


async def havoc(world: EventWorld, kafka: EmbeddedKafka, feeding: "asyncio.Task[None]") -> int:
    """Kill -9 a consumers process (the relay's among them) or the broker every few seconds until all is fed."""
    kills = 0
    while not feeding.done():
        await asyncio.sleep(random.uniform(1, 3))
        kills += 1
        if kills % 4 == 0:
            await asyncio.to_thread(kill_broker, kafka)
            await asyncio.to_thread(kafka.start)
        else:
            worker = random.choice(world.workers)
            worker.kill()
            await asyncio.sleep(random.uniform(0, 1))
            worker.launch()
    assert kills >= 4
    return kills


async def all_is_done(world: EventWorld) -> bool:
    database = world.services.database
    if await database.orders.count_documents({}) < PAYMENTS:
        return False
    return (await world.services.outbox_queue.backlog()).unsent == 0


async def judge(world: EventWorld, payment_ids: list[str]) -> None:
    orders = await world.services.database.orders.find({}, {"paymentId": 1}).to_list(None)
    assert sorted(order["paymentId"] for order in orders) == sorted(payment_ids)
    keys = {str(order["_id"]).encode() for order in orders}
    rows = await world.services.database.outbox.find({}, {"topic": 1, "key": 1}).to_list(None)
    assert len(rows) == len(TOPICS) * PAYMENTS
    for topic in TOPICS:
        records = await world.records(topic)
        assert {record.key for record in records} == keys
        identifiers = {dict(record.headers)["ce_id"].decode() for record in records}
        assert identifiers == {row["_id"] for row in rows if row["topic"] == topic}
    dead = [record for topic in ACCEPTED for record in await world.records(f"{topic}.dlt")]
    assert dead == []
