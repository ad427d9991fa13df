"""Two servers behind a proxy are restarted one after the other: no request fails, and every subscriber is back."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from devtools.embedded import ChildProcess
from devtools.embedded.ports import free_ports
from tests.support.eventually import eventually
from tests.support.ledger import check_coupon_invariants
from tests.support.processes import STARTS_WITHIN, program, served
from tests.support.proxy import proxy
from tests.support.serving import answers
from tests.support.steady import steady
from tests.support.subscribers import Subscriber, subscribers

SUBSCRIBERS = 200
EACH_SECOND = 50
DRAIN_DELAY = 4
"""Seconds, twenty times as long as the proxy takes to look again."""
WITHIN = 120.0


def instance(folder: Path, database_uri: str, port: int) -> ChildProcess:
    """A server that is not started yet."""
    variables = served(
        database_uri,
        PORT=str(port),
        RATE_LIMIT="off",
        DRAIN_DELAY=str(DRAIN_DELAY),
        KAFKA_URI="127.0.0.1:9",
        FORWARDED_ALLOW_IPS="127.0.0.1",
        LOG_LEVEL="warning",
    )
    return program(folder / f"{port}.log", "serve", "--host", "127.0.0.1", variables=variables)


@contextmanager
def instances(folder: Path, database_uri: str, ports: list[int]) -> Iterator[list[ChildProcess]]:
    """A server on each port, that is ready."""
    with ExitStack() as running:
        started = [instance(folder, database_uri, port) for port in ports]
        for process in started:
            running.callback(process.stop)
            process.start()
        for process, port in zip(started, ports, strict=True):
            process.wait_until(partial(answers, port), STARTS_WITHIN)
        yield started


def restart(process: ChildProcess, port: int) -> None:
    process.stop(timeout=DRAIN_DELAY + 60)
    assert process.exit_code == 0, process.last_lines()
    process.start().wait_until(lambda: answers(port), STARTS_WITHIN)


async def all_are_told(them: list[Subscriber], count: int) -> None:
    """Wait until each has been told of the count."""
    await eventually(lambda: all(one.seen >= count for one in them), within=WITHIN)


def assert_spread(moments: list[float]) -> None:
    """They were sent away over a while, not all at once."""
    assert max(moments) - min(moments) > DRAIN_DELAY / 4


async def test_nobody_is_refused_and_every_subscriber_is_back(database_uri: str, tmp_path: Path) -> None:
    ports = free_ports(2)
    with instances(tmp_path, database_uri, ports) as running, proxy(tmp_path, ports) as port:
        address = f"127.0.0.1:{port}"
        async with steady(address, EACH_SECOND) as clients, subscribers(address, clients.campaign, SUBSCRIBERS) as them:
            await all_are_told(them, 0)
            for process, own in zip(running, ports, strict=True):
                before = {one.user: len(one.sent_away) for one in them}
                await asyncio.to_thread(restart, process, own)
                assert_spread([moment for one in them for moment in one.sent_away[before[one.user] :]])
                await all_are_told(them, clients.used)
    assert clients.refused == []
    assert [fault for one in them for fault in one.faults] == []
    assert all(one.sent_away for one in them)
    print(f"\n{clients.answered} requests, {sum(len(one.sent_away) for one in them)} subscribers went elsewhere")
    assert clients.answered > DRAIN_DELAY * EACH_SECOND
    assert check_coupon_invariants(database_uri) == len(clients.redeemers)
