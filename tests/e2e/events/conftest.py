"""One consumers process for the tests of this folder, which tell their events apart by ids of their own."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from services.migrations.runner import migrate
from tests.support.consumed_topic import Topic, configured
from tests.support.consumers import EventWorld, event_world
from tests.support.payment_service import PaymentService, payment_service
from tests.support.uris import with_database


@pytest.fixture(scope="session")
async def payments() -> AsyncIterator[PaymentService]:
    """The payment service that the consumers ask."""
    async with payment_service() as service:
        yield service


@pytest.fixture(scope="session")
async def world(
    mongo_uri: str, kafka_uri: str, payments: PaymentService, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EventWorld]:
    """A Kafka, a database, and a consumers process over both that is ready."""
    name = f"test_{uuid4().hex[:16]}"
    folder = tmp_path_factory.mktemp("consumers")
    async with event_world(kafka_uri, with_database(mongo_uri, name), folder, PAYMENT_URI=payments.uri) as world:
        await world.worker().start()
        yield world
        for worker in world.workers:
            await worker.stop()
        await world.services.database.client.drop_database(name)


@pytest.fixture
async def own_world(
    database_uri: str, kafka_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EventWorld]:
    """A world of the test's own, in which no process runs yet."""
    async with event_world(kafka_uri, database_uri, tmp_path_factory.mktemp("consumers")) as world:
        yield world


@pytest.fixture
async def topic(own_world: EventWorld) -> AsyncIterator[Topic]:
    """The topic with its consumer running; it takes records of any timestamp."""
    topic = Topic(own_world)
    await migrate(own_world.services.database, thorough=False)
    await topic.broker.ensure_topics([topic.partition.topic, topic.partition.topic + ".dlt"])
    # Old timestamps would have the broker delete the records.
    configs = {"message_timestamp_after_max_ms": str(2**63 - 1), "retention_ms": "-1"}
    async with configured(own_world.kafka_uri, topic.partition.topic, **configs):
        pass
    topic.group = topic.consumer(own_world.services)
    await topic.group.start()
    yield topic
    await topic.group.close()
