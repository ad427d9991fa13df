"""A rolling upgrade from 1.0.0 under load, and back, with real processes of both: nothing is refused or lost."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from pymongo import MongoClient

from devtools.embedded import ChildProcess, EmbeddedMongod
from devtools.embedded.ports import free_ports
from services.migrations.runner import VERSION
from tests.e2e.upgrade.shoppers import Shoppers
from tests.support.processes import STARTS_WITHIN, run, served
from tests.support.serving import answers
from tests.support.uris import with_database

FIRST_RELEASE = Path(__file__).parent / "tessera-1.0.0-py3-none-any.whl"
ROWS = int(os.environ.get("UPGRADE_ROWS", "6000"))
"""How many rows the first release writes before it is upgraded."""
FILLS_WITHIN = max(300.0, ROWS / 50)
MEANWHILE = 300
"""How many rows are written in each phase of the upgrade."""
DRAINS = 1.0
"""Seconds from when the balancer sends nobody to a server any more to its SIGTERM."""

Row = dict[str, object]


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    mongod = EmbeddedMongod(tmp_path / "mongo").start()
    yield with_database(mongod.uri, "shop")
    mongod.stop()


class Release:
    """The programs of one release over a database, each with a port of its own."""

    def __init__(self, uri: str, folder: Path, installed: Path | None = None) -> None:
        self._folder = folder
        self._variables = served(uri, RATE_LIMIT="off")
        if installed is not None:
            self._variables["PYTHONPATH"] = str(installed)

    def api(self) -> tuple[int, ChildProcess]:
        """A server that is being started."""
        [port] = free_ports(1)
        # Without the folder that this runs in, which has the code of today.
        command = [sys.executable, "-P", "-m", "server", "serve", "--host", "127.0.0.1"]
        variables = self._variables | {"PORT": str(port)}
        return port, ChildProcess("tessera", command, self._folder / f"{port}.log", environment=variables).start()

    def run(self, *words: str) -> str:
        """What a command prints, which has to succeed."""
        done = run(*words, variables=self._variables, timeout=FILLS_WITHIN)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


async def ready(port: int, process: ChildProcess) -> None:
    await asyncio.to_thread(process.wait_until, lambda: answers(port), STARTS_WITHIN)


async def replace(shoppers: Shoppers, old: tuple[int, ChildProcess], new: Release) -> tuple[int, ChildProcess]:
    """Start a server of the new release, send clients to it, and stop one of the old."""
    started = new.api()
    await ready(*started)
    shoppers.ports.append(started[0])
    await shoppers.until(MEANWHILE, within=FILLS_WITHIN)
    shoppers.ports.remove(old[0])
    await asyncio.sleep(DRAINS)
    await asyncio.to_thread(old[1].stop)
    return started


def check_not_upgraded(uri: str) -> None:
    """No process of this release has seen the database."""
    with MongoClient[Row](uri) as client:
        assert client.get_default_database()["migrations"].find_one({"_id": VERSION}) is None


def check(uri: str, shoppers: Shoppers) -> None:
    """Whoever was told something finds it, and what both releases wrote has one form."""
    with MongoClient[Row](uri) as client:
        database = client.get_default_database()
        told = {"redeemerTwitterId": {"$in": shoppers.redeemers}}
        assert database["redemptions"].count_documents(told) == len(shoppers.redeemers)
        created = {"twitterId": {"$in": shoppers.created}}
        assert database["coupons"].count_documents(created) == len(shoppers.created)
        forms = database["coupons"].distinct("form")
        assert len(forms) == 1
        assert database["coupons"].count_documents({"codeKey": None}) == 0


async def test_two_servers_of_the_first_release_are_replaced_under_load(uri: str, tmp_path: Path) -> None:
    with ZipFile(FIRST_RELEASE) as wheel:
        wheel.extractall(tmp_path / "installed")
    first, second = Release(uri, tmp_path, tmp_path / "installed"), Release(uri, tmp_path)
    old = [first.api(), first.api()]
    running = list(old)
    try:
        for server in old:
            await ready(*server)
        shoppers = Shoppers([port for port, _ in old])
        await shoppers.prepare()
        async with shoppers.asking():
            await shoppers.until(ROWS, within=FILLS_WITHIN)
            await asyncio.to_thread(check_not_upgraded, uri)
            running += [await replace(shoppers, server, second) for server in old]
            # The way back of one of them, which meets a database that the new release has migrated, and forth again.
            running.append(await replace(shoppers, running[-1], first))
            running.append(await replace(shoppers, running[-1], second))
            await shoppers.until(MEANWHILE, within=FILLS_WITHIN)
    finally:
        for _, process in running:
            process.stop()
    assert shoppers.refused == []
    await asyncio.to_thread(second.run, "migrate")
    await asyncio.to_thread(second.run, "audit")
    await asyncio.to_thread(check, uri, shoppers)
