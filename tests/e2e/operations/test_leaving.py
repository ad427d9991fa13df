"""DRAIN_DELAY: after SIGTERM it serves on for a while and says that it is not ready, so that nobody is refused."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from devtools.embedded import ChildProcess
from devtools.embedded.ports import free_ports
from tests.support.eventually import eventually
from tests.support.processes import family, survivors
from tests.support.serving import answers, serving

FOREVER = 300
"""A delay that no test waits for."""
SOON = 60.0


@contextmanager
def leaving(tmp_path: Path, database_uri: str, delay: int, workers: int) -> Iterator[tuple[ChildProcess, int]]:
    """A server of its own that leaves after so long; its log has to be clean."""
    [port] = free_ports(1)
    log = tmp_path / "log"
    with serving(log, database_uri, [port], "--workers", str(workers), DRAIN_DELAY=str(delay)) as process:
        yield process, port
    assert process.exit_code == 0, process.last_lines()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line for line in lines if line["level"] in ("ERROR", "CRITICAL")] == []


def tell(process: ChildProcess, number: signal.Signals) -> list[psutil.Process]:
    """Send it a signal; returns all its processes."""
    processes = family(process)
    processes[0].send_signal(number)
    return processes


async def all_ended(processes: list[psutil.Process]) -> None:
    assert await asyncio.to_thread(survivors, processes, SOON) == []


@pytest.mark.parametrize("workers", [1, 2])
async def test_it_serves_on_while_it_says_that_it_is_not_ready(tmp_path: Path, database_uri: str, workers: int) -> None:
    delay = 4
    with leaving(tmp_path, database_uri, delay, workers) as (process, port):
        begin = time.monotonic()
        processes = tell(process, signal.SIGTERM)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            # Whichever worker answers: all of them have been told.
            await eventually(lambda: not answers(port), within=SOON)
            ready, asked, query = await asyncio.gather(
                http.get("/readyz"),
                http.get("/livez"),
                http.post("/graphql", json={"query": "{ __typename }"}),
            )
        assert (ready.status_code, ready.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert (asked.status_code, query.status_code) == (200, 200)
        assert asked.headers["connection"] == query.headers["connection"] == "close"
        await all_ended(processes)
        assert time.monotonic() - begin >= delay


@pytest.mark.parametrize("workers", [1, 2])
async def test_an_interrupt_ends_the_wait_and_needs_none(tmp_path: Path, database_uri: str, workers: int) -> None:
    with leaving(tmp_path, database_uri, FOREVER, workers) as (process, port):
        processes = tell(process, signal.SIGTERM)
        await eventually(lambda: not answers(port), within=SOON)
        tell(process, signal.SIGTERM)
        assert (await asyncio.to_thread(httpx.get, f"http://127.0.0.1:{port}/livez", timeout=30)).status_code == 200
        tell(process, signal.SIGINT)
        await all_ended(processes)
    with leaving(tmp_path, database_uri, FOREVER, workers) as (process, _):
        await all_ended(tell(process, signal.SIGINT))


async def test_a_worker_that_is_replaced_does_not_wait_and_is_missed_by_nobody(
    tmp_path: Path, database_uri: str
) -> None:
    with leaving(tmp_path, database_uri, FOREVER, 2) as (process, port):
        before = set(tell(process, signal.SIGHUP)[1:])
        seen: list[bool] = []

        def replaced() -> bool:
            seen.append(answers(port))
            return before.isdisjoint(family(process))

        await asyncio.to_thread(process.wait_until, replaced, 120)
        assert all(seen)
        await all_ended(tell(process, signal.SIGINT))


async def test_workers_that_lost_their_parent_leave_the_port_to_the_next_at_once(
    tmp_path: Path, database_uri: str
) -> None:
    [port] = free_ports(1)
    with serving(tmp_path / "log", database_uri, [port], "--workers", "2", DRAIN_DELAY=str(FOREVER)) as process:
        workers = family(process)[1:]
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        await all_ended(workers)
