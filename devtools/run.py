"""What `tessera dev` does: everything up in order, a few lines to begin with, everything down in order."""

import asyncio
import fcntl
import importlib.util
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devtools.embedded import EmbeddedError, EmbeddedKafka, EmbeddedMongod
from devtools.embedded.ports import free_port_from, is_free, kept_ports
from devtools.program import Program
from devtools.secrets import keep_secrets
from devtools.supervisor import Part, Supervisor
from server.cli.data_folder import KAFKA_PORTS, LOOPBACK, MONGO_PORT
from server.cli.health import answers_ok
from server.settings import Settings
from server.token_settings import DEVELOPMENT
from server.tokens import make_token
from services.settings import Port, Url

TOKEN_DAYS = 30
# Any port would do: the settings are only judged with it, before MongoDB is started.
_SOME_MONGO = "mongodb://127.0.0.1/"

Say = Callable[[str, str], None]


class DevelopmentSettings(Settings):
    """What the API and the consumers are told, judged together before anything starts."""

    consumers_port: Port | None = None
    """Unset: any that is free."""
    payment_uri: Url | None = None


class DevelopmentError(Exception):
    """`tessera dev` cannot run here; the message says why."""


def develop(data: Path, *, host: str, workers: int, environment: Mapping[str, str], say: Say) -> None:
    """Run all until SIGINT or SIGTERM.

    Raises `SettingsError`, `EmbeddedError`, `DevelopmentError`; whatever was started by then is stopped.
    """
    given = {name: value for name, value in environment.items() if value.strip()}
    with _held(data):
        given = {**given, **{name: given.get(name, value) for name, value in keep_secrets(data).items()}}
        settings = _judged(given)
        if "PORT" not in given:
            given["PORT"] = str(take_port(settings.port, host, say))
            settings = _judged(given)
        for port in (settings.port, *settings.extra_ports):
            # Before anything starts: another server there would pass for ours.
            if not is_free(port, host):
                raise DevelopmentError(f"Port {port} of {host} is in use; PORT names another.")
        asyncio.run(_Development(data, host, workers, given, settings, say).run())


def _judged(given: Mapping[str, str]) -> DevelopmentSettings:
    return DevelopmentSettings.from_environment({"MONGO_URI": _SOME_MONGO, **given, DEVELOPMENT: "1"})


def take_port(standard: int, host: str, say: Say) -> int:
    """Return the port for who names none: the standard one, or else the next that is free, which is said."""
    port = free_port_from(standard, host)
    if port != standard:
        say("", f"Port {standard} of {host} is in use: the API takes {port}.")
    return port


@contextmanager
def _held(data: Path) -> Iterator[None]:
    """Hold the data folder; the kernel lets go of it whatever ends this process."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise DevelopmentError(f"Another tessera dev (process {holder}) works with {data}.") from fault
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


class _Development:
    """One run: the parts and how they hang together."""

    def __init__(
        self,
        data: Path,
        host: str,
        workers: int,
        given: dict[str, str],
        settings: DevelopmentSettings,
        say: Say,
    ) -> None:
        self._data = data
        self._given = given
        self._settings = settings
        self._say = say
        self._supervisor = Supervisor(say)
        self._mongod = None if "MONGO_URI" in given else EmbeddedMongod(data / MONGO_PORT.parent)
        self._kafka = None if "KAFKA_URI" in given else EmbeddedKafka(data / KAFKA_PORTS.parent)
        # A wildcard is no address to call; what it covers is.
        self._called = LOOPBACK if host in ("0.0.0.0", "::") else host  # noqa: S104  # compared, not bound
        self._url = f"http://{f'[{self._called}]' if ':' in self._called else self._called}:{settings.port}"
        self._api = Program(
            "api",
            ["server", "serve", "--host", host, "--workers", str(workers)],
            data / "api.log",
            environment=self._environment,
            ready=lambda: answers_ok(self._called, settings.port, "/readyz"),
            uri=self._url,
        )
        self._consumers = self._make_consumers(settings.consumers_port)

    def _make_consumers(self, port: int | None) -> Program:
        if not port:
            [port] = kept_ports(self._data / "consumers.port", 1)
        return Program(
            "consumers",
            ["consumers"],
            self._data / "consumers.log",
            environment=lambda: {**self._environment(), "CONSUMERS_HOST": LOOPBACK, "CONSUMERS_PORT": str(port)},
            ready=lambda: answers_ok(LOOPBACK, port, "/readyz"),
            uri=f"http://{LOOPBACK}:{port}/metrics",
        )

    def _environment(self) -> dict[str, str]:
        environment = {**self._given, DEVELOPMENT: "1"}
        if self._mongod:
            environment["MONGO_URI"] = self._mongod.database_uri("tessera")
        if self._kafka:
            environment["KAFKA_URI"] = self._kafka.uri
        return environment

    async def run(self) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        start = asyncio.create_task(self._start())
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([start, asked], return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                start.result()
                await asked
        finally:
            start.cancel()
            asked.cancel()
            await asyncio.gather(start, asked, return_exceptions=True)
            await self._supervisor.stop()

    async def _start(self) -> None:
        dependents: list[Part] = [self._api, self._consumers]
        if self._mongod:
            await self._supervisor.start(self._mongod, dependents)
        if self._kafka:
            # The API is told where Kafka is going to be and need not wait for it.
            self._kafka.reserve()
        kafka = asyncio.create_task(self._start_kafka())
        try:
            await self._supervisor.start(self._api)
            self._say_welcome()
            if await kafka:
                await self._start_consumers()
            else:
                await self._supervisor.renew(self._api)
        finally:
            kafka.cancel()
            await asyncio.gather(kafka, return_exceptions=True)

    async def _start_kafka(self) -> bool:
        """Start Kafka beside the API; False where there can be none."""
        if self._kafka is None:
            return True
        try:
            await self._supervisor.start(self._kafka, [self._consumers])
        except EmbeddedError as fault:
            self._say("kafka", f"{fault}\n    Tessera runs on without events.")
            self._kafka = None
            return False
        return True

    async def _start_consumers(self) -> None:
        if importlib.util.find_spec("consumers.__main__") is None:
            self._say("consumers", "not installed: events are written and wait")
            return
        try:
            await self._supervisor.start(self._consumers)
        except EmbeddedError as fault:
            raise DevelopmentError(str(fault)) from fault

    def _say_welcome(self) -> None:
        settings = self._settings
        token = make_token(settings, "admin", ["admin"], TOKEN_DAYS)
        query = '{"query":"{ viewer { userId isAdmin } couponStats { totalCoupons totalRedeemed } }"}'
        self._say(
            "",
            f"""
  GraphQL, and GraphiQL in a browser   {self._url}/graphql
  REST                                 {self._url}/api, /admin
  Admin key                            {settings.admin_key}
  Token of an admin, for {TOKEN_DAYS} days

{token}

  A first query:

curl -s {self._url}/graphql -H 'Content-Type: application/json' \\
  -H 'Authorization: Bearer {token}' \\
  -d '{query}'

  Data and logs are in {self._data}. Ctrl-C ends everything.
""",
        )
