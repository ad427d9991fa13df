"""Processes are killed under load: soon something is answered again, and nothing that was told is lost.

`make bench` measures the same on a machine that has nothing else to do, and shows the exact figures.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import faults
from bench.faults import Outage
from devtools.embedded import EmbeddedMongod

BUSY = 8
"""By how much slower than alone a start may be here: tests run beside each other."""


@pytest.fixture
def own_mongo_uri(tmp_path: Path) -> Iterator[str]:
    """A mongod of the test's own: what the dead leave open holds up nobody else."""
    mongod = EmbeddedMongod(tmp_path / "mongo").start()
    yield mongod.uri
    mongod.stop()


def assert_short(*outages: Outage) -> None:
    for outage in outages:
        print(f"\n{outage.fault}: {outage.seconds:.2f} s, alone at most {outage.bound:g} s")
    assert [outage for outage in outages if outage.seconds > BUSY * outage.bound] == []


async def test_one_worker_after_the_other_is_killed(own_mongo_uri: str) -> None:
    assert_short(*await faults.kill_workers(own_mongo_uri, times=4))


async def test_the_whole_api_is_killed_at_any_moment(own_mongo_uri: str) -> None:
    assert_short(await faults.kill_everything(own_mongo_uri, times=3))


async def test_the_start_that_prepares_the_database_is_killed(own_mongo_uri: str) -> None:
    assert_short(await faults.kill_first_start(own_mongo_uri, times=3))


async def test_the_api_is_stopped_and_started(own_mongo_uri: str) -> None:
    assert_short(await faults.stop_and_start(own_mongo_uri, times=2))


async def test_the_primary_of_three_nodes_is_lost(tmp_path: Path) -> None:
    assert_short(*await faults.lose_primary(tmp_path))
