"""The process: what it needs to start, what it says of itself, how it ends."""

import asyncio
import signal
import subprocess
import sys

import pytest

from consumers.kafka.admin import Broker
from consumers.topics import CONSUMED
from tests.support.consumers import EventWorld
from tests.support.eventually import eventually
from tests.support.grafana import of_consumers, scraped
from tests.support.orders import payment
from tests.support.processes import ROOT

ACCEPTED = "payment-service-accept"


async def test_it_makes_its_topics_with_the_partitions_that_are_set(own_world: EventWorld) -> None:
    own_world.environment["KAFKA_PARTITIONS"] = "5"
    await own_world.worker().start()
    await own_world.producer.client.fetch_all_metadata()
    for topic in (*CONSUMED, *own_world.written_topics()):
        partitions = await own_world.producer.partitions_for(own_world.prefix + topic)
        assert len(partitions) == (1 if topic.endswith(".dlt") else 5), topic


async def test_where_topics_cannot_be_made_one_message_names_every_one(own_world: EventWorld) -> None:
    own_world.environment["KAFKA_TOPIC_PREFIX"] = "no/topic/"
    worker = own_world.worker()
    worker.launch()
    assert await worker.stopped() == 2
    (line,) = [line for line in worker.log.read_text().splitlines() if "CRITICAL" in line]
    for topic in (*CONSUMED, *own_world.written_topics()):
        assert f"no/topic/{topic} " in line


def test_every_variable_at_fault_is_named_in_one_message() -> None:
    environment = {"PAYMENT_URI": "nowhere", "KAFKA_PARTITIONS": "none", "CONSUMERS_PORT": "99999999"}
    done = subprocess.run(
        [sys.executable, "-m", "server", "consume"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    for name in ("MONGO_URI", "KAFKA_URI", *environment):
        assert name in done.stderr


async def test_it_waits_for_kafka_and_mongodb_and_says_so(own_world: EventWorld) -> None:
    own_world.environment["KAFKA_URI"] = "127.0.0.1:9"
    worker = own_world.worker()
    worker.launch()
    await eventually(lambda: "waiting for Kafka" in worker.log.read_text(), within=60)
    assert (await worker.http.get("/livez")).status_code == 200
    assert (await worker.http.get("/readyz")).status_code == 503
    assert await worker.stop() == 0


async def test_it_tells_of_its_health_and_its_figures(own_world: EventWorld) -> None:
    worker = own_world.worker()
    await worker.start()
    paid = payment()
    await own_world.send(ACCEPTED, paid)
    order = await own_world.order_of(paid)
    await own_world.arrived("orderService-orderCreated", 1, where=lambda r: r.key == order.id.encode())

    async def all_three_are_sent() -> bool:
        return (await worker.metrics())["tessera_outbox_sent_total"] == 3

    # Each topic has a lane of its own, and what is sent is counted once Kafka has acknowledged it.
    await eventually(all_three_are_sent, within=60)
    answer = await worker.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert of_consumers() <= scraped(answer.text)
    figures = await worker.metrics()
    assert figures[f'tessera_events_processed_total{{topic="{own_world.prefix}{ACCEPTED}"}}'] == 1
    assert figures["tessera_relay_leading"] == 1
    assert {"tessera_outbox_unsent", "tessera_outbox_oldest_seconds", "tessera_outbox_parked"} <= figures.keys()
    lags = [
        name for name in figures if name.startswith("tessera_consumer_lag") and f"{own_world.prefix}{ACCEPTED}" in name
    ]
    assert len(lags) == 3


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
async def test_signals_that_mean_no_stop_are_passed_over(own_world: EventWorld, number: signal.Signals) -> None:
    worker = own_world.worker()
    await worker.start()
    worker.tell(number)
    await eventually(lambda: f"signal {number.name} passed over" in worker.log.read_text(), within=20)
    assert await worker.stop(signal.SIGQUIT) == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_asked_to_end_it_drains_and_commits_so_that_nothing_comes_again(
    own_world: EventWorld, how: signal.Signals
) -> None:
    first = own_world.worker()
    await first.start()
    paid = [payment() for _ in range(600)]
    await asyncio.gather(*(own_world.send(ACCEPTED, one, key=one["_id"]) for one in paid))
    orders = own_world.services.database.orders

    async def begun() -> bool:
        return await orders.count_documents({}) > 0

    await eventually(begun, within=60)
    assert await first.stop(how) == 0
    done = await orders.count_documents({})
    second = own_world.worker()
    await second.start()

    async def finished() -> bool:
        return await orders.count_documents({}) == len(paid)

    await eventually(finished, within=60)
    processed = f'tessera_events_processed_total{{topic="{own_world.prefix}{ACCEPTED}"}}'

    async def counted() -> bool:
        return (await second.metrics()).get(processed, 0) == len(paid) - done

    if done < len(paid):
        await eventually(counted, within=20)


async def test_two_processes_share_the_partitions_and_one_takes_over_when_the_other_ends(own_world: EventWorld) -> None:
    one, other = own_world.worker(), own_world.worker()
    await one.start()
    await other.start()

    async def share(number: int) -> bool:
        lags = [name for name in await one.metrics() if name.startswith("tessera_consumer_lag")]
        return len(lags) == number

    await eventually(lambda: share(15), within=60)
    await other.stop()
    await eventually(lambda: share(30), within=60)
    paid = [payment() for _ in range(10)]
    for each in paid:
        await own_world.send(ACCEPTED, each, key=each["_id"])
    for each in paid:
        await own_world.order_of(each)


async def test_a_topic_that_is_missing_later_is_made_too(own_world: EventWorld) -> None:
    broker, topic = Broker(own_world.kafka, partitions=2), f"{own_world.prefix}later"
    assert not await broker.has_topic(topic)
    await broker.ensure_topics([topic])
    assert await broker.has_topic(topic)
