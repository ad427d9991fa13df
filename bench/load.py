"""Load: one run of wrk against one server."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ADMIN_KEY = "an-admin-key-of-the-benchmark-32-bytes"
SCRIPTS = Path(__file__).parent / "wrk"


class BenchError(Exception):
    """The benchmark cannot run here, or what it measured is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk counted: requests a second, latencies in milliseconds, answers that were refusals."""

    rate: float
    requests: int
    p50: float
    p99: float
    refused: int


def run_wrk(base_url: str, script: str, arguments: Sequence[str], *, connections: int, seconds: int) -> Load:
    """Drive `base_url` with one of the scripts; raises `BenchError` for broken connections."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise BenchError("wrk is not on this machine (Debian: apt-get install wrk)")
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPTS / script)]
    finished = subprocess.run(
        [*command, base_url, "--", *arguments],
        env=os.environ | {"BENCH_WRK": str(SCRIPTS), "BENCH_ADMIN_KEY": ADMIN_KEY},
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    if finished.returncode:
        raise BenchError(f"wrk {script}: {finished.stderr.strip() or finished.stdout.strip()}")
    counted = json.loads(finished.stdout.strip().splitlines()[-1])
    if counted["broken"]:
        raise BenchError(f"wrk {script} against {base_url}: {counted['broken']} broken connections")
    rate = (counted["requests"] - counted["refused"]) / counted["seconds"]
    return Load(rate, counted["requests"], counted["p50"], counted["p99"], counted["refused"])
