"""Exports from a real process: constant memory, slow clients, clients that go, a database that goes, a drain."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient

from devtools.embedded import ChildProcess, EmbeddedMongod
from devtools.embedded.ports import free_ports
from services.exports.service import MOST_AT_ONCE
from tests.e2e.docs.serving import served_api
from tests.integration.exports.test_rest import codes
from tests.support.api import ADMIN_KEY, settings_for
from tests.support.eventually import eventually
from tests.support.processes import survivors
from tests.support.serving import serving
from tests.support.uris import with_database

ROWS = 10_000
PATH = "/admin/export/access-codes"
MEGABYTE = 1_000_000


def seed(database_uri: str) -> None:
    """Some 20 MB of access codes: more than all buffers on the way hold."""
    with MongoClient[dict[str, Any]](database_uri) as client:
        client.get_default_database()["accesscodes"].insert_many(codes(ROWS, description="d" * 2_000))


def unfinished(database_uri: str) -> list[dict[str, Any]]:
    """The cursors that MongoDB holds open for somebody who reads codes."""
    with MongoClient[dict[str, Any]](database_uri) as client:
        wanted = {"ns": f"{client.get_default_database().name}.accesscodes", "type": "idleCursor"}
        cursors: list[dict[str, Any]] = [{"$currentOp": {"idleCursors": True}}, {"$match": wanted}]
        return list(client["admin"].aggregate(cursors))


@asynccontextmanager
async def exporting(port: int) -> AsyncIterator[asyncio.StreamReader]:
    """The answer of an export, of which hardly more is taken than is read."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=65_536)
    writer.write(f"GET {PATH} HTTP/1.1\r\nHost: a\r\nx-admin-key: {ADMIN_KEY}\r\n\r\n".encode())
    try:
        yield reader
    finally:
        writer.close()


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    """The rest of an answer, to the end of its chunks or of the connection."""
    parts: list[bytes] = []
    while part := await asyncio.wait_for(reader.read(1_000_000), 60):
        parts.append(part)
        if part.endswith(b"\r\n0\r\n\r\n"):
            break
    return b"".join(parts)


def is_whole(answer: bytes) -> bool:
    return answer.endswith(b"\r\n0\r\n\r\n")


def has_broken_off(log: Path, times: int) -> bool:
    return log.read_text().count("export broken off") == times


def resident(process: ChildProcess) -> int:
    return psutil.Process(process.pid).memory_info().rss


async def test_a_slow_client_gets_all_in_constant_memory_past_every_time_out(database_uri: str, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    bounds = {"REQUEST_TIMEOUT": "1", "RECEIVE_TIMEOUT": "1", "IDLE_TIMEOUT": "1"}
    with serving(tmp_path / "log", database_uri, [port], **bounds) as process:
        await asyncio.to_thread(seed, database_uri)
        async with exporting(port) as reader:
            await read_to_end(reader)
        before = resident(process)
        async with exporting(port) as reader:
            answer = await reader.readexactly(100_000)
            await asyncio.sleep(2.5)
            waiting = resident(process)
            answer += await read_to_end(reader)
            after = resident(process)
    assert is_whole(answer)
    assert len(answer) > 20 * MEGABYTE
    assert answer.count(b"d" * 2_000) == ROWS
    assert max(waiting, after) - before < 6 * MEGABYTE, (before, waiting, after)


async def test_a_client_that_goes_leaves_nothing_open(database_uri: str, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with serving(tmp_path / "log", database_uri, [port]):
        await asyncio.to_thread(seed, database_uri)
        for number in range(1, MOST_AT_ONCE + 2):
            async with exporting(port) as reader:
                assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
                await reader.readexactly(10_000)
                assert unfinished(database_uri) == []
            # Its place is free again, or the last of these would be refused.
            await eventually(partial(has_broken_off, tmp_path / "log", number), within=20)
        assert unfinished(database_uri) == []


async def test_what_breaks_off_does_not_look_complete(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    mongod = EmbeddedMongod(tmp_path / "mongo").start()
    try:
        database_uri = with_database(mongod.uri, "exports")
        with serving(tmp_path / "log", database_uri, [port]):
            await asyncio.to_thread(seed, database_uri)
            async with exporting(port) as reader:
                begin = await reader.readexactly(100_000)
                await asyncio.to_thread(mongod.stop)
                answer = begin + await read_to_end(reader)
            assert b"200 OK" in begin
            assert not is_whole(answer)
            async with exporting(port) as reader:
                assert await reader.readline() == b"HTTP/1.1 503 Service Unavailable\r\n"
    finally:
        mongod.stop()


async def test_an_export_that_runs_is_finished_by_the_drain(database_uri: str, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with serving(tmp_path / "log", database_uri, [port]) as process:
        await asyncio.to_thread(seed, database_uri)
        running = psutil.Process(process.pid)
        async with exporting(port) as reader:
            answer = await reader.readexactly(100_000)
            running.send_signal(signal.SIGTERM)
            time.sleep(0.2)  # noqa: ASYNC251  # nothing is to be read meanwhile
            answer += await read_to_end(reader)
        assert is_whole(answer)
        assert await asyncio.to_thread(survivors, [running], 40) == []
        assert process.exit_code == 0


async def test_a_client_that_takes_nothing_is_cut_off(database_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rest.exports.STALLED_SECONDS", 0.3)
    await asyncio.to_thread(seed, database_uri)
    async with served_api(settings_for(database_uri)) as http, exporting(http.base_url.port or 0) as reader:
        begin = await reader.readexactly(1_000)
        await asyncio.sleep(2)
        assert not is_whole(begin + await read_to_end(reader))
