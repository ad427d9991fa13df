"""A replica set of three nodes on this machine, whose primary can be killed and told to step down."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from bench.load import BenchError
from devtools.embedded import ChildProcess
from devtools.embedded.mongod import find_mongod
from devtools.embedded.ports import free_ports
from server.cli.data_folder import is_listening

NAME = "three"
ELECTION_MILLISECONDS = 2_000
WITHIN = 60.0


class Node:
    """One mongod of the set."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        folder.mkdir(parents=True)
        words = f"--nounixsocket --bind_ip 127.0.0.1 --oplogSize 128 --wiredTigerCacheSizeGB 0.25 --replSet {NAME}"
        command: list[str | Path] = [find_mongod(), *words.split(), "--port", str(port), "--dbpath", folder]
        self.child = ChildProcess(f"mongod {port}", command, folder.with_suffix(".log"))
        self.client = MongoClient[dict[str, Any]](
            "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=200, connect=False
        )

    def start(self) -> None:
        self.child.start().wait_until(lambda: is_listening(self.port), WITHIN)

    def is_primary(self) -> bool:
        try:
            return bool(self.client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


class ThreeNodes:
    """The set. Elections begin two seconds after a primary fell silent."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [Node(folder / f"node{n}", port) for n, port in enumerate(free_ports(3))]

    def uri(self, database: str) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"mongodb://{hosts}/{database}?replicaSet={NAME}"

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        members = [{"_id": n, "host": f"127.0.0.1:{node.port}"} for n, node in enumerate(self.nodes)]
        settings = {"electionTimeoutMillis": ELECTION_MILLISECONDS}
        wanted = {"_id": NAME, "members": members, "settings": settings}
        self.nodes[0].client.admin.command("replSetInitiate", wanted)
        self.primary()

    def primary(self, *, other_than: Node | None = None) -> Node:
        """Wait for the primary. Raises `BenchError`."""
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline:
            for node in self.nodes:
                if node is not other_than and node.is_primary():
                    return node
            time.sleep(0.01)
        raise BenchError("the nodes elect no primary")

    def write(self) -> None:
        """One write of a client of its own that a majority has; waits for it."""
        with MongoClient[dict[str, Any]](self.uri("probe"), w="majority") as client:
            client.get_default_database()["writes"].insert_one({})

    def kill_primary(self) -> Node:
        """End the primary with kill -9; returns it."""
        node = self.primary()
        assert node.child.pid is not None
        os.kill(node.child.pid, signal.SIGKILL)
        return node

    def step_down(self) -> Node:
        """Have another node take the place of the primary; returns the one that was."""
        node = self.primary()
        node.client.admin.command("replSetStepDown", 10, secondaryCatchUpPeriodSecs=5)
        return node


@contextmanager
def three_nodes(folder: Path) -> Iterator[ThreeNodes]:
    """A running set, ended afterwards."""
    nodes = ThreeNodes(folder)
    try:
        nodes.start()
        yield nodes
    finally:
        for node in nodes.nodes:
            node.client.close()
            node.child.stop(timeout=5)
