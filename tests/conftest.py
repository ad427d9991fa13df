"""The servers every test may ask for: started when first asked for, stopped at the end of the run."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import hypothesis
import pytest
from pymongo import MongoClient

from devtools.embedded import EmbeddedKafka, EmbeddedMongod
from services.registry import Services
from tests.support.api import MONGO_DRIVER, Api, running_api, settings_for
from tests.support.uris import with_database

MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 4 * 1024**3

# How long an example takes is a matter of who else runs; and an application may be asked for more than one of them.
hypothesis.settings.register_profile(
    "whole",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
# For `make test-fast`; `make test` tries as many as hypothesis does by itself.
hypothesis.settings.register_profile("fast", parent=hypothesis.settings.get_profile("whole"), max_examples=15)
hypothesis.settings.load_profile("whole")


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MongoDB replica set, no database named: that of MONGO_URI, else an embedded one.

    Its data are in memory where there is room: some 340 tests make a database each, of some 80 files that are synced.
    """
    if given := os.environ.get("MONGO_URI"):
        yield given
        return
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED
    place = MEMORY if in_memory else tmp_path_factory.mktemp("mongo")
    # A run that is killed leaves it behind, so it says whose it is.
    with TemporaryDirectory(prefix="tessera-tests-", dir=place) as folder:
        mongod = EmbeddedMongod(Path(folder)).start()
        yield mongod.uri
        mongod.stop()


@pytest.fixture
def database_uri(mongo_uri: str) -> Iterator[str]:
    """A MongoDB URI with a database of this test's own, which is dropped after it."""
    name = f"test_{uuid4().hex[:16]}"
    yield with_database(mongo_uri, name)
    with MongoClient[dict[str, object]](mongo_uri) as client:
        client.drop_database(name)


@pytest.fixture(scope="session")
def kafka_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Apache Kafka as `host:port`: that of KAFKA_URI, else an embedded one. A test names its topics."""
    if given := os.environ.get("KAFKA_URI"):
        yield given.removeprefix("kafka://")
        return
    kafka = EmbeddedKafka(tmp_path_factory.mktemp("kafka")).start()
    yield kafka.uri
    kafka.stop()


@pytest.fixture(scope="session")
async def api(mongo_uri: str) -> AsyncIterator[Api]:
    """The application over a database that all tests share: what a test makes, it names by `unique`."""
    name = f"test_{uuid4().hex[:16]}"
    async with running_api(settings_for(with_database(mongo_uri, name))) as api:
        yield api
        await api.services.database.client.drop_database(name)


@pytest.fixture
async def own_api(database_uri: str) -> AsyncIterator[Api]:
    """The application over a database of this test's own."""
    async with running_api(settings_for(database_uri)) as api:
        yield api


@pytest.fixture
async def other(own_api: Api) -> AsyncIterator[Services]:
    """The verbs of another process over the database of `own_api`."""
    opened = Services.open(
        mongo_uri=own_api.settings.mongo_uri, database_name=own_api.settings.database, mongo_driver=MONGO_DRIVER
    )
    yield opened
    await opened.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
