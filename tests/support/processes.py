"""Tessera's own programs as child processes, and what is left of them."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from devtools.embedded import ChildProcess
from tests.support.api import ADMIN_KEY, JWT_SECRET, MONGO_DRIVER

ROOT = Path(__file__).parents[2]
STARTS_WITHIN = 120.0
"""Seconds in which any program starts, on a machine with many times more to do than it can."""


def environment(**variables: str) -> dict[str, str]:
    """A clean environment with these variables in it; HOME is there for the cache of Kafka's jars."""
    own = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "PYTHONPATH": str(ROOT), "MONGO_DRIVER": MONGO_DRIVER}
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return own | measured | variables


def served(database_uri: str, **variables: str) -> dict[str, str]:
    """The environment of a `tessera serve` over this database."""
    required = {"MONGO_URI": database_uri, "JWT_SEC": JWT_SECRET, "ADMIN_KEY": ADMIN_KEY}
    return environment(**(required | variables))


def program(log: Path, *words: str, variables: dict[str, str]) -> ChildProcess:
    """`tessera WORDS` with its output in `log`; not started yet."""
    return ChildProcess("tessera", [sys.executable, "-m", "server", *words], log, environment=variables)


def run(*words: str, variables: dict[str, str], timeout: float = STARTS_WITHIN) -> subprocess.CompletedProcess[str]:
    """`tessera WORDS` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "server", *words],
        env=variables,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def family(process: ChildProcess) -> list[psutil.Process]:
    """A process and all that descend from it, as they are now."""
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def survivors(processes: list[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Which of these still run after `timeout` seconds; those that ended and were not collected do not count."""
    _, alive = psutil.wait_procs(processes, timeout)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
