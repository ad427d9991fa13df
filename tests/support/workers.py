"""Real worker processes: `tessera serve` on a port of its own, to race against each other and to be killed."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from devtools.embedded.ports import free_ports
from tests.support.openapi import HOOKS
from tests.support.processes import ROOT, STARTS_WITHIN, served


class Worker:
    """One `tessera serve` process. `http` talks to it; `kill` is kill -9."""

    def __init__(self, database_uri: str, **environment: str) -> None:
        [self.port] = free_ports(1)
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=30,
            limits=httpx.Limits(max_connections=200),
            event_hooks=HOOKS,
        )
        defaults = {
            "PORT": str(self.port),
            "RATE_LIMIT": "1000000/15minutes",
            "KAFKA_URI": "127.0.0.1:9",
            "LOG_LEVEL": "error",
        }
        self._environment = served(database_uri, **(defaults | environment))
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [sys.executable, "-m", "server", "serve"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment)  # noqa: ASYNC220  # returns at once
        clock = asyncio.get_running_loop().time
        deadline = clock() + STARTS_WITHIN
        while True:
            try:
                if (await self.http.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert self._process.poll() is None, f"tessera serve ended with {self._process.returncode}"
            assert clock() < deadline, "tessera serve did not become ready"
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash would: no handler runs."""
        self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it as an operator would."""
        self._end(signal.SIGTERM)
        await self.http.aclose()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(20)


@asynccontextmanager
async def workers(database_uri: str, number: int, **environment: str) -> AsyncIterator[list[Worker]]:
    """So many worker processes over one database."""
    started = [Worker(database_uri, **environment) for _ in range(number)]
    try:
        await asyncio.gather(*(worker.start() for worker in started))
        yield started
    finally:
        for worker in started:
            await worker.stop()
