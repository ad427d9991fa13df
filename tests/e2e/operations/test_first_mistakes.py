"""What goes wrong the first time: each mistake is one sentence that says what to mend, and an exit code."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devtools.embedded.ports import free_ports
from services.connection import require_fit, unusable
from services.kit.database import Database
from services.mongo_uri import database_name
from tests.support.api import MONGO_DRIVER
from tests.support.mongo_servers import Secured, bare_mongod, secured_mongod, seeming_older
from tests.support.processes import environment, run, served

SHOP = "shop"


@dataclass(frozen=True, slots=True)
class Servers:
    """`host:port` of each; that of the replica set is well."""

    replica_set: str
    alone: str
    never_made: str
    secured: Secured


@pytest.fixture(scope="module")
def servers(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("servers")
    well = mongo_uri.partition("://")[2].partition("/")[0]
    with (
        bare_mongod(folder / "alone") as alone,
        bare_mongod(folder / "never-made", "--replSet", "rs0") as never_made,
        secured_mongod(folder, SHOP) as secured,
    ):
        yield Servers(well, alone, never_made, secured)


@pytest.fixture(scope="module")
async def older(servers: Servers) -> AsyncIterator[str]:
    async with seeming_older(servers.replica_set) as address:
        yield address


async def said_of(uri: str) -> str | None:
    database = Database(uri, database_name(uri), MONGO_DRIVER)
    try:
        await require_fit(database)
        await database.coupons.find_one({})
    except Exception as fault:
        return unusable(fault)
    else:
        return None
    finally:
        await database.close()


async def test_a_mongodb_that_cannot_be_worked_with_is_told_for_what_it_is(servers: Servers, older: str) -> None:
    alone, never_made, well = servers.alone, servers.never_made, servers.replica_set
    needed = "is a stand-alone MongoDB; a replica set or a sharded cluster is needed"
    initiate = f"{never_made} belongs to a replica set that was never made; rs.initiate() in its shell makes it"
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    wanted = {
        f"mongodb://{alone}/shop": f"{alone} {needed}",
        f"mongodb://{alone}/shop?replicaSet=rs0": f"{alone} {needed}",
        f"mongodb://{never_made}/shop": initiate,
        f"mongodb://{never_made}/shop?replicaSet=rs0": initiate,
        f"mongodb://{well}/shop?replicaSet=rs0": f"MONGO_URI names the replica set rs0, but {well} belongs to tessera",
        f"mongodb://u:p@{well}/shop?replicaSet=tessera": "MongoDB does not take the credentials of MONGO_URI",
        servers.secured.uri(SHOP, password="wrong"): "MongoDB does not take the credentials of MONGO_URI",
        servers.secured.uri(SHOP).replace("/shop?", "/other?"): (
            "MongoDB does not allow the user of MONGO_URI to read and write the database"
        ),
        f"mongodb://{older}/shop?directConnection=true": f"{older} is older than MongoDB 6.0, which is needed at least",
        f"mongodb://{nobody}/shop": f"MongoDB cannot be reached: {nobody}: [Errno 111] Connection refused",
        f"mongodb://{well}/shop?replicaSet=tessera": None,
        servers.secured.uri(SHOP): None,
    }
    said = await asyncio.gather(*map(said_of, wanted))
    assert dict(zip(wanted, said, strict=True)) == wanted


COMMANDS = {"serve --host 127.0.0.1": 3, "consume": 3, "audit": 1, "parked": 1}


async def test_every_command_ends_with_that_sentence(servers: Servers) -> None:
    [api, consumers] = free_ports(2)
    ports = {"PORT": str(api), "CONSUMERS_PORT": str(consumers)}
    variables = served(f"mongodb://{servers.alone}/shop", KAFKA_URI="127.0.0.1:9", **ports)
    ended = await asyncio.gather(*(asyncio.to_thread(run, *words.split(), variables=variables) for words in COMMANDS))
    assert {words: done.returncode for words, done in zip(COMMANDS, ended, strict=True)} == COMMANDS
    for done in ended:
        assert f"{servers.alone} is a stand-alone MongoDB; a replica set or a sharded cluster is needed" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_taken_port_of_the_consumers_is_named(database_uri: str) -> None:
    [port] = free_ports(1)
    told = {"KAFKA_URI": "127.0.0.1:9", "CONSUMERS_HOST": "127.0.0.1", "CONSUMERS_PORT": str(port)}
    with socket.create_server(("127.0.0.1", port)):
        done = run("consume", variables=environment(MONGO_URI=database_uri, **told))
    assert done.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use; CONSUMERS_PORT names another" in done.stderr
    assert "Traceback" not in done.stderr


def test_kafka_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text('{"_id": "1"}')
    done = run("emit", "topic", str(tmp_path / "event.json"), variables=environment(KAFKA_URI="127.0.0.1:9"))
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("level", ["info", "debug"])
def test_what_nobody_has_thought_of_is_a_sentence_too(tmp_path: Path, level: str) -> None:
    # A folder where a file of secrets is expected.
    (tmp_path / "secrets.env").mkdir()
    done = run("token", "ada", "--data", str(tmp_path), variables=environment(LOG_LEVEL=level))
    assert done.returncode == 1
    told = "Something went wrong that nobody has thought of: IsADirectoryError at server/cli/data_folder.py:"
    assert (told in done.stderr, "Traceback" in done.stderr) == (level == "info", level == "debug")
