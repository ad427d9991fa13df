"""MongoDB servers that are not as Tessera wants them, and one as it is hosted: over TLS, with users."""

import asyncio
import base64
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from pymongo import MongoClient

from devtools.embedded import ChildProcess
from devtools.embedded.mongod import find_mongod
from devtools.embedded.ports import free_ports
from server.cli.data_folder import is_listening
from tests.support.processes import STARTS_WITHIN

ROOT_USER, USER, PASSWORD = "root", "shop", "p@ss/word"
QUOTED = "p%40ss%2Fword"


@contextmanager
def bare_mongod(folder: Path, *options: str) -> Iterator[str]:
    """`host:port` of a mongod with these options, of which nobody has made a replica set."""
    [port] = free_ports(1)
    (folder / "data").mkdir(parents=True)
    words = ["--dbpath", str(folder / "data"), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
    mongod = ChildProcess("mongod", [find_mongod(), *words, *options], folder / "log")
    try:
        mongod.start().wait_until(lambda: is_listening(port), STARTS_WITHIN)
        yield f"127.0.0.1:{port}"
    finally:
        mongod.stop()


@dataclass(frozen=True, slots=True)
class Secured:
    """A replica set `tessera` that takes nobody without TLS, a name and a password."""

    address: str
    ca: Path

    def uri(self, database: str, *, user: str = USER, password: str = QUOTED) -> str:
        """The URI of a user of `database`, who has `readWrite` there and nothing else."""
        options = f"replicaSet=tessera&authSource={database}&tls=true&tlsCAFile={self.ca}"
        return f"mongodb://{user}:{password}@{self.address}/{database}?{options}"


@contextmanager
def secured_mongod(folder: Path, database: str) -> Iterator[Secured]:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    server, ca, key = folder / "server.pem", folder / "ca.pem", folder / "key"
    server.write_bytes(issued.private_key_and_cert_chain_pem.bytes())
    authority.cert_pem.write_to_path(str(ca))
    key.write_text(base64.b64encode(os.urandom(48)).decode())
    key.chmod(0o600)
    tls = ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(server), "--tlsCAFile", str(ca)]
    lax = ["--tlsAllowConnectionsWithoutCertificates"]
    with bare_mongod(folder / "mongod", "--replSet", "tessera", "--keyFile", str(key), *tls, *lax) as address:
        _make_users(address, ca, database)
        yield Secured(address, ca)


def _make_users(address: str, ca: Path, database: str) -> None:
    """MongoDB lets the first user be made without one, from the machine itself."""
    options: dict[str, Any] = {"directConnection": True, "tls": True, "tlsCAFile": str(ca)}
    with MongoClient[dict[str, Any]](f"mongodb://{address}/", **options) as client:
        member = {"_id": 0, "host": address}
        client.admin.command("replSetInitiate", {"_id": "tessera", "members": [member]})
        while not client.admin.command("hello")["isWritablePrimary"]:
            time.sleep(0.05)
        client.admin.command("createUser", ROOT_USER, pwd=PASSWORD, roles=["root"])
    options |= {"username": ROOT_USER, "password": PASSWORD}
    with MongoClient[dict[str, Any]](f"mongodb://{address}/", **options) as client:
        client[database].command("createUser", USER, pwd=PASSWORD, roles=[{"role": "readWrite", "db": database}])


@asynccontextmanager
async def seeming_older(address: str) -> AsyncIterator[str]:
    """`host:port` of a MongoDB that says it speaks the protocol of 5.0: the one at `address`, but for that."""
    host, _, port = address.partition(":")
    # A number of BSON: its type, its name, four bytes.
    version = re.compile(rb"\x10maxWireVersion\x00.{4}", re.DOTALL)
    older = b"\x10maxWireVersion\x00" + (13).to_bytes(4, "little")

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while part := await reader.read(65_536):
            writer.write(version.sub(older, part))
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        both = {writer.transport, back.transport}
        open_ones.update(both)
        ways = [asyncio.create_task(way) for way in (forward(reader, back), forward(there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for one in both:
            one.abort()
        await asyncio.gather(*ways, return_exceptions=True)
        open_ones.difference_update(both)

    open_ones: set[asyncio.WriteTransport] = set()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for one in open_ones:
            one.abort()
        await asyncio.sleep(0.1)  # An aborted connection is closed by the loop.
