"""Side by side: every scenario against every server that takes part, in turns, three times; medians are kept."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

from bench.load import BenchError, Load, run_wrk
from bench.scenarios import (
    LIMITED,
    PYMONGO,
    SCENARIOS,
    TWO_WORKERS,
    Scenario,
    check_answers,
    check_redemptions,
    prepare,
)
from bench.seeds import index_for_lists, seed_coupons
from bench.servers import Server, peers, tessera

WARM_UP_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians over the rounds: requests a second, milliseconds, processor seconds for 1,000 requests."""

    scenario: str
    server: str
    rate: float
    p50: float
    p99: float
    cpu: float
    lost: float = 0.0


@contextmanager
def running(mongo_uri: str, coupons: int) -> Iterator[dict[str, Server]]:
    """All servers, each over a database of its own with the same coupons."""
    with ExitStack() as stack:
        limited = {"RATE_LIMIT": "100000/minute", "FORWARDED_ALLOW_IPS": "127.0.0.1"}
        servers = [
            tessera(mongo_uri),
            tessera(mongo_uri, workers=2, name=TWO_WORKERS),
            tessera(mongo_uri, name=PYMONGO, environment={"MONGO_DRIVER": "pymongo"}),
            tessera(mongo_uri, name=LIMITED, environment=limited),
            *peers(mongo_uri),
        ]
        for server in servers:
            seed_coupons(server.mongo_uri, coupons)
            if not server.name.startswith("Tessera"):
                index_for_lists(server.mongo_uri)
            stack.callback(server.stop)
            server.start()
            check_answers(server)
            prepare(server)
        yield {server.name: server for server in servers}


def measure(mongo_uri: str, *, coupons: int, rounds: int, seconds: int) -> list[Measured]:
    """The whole table. Raises `BenchError` for wrong answers, and when Tessera loses a redemption."""
    runs: dict[tuple[str, str], list[tuple[Load, float]]] = {}
    with running(mongo_uri, coupons) as servers:
        for round_number in range(rounds):
            for scenario in SCENARIOS:
                for name in scenario.servers:
                    if round_number == 0 and rounds > 1:
                        # Compilers in time compile what runs often: nobody is measured cold.
                        _measure_once(servers[name], scenario, f"warm-{time.time_ns()}", coupons, WARM_UP_SECONDS)
                    run = f"{round_number}-{time.time_ns()}"
                    measured = _measure_once(servers[name], scenario, run, coupons, seconds)
                    runs.setdefault((scenario.name, name), []).append(measured)
                    rate = f"{measured[0].rate:,.0f}/s"
                    sys.stderr.write(f"  {round_number + 1}/{rounds} {scenario.name}: {name} {rate}\n")
        lost = {name: check_redemptions(server) for name, server in servers.items()}
    for name, share in lost.items():
        if name.startswith("Tessera") and share:
            raise BenchError(f"{name} lost {share:.1%} of its redemptions")
    return [_median(scenario, name, taken, lost[name]) for (scenario, name), taken in runs.items()]


def _measure_once(server: Server, scenario: Scenario, run: str, coupons: int, seconds: int) -> tuple[Load, float]:
    before = server.cpu_seconds()
    arguments = scenario.arguments(run, coupons)
    load = run_wrk(server.url, scenario.script, arguments, connections=scenario.connections, seconds=seconds)
    if load.refused and server.name.startswith("Tessera"):
        raise BenchError(f"{server.name}, {scenario.name}: {load.refused} of {load.requests} were refused")
    return load, (server.cpu_seconds() - before) / max(load.requests, 1) * 1_000


def _median(scenario: str, server: str, runs: list[tuple[Load, float]], lost: float) -> Measured:
    loads = [load for load, _ in runs]
    return Measured(
        scenario=scenario,
        server=server,
        rate=median(load.rate for load in loads),
        p50=median(load.p50 for load in loads),
        p99=median(load.p99 for load in loads),
        cpu=median(cpu for _, cpu in runs),
        lost=lost if scenario.startswith("redeem") else 0.0,
    )
