"""Faults: processes are killed under load, and how long nothing is answered then is measured.

Two workers serve twelve clients that read, redeem many coupons and one, and redeem under idempotency keys.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from bench.asking import Asked, asking
from bench.load import BenchError
from bench.replica_set import Node, ThreeNodes, three_nodes
from bench.seeds import seed_coupons
from bench.servers import ROOT, Server, tessera

COUPONS = 200
EVERY = 3.0
"""Seconds between two kills of a worker."""
WRITES = ("spread", "hot", "keyed")
STEADY = 2.0
"""Seconds of answers before the first fault."""


@dataclass(frozen=True, slots=True)
class Outage:
    """For how many seconds a fault had nothing answered, and for how many it may on a machine that is not busy."""

    fault: str
    seconds: float
    bound: float

    def row(self) -> tuple[str, str, str]:
        return self.fault, f"{self.seconds:.2f}", f"{self.bound:g}"


async def measure_faults(mongo_uri: str, folder: Path, *, times: int) -> list[Outage]:
    """Each fault so many times. Raises `BenchError` where a redemption is lost."""
    return [
        *await kill_workers(mongo_uri, times=times),
        await kill_everything(mongo_uri, times=times),
        await kill_first_start(mongo_uri, times=times),
        await stop_and_start(mongo_uri, times=max(1, times // 2)),
        *await lose_primary(folder),
    ]


async def kill_workers(mongo_uri: str, *, times: int) -> list[Outage]:
    """Kill -9 of one of two workers, the older one, again and again."""
    async with _serving(mongo_uri, "Faults of workers") as (server, asked):
        begin = time.monotonic()
        for _ in range(times):
            server.workers()[0].kill()
            await asyncio.sleep(EVERY)
        end = time.monotonic()
        last = end - EVERY / 2  # A key that broke later may still be on its way.
        await asyncio.sleep(EVERY)
        return [
            Outage(
                f"kill -9 of one of two workers, {times} times, each {EVERY:g} s", asked.longest_gap(begin, end), 0.5
            ),
            Outage("… a row that the dead process had locked", asked.longest_gap(begin, end, ("hot",)), 2.0),
            Outage("… the key of its request", asked.latest(begin, last), 3.0),
        ]


async def kill_everything(mongo_uri: str, *, times: int) -> Outage:
    """Kill -9 of the whole API, started again at once; every second start is killed itself, at a random moment."""
    async with _serving(mongo_uri, "Faults of the API") as (server, asked):
        longest = 0.0
        for _ in range(times):
            await _kill(server)
            server.launch()
            await asyncio.sleep(random.uniform(0, 2))
            await _kill(server)
            longest = max(longest, await asked.first_after(server.launch()))
            await asyncio.sleep(STEADY)
        return Outage(
            f"kill -9 of the whole API, started again at once, {2 * times} times: from the start", longest, 3.0
        )


async def stop_and_start(mongo_uri: str, *, times: int) -> Outage:
    """SIGTERM, the drain, and a start."""
    async with _serving(mongo_uri, "Faults of restarts") as (server, asked):
        longest = 0.0
        for _ in range(times):
            begin = time.monotonic()
            await asyncio.to_thread(server.stop)
            await asked.first_after(server.launch())
            longest = max(longest, asked.longest_gap(begin, time.monotonic()))
            await asyncio.sleep(STEADY)
        return Outage(f"SIGTERM and start again, {times} times", longest, 3.0)


async def kill_first_start(mongo_uri: str, *, times: int) -> Outage:
    """Kill -9 of the start that prepares the database; then one that is let live."""
    async with _serving(mongo_uri, "Faults of first starts", start=False) as (server, asked):
        for _ in range(times):
            server.launch()
            await asyncio.sleep(random.uniform(0.5, 2))
            await _kill(server)
        seconds = await asked.first_after(server.launch())
        await asyncio.sleep(STEADY)
        return Outage(f"… of the start that prepares the database, {times} times: from the next start", seconds, 3.0)


async def lose_primary(folder: Path) -> list[Outage]:
    """The primary of three nodes steps down, and is killed."""
    with three_nodes(folder / "three") as nodes:
        async with _serving(nodes.uri(""), "Faults of MongoDB") as (_, asked):
            return [
                *await _without_primary(nodes, asked, nodes.step_down, "stepped down"),
                *await _without_primary(nodes, asked, nodes.kill_primary, "killed"),
            ]


async def _without_primary(nodes: ThreeNodes, asked: Asked, lose: Callable[[], Node], how: str) -> list[Outage]:
    """What is added to the election, and to the moment from which a majority takes writes."""
    begin = time.monotonic()
    node = await asyncio.to_thread(lose)
    await asyncio.to_thread(lambda: nodes.primary(other_than=node))
    elected = time.monotonic()
    await asyncio.to_thread(nodes.write)
    writable = time.monotonic()
    await asyncio.sleep(2 * STEADY)
    end = time.monotonic()
    took = f"election {elected - begin:.1f} s, first write by a majority {writable - elected:.1f} s later"
    return [
        Outage(f"primary of three nodes {how} ({took}): after the election", asked.longest_gap(elected, end), 1.0),
        Outage("… redemptions, after that write", asked.longest_gap(writable, end, WRITES), 1.0),
    ]


async def _kill(server: Server) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(0.05)  # What it had answered is read, and not taken for an answer of the next.


@asynccontextmanager
async def _serving(mongo_uri: str, name: str, *, start: bool = True) -> AsyncIterator[tuple[Server, Asked]]:
    """A server of two workers and the clients that ask it; nothing may be lost by the end."""
    server = tessera(mongo_uri, workers=2, name=name)
    seed_coupons(server.mongo_uri, COUPONS)
    try:
        async with asking(server.port) as asked:
            if start:
                await asked.first_after(server.launch())
                await asyncio.sleep(STEADY)
            yield server, asked
    finally:
        await asyncio.to_thread(server.stop)
    await asyncio.to_thread(_check, server, asked)


def _check(server: Server, asked: Asked) -> None:
    """Raises `BenchError` where a number is not what its ledger says, or a redemption was told and is not there."""
    with MongoClient[dict[str, Any]](server.mongo_uri) as client:
        told = {"redeemerTwitterId": {"$in": list(asked.redeemers)}}
        kept = client.get_default_database()["redemptions"].count_documents(told)
    if kept != len(asked.redeemers):
        raise BenchError(f"{server.name}: of {len(asked.redeemers)} redemptions that were told there are {kept}")
    command = [sys.executable, "-m", "server", "audit"]
    audit = subprocess.run(command, cwd=ROOT, env=server.environment, capture_output=True, text=True, check=False)
    if audit.returncode:
        raise BenchError(f"{server.name}: {audit.stdout}{audit.stderr}")
