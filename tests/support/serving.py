"""A `tessera serve` of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from devtools.embedded import ChildProcess
from tests.support.processes import STARTS_WITHIN, program, served


@contextmanager
def serving(log: Path, database_uri: str, ports: list[int], *options: str, **variables: str) -> Iterator[ChildProcess]:
    """A `tessera serve` on these ports, stopped afterwards."""
    names = ("PORT", "ORDER_SERVICE_PORT", "USAGE_FOLLOWER_SERVICE_PORT")
    variables = {name: str(port) for name, port in zip(names, ports, strict=False)} | variables
    process = program(log, "serve", "--host", "127.0.0.1", *options, variables=served(database_uri, **variables))
    try:
        process.start().wait_until(lambda: all(answers(port) for port in ports), STARTS_WITHIN)
        yield process
    finally:
        process.stop()


def answers(port: int) -> bool:
    """Whether it is ready on this port."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
