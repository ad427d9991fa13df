"""The servers that are measured: Tessera and its peers, each a process of its own with a database of its own."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

import httpx
import psutil

from bench.load import ADMIN_KEY, BenchError
from devtools.embedded.ports import free_ports

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
JWT_SECRET = "a-jwt-secret-of-the-benchmark-32-bytes"


class Server:
    """One server under load. `cpu_seconds` is the processor time of its whole process tree so far."""

    def __init__(self, name: str, command: Sequence[str], mongo_uri: str, environment: Mapping[str, str]) -> None:
        self.name = name
        [self.port] = free_ports(1)
        self.database = "".join(letter for letter in name.lower() if letter.isalnum())
        self.mongo_uri = urlsplit(mongo_uri)._replace(path=f"/{self.database}").geturl()
        self._command = command
        # What is installed is compiled, so starts are measured with compiled modules here too.
        here = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.environment = here | dict(environment) | {"PORT": str(self.port), "MONGO_URI": self.mongo_uri}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> float:
        """Start it and return at once, with the instant."""
        instant = time.monotonic()
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        return instant

    def start(self, *, within: float = 30) -> Self:
        self.launch()
        assert self._process is not None
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health").status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.02)
        raise BenchError(f"{self.name} did not start")

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def workers(self) -> list[psutil.Process]:
        """Its worker processes, the oldest first."""
        return sorted(self._processes()[1:], key=lambda process: process.create_time())

    def kill(self) -> None:
        """End all of its processes as a crash would."""
        assert self._process is not None
        if self._process.poll() is None:
            for process in self._processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._process.wait(20)

    def _processes(self) -> list[psutil.Process]:
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu_seconds(self) -> float:
        times = [process.cpu_times() for process in self._processes()]
        return sum(spent.user + spent.system for spent in times)

    def resident_bytes(self) -> list[int]:
        """The resident memory of each of its processes."""
        return [process.memory_info().rss for process in self._processes()]


def tessera(
    mongo_uri: str, *, workers: int = 1, name: str = "Tessera", environment: Mapping[str, str] = MappingProxyType({})
) -> Server:
    command = [sys.executable, "-m", "server", "serve", "--workers", str(workers)]
    base = {
        "JWT_SEC": JWT_SECRET,
        "ADMIN_KEY": ADMIN_KEY,
        "RATE_LIMIT": "off",
        "KAFKA_URI": "127.0.0.1:9",  # Nothing listens there: events are written, no relay takes them.
        "LOG_LEVEL": "error",
    }
    return Server(name, command, mongo_uri, base | dict(environment))


def peer(script: str, name: str, mongo_uri: str) -> Server:
    node = shutil.which("node")
    if node is None:
        raise BenchError("node is not on this machine")
    if not (PEERS / "node_modules").is_dir():
        raise BenchError("the peers are not installed: npm install in bench/peers")
    return Server(name, [node, str(PEERS / script)], mongo_uri, {"NODE_ENV": "production", "RATE_LIMIT": "off"})


def peers(mongo_uri: str) -> list[Server]:
    """The stacks one would pick instead."""
    return [
        peer("express.js", "Express + mongoose", mongo_uri),
        peer("fastify.js", "fastify", mongo_uri),
        peer("apollo.js", "Apollo", mongo_uri),
        peer("mercurius.js", "mercurius JIT", mongo_uri),
    ]
