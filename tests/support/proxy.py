"""A real Caddy before servers of a test, as `deploy/caddy/Caddyfile` has it."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from devtools.embedded import ChildProcess
from devtools.embedded.ports import free_ports
from tests.support.processes import ROOT, STARTS_WITHIN

CADDYFILE = ROOT / "deploy" / "caddy" / "Caddyfile"


def tool(name: str) -> str:
    """A program that a package of the extra `deploy` brings: that of this Python, else that on the PATH."""
    path = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert path is not None, f"{name} is not here: install tessera[deploy], or put it on the PATH"
    return path


@contextmanager
def proxy(folder: Path, upstreams: Sequence[int]) -> Iterator[int]:
    """The port of a proxy before servers on these ports, which asks them five times a second whether they are ready."""
    [port] = free_ports(1)
    variables = {
        "ADDRESS": f"http://127.0.0.1:{port}",
        "UPSTREAMS": " ".join(f"127.0.0.1:{upstream}" for upstream in upstreams),
        "HEALTH_INTERVAL": "200ms",
        # A machine that is busy is no reason to give a server up.
        "HEALTH_TIMEOUT": "30s",
        "HOME": str(folder),
    }
    command: list[str | Path] = [tool("caddy"), "run", "--adapter", "caddyfile", "--config", CADDYFILE]
    process = ChildProcess("caddy", command, folder / "caddy.log", environment=variables)
    try:
        process.start().wait_until(lambda: _passes_on(port), STARTS_WITHIN)
        yield port
    finally:
        process.stop()


def _passes_on(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=30).status_code == 200
    except httpx.TransportError:
        return False
