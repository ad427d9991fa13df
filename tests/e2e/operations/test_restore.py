"""A backup as the runbook takes it: a cold copy of the data folder while clients write, restored and caught up with."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from devtools.embedded import EmbeddedMongod
from models.orders.commands import FindOrders
from models.principal import SYSTEM
from models.values.instants import iso
from services.registry import Services
from tests.conftest import MEMORY, MEMORY_NEEDED
from tests.e2e.upgrade.shoppers import Shoppers
from tests.support.api import MONGO_DRIVER
from tests.support.consumers import EventWorld, event_world
from tests.support.eventually import eventually
from tests.support.ledger import check_coupon_invariants
from tests.support.orders import payment
from tests.support.processes import run
from tests.support.workers import workers

ACCEPTED = "payment-service-accept"


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Where a mongod is, and where its copy goes."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED
    with TemporaryDirectory(prefix="tessera-tests-", dir=MEMORY if in_memory else tmp_path) as folder:
        yield Path(folder, "lost"), Path(folder, "restored")


async def copy_under_load(mongod: EmbeddedMongod, to: Path) -> datetime:
    """Copy the data folder under `fsyncLock`; returns an instant before it."""
    async with AsyncMongoClient[dict[str, Any]](mongod.uri) as client:
        before = datetime.now(UTC)
        await client.admin.command({"fsync": 1, "lock": True})
        try:
            # The lock is of the process that runs, and no part of the data.
            skipped = shutil.ignore_patterns("mongod.lock")
            await asyncio.to_thread(shutil.copytree, mongod.directory / "data", to / "data", ignore=skipped)
        finally:
            await client.admin.command({"fsyncUnlock": 1})
    return before


@asynccontextmanager
async def paying(world: EventWorld) -> AsyncIterator[list[dict[str, Any]]]:
    """Payments come in one after another, and stand in the list once Kafka has them."""
    paid: list[dict[str, Any]] = []
    stop = asyncio.Event()

    async def pay() -> None:
        while not stop.is_set():
            one = payment()
            await world.send(ACCEPTED, one, key=one["userId"])
            paid.append(one)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(pay())
    try:
        yield paid
    finally:
        stop.set()
        await task


async def check_one_order_each(services: Services, paid: list[dict[str, Any]]) -> None:
    """Assert that each of these payments gets its order, and no second one."""
    for one in paid:

        async def found(one: dict[str, Any] = one) -> bool:
            return len(await services.orders.find_by_user(SYSTEM, FindOrders(one["userId"]))) == 1

        await eventually(found, within=60)
    assert await services.database.orders.count_documents({}) == len(paid)


async def tessera(variables: dict[str, str], *words: str) -> str:
    """What a command prints, which has to succeed."""
    done = await asyncio.to_thread(run, *words, variables=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_a_cold_copy_under_load_comes_back_whole_and_consumes_again(
    kafka_uri: str, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    lost, kept = folders
    mongod, restored = EmbeddedMongod(lost).start(), EmbeddedMongod(kept)
    try:
        uri = mongod.database_uri("tessera")
        async with event_world(kafka_uri, uri, tmp_path) as world:
            consumers = world.worker()
            await consumers.start()
            async with workers(uri, 1, KAFKA_URI=kafka_uri) as [worker]:
                shoppers = Shoppers([worker.port])
                await shoppers.prepare()
                async with paying(world) as paid, shoppers.asking(each=1):
                    await shoppers.until(60, within=60)
                    moment = await copy_under_load(mongod, kept)
                    # What is lost: it comes after the copy.
                    await shoppers.until(60, within=60)
            assert shoppers.refused == []
            await check_one_order_each(world.services, paid)
            await consumers.stop()
            mongod.stop()

            restored.start()
            world.environment["MONGO_URI"] = restored.database_uri("tessera")
            await check_restored(world, paid, moment)
    finally:
        mongod.stop()
        restored.stop()


async def check_restored(world: EventWorld, paid: list[dict[str, Any]], moment: datetime) -> None:
    uri = world.environment["MONGO_URI"]
    services = Services.open(mongo_uri=uri, database_name="tessera", mongo_driver=MONGO_DRIVER)
    try:
        assert "The database is ready." in await tessera(world.environment, "migrate")
        assert "Every counter is what its ledger makes it." in await tessera(world.environment, "audit")
        assert check_coupon_invariants(uri) >= 10
        had = await services.database.orders.count_documents({})
        assert 0 < had < len(paid)

        # The consumers were a little behind at the moment of the copy.
        to = iso(moment - timedelta(seconds=30))
        assert "records back" in await tessera(world.environment, "offsets", "--to", to, "--confirm")
        consumers = world.worker()
        await consumers.start()
        await check_one_order_each(services, paid)
        assert "Every counter is what its ledger makes it." in await tessera(world.environment, "audit")
        await consumers.stop()
    finally:
        await services.close()
