"""`make bench-smoke`: every benchmark runs against every server, and every answer and invariant is checked."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(900)
def test_every_benchmark_runs_small() -> None:
    command = [sys.executable, "-m", "bench", "--smoke"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=880, check=False)
    assert finished.returncode == 0, finished.stderr
    for part in (
        "### REST get",
        "### GraphQL list of 20 × 10",
        "### redeem, all on one coupon",
        "| mercurius JIT |",
        "| coupons: last page |",
        "| add usage |",
        "events relayed to Kafka a second",
        "resident, idle",
        "| kill -9 of one of two workers",
        "| primary of three nodes killed",
        "`tessera codes generate`",
        "| one client alone: REST get |",
    ):
        assert part in finished.stdout, part
