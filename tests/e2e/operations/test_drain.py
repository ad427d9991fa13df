"""Every way to stop the API: it drains, at once where nothing is in flight, and says nothing of errors."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest
import websockets

from devtools.embedded import ChildProcess
from devtools.embedded.ports import free_ports
from tests.support.api import bearer
from tests.support.processes import family, survivors
from tests.support.serving import answers, serving

SUBSCRIPTION = "subscription { orderChanged { databaseId } }"
AT_ONCE = 8.0
"""Seconds, of the twenty that a drain may take: the machine may be busy."""
STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]


async def _stopped(process: ChildProcess, *numbers: signal.Signals) -> float:
    """After how many seconds these signals have ended it and all its workers."""
    processes, begun = family(process), time.monotonic()
    for number in numbers:
        processes[0].send_signal(number)
        await asyncio.sleep(0.2)
    assert await asyncio.to_thread(survivors, processes, 40) == []
    return time.monotonic() - begun


def _assert_clean(process: ChildProcess, log: Path) -> None:
    assert process.exit_code == 0, process.last_lines()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line for line in lines if line["level"] in ("ERROR", "CRITICAL")] == []


@asynccontextmanager
async def _event_stream(port: int, told: list[str]) -> AsyncIterator[asyncio.Task[None]]:
    """A subscription by server-sent events that is running; what it is told goes into the list."""
    started = asyncio.Event()

    async def listen() -> None:
        url, headers = f"http://127.0.0.1:{port}/graphql", bearer("ada") | {"accept": "text/event-stream"}
        async with (
            httpx.AsyncClient(timeout=60) as http,
            http.stream("POST", url, json={"query": SUBSCRIPTION}, headers=headers) as stream,
        ):
            started.set()
            async for line in stream.aiter_lines():
                told.append(line)  # noqa: PERF401  # they are looked at while they come

    task = asyncio.create_task(listen())
    await asyncio.wait_for(started.wait(), 20)
    await asyncio.sleep(0.5)
    yield task


def _assert_told_to_connect_again(told: list[str]) -> None:
    """There is more to come, from another process."""
    assert [line for line in told if line.startswith("retry: ")]
    assert "event: complete" not in told


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", STOPS)
async def test_with_nothing_in_flight_it_ends_at_once(
    tmp_path: Path, database_uri: str, number: signal.Signals, workers: str
) -> None:
    [port] = free_ports(1)
    with serving(tmp_path / "log", database_uri, [port], "--workers", workers) as process:
        # Opened and left, half a head, and kept alive after an answer: in none of them is anything in flight.
        idle = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(3)]
        idle[1].sendall(b"GET /hea")
        idle[2].sendall(b"GET /livez HTTP/1.1\r\nHost: t\r\n\r\n")
        assert idle[2].recv(100)
        assert await _stopped(process, number) < AT_ONCE
        for connection in idle:
            connection.close()
    _assert_clean(process, tmp_path / "log")


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_stream_of_events_is_told_to_connect_again_when_the_drain_begins(
    tmp_path: Path, database_uri: str, workers: str
) -> None:
    [port] = free_ports(1)
    told: list[str] = []
    with serving(tmp_path / "log", database_uri, [port], "--workers", workers) as process:
        async with _event_stream(port, told) as listening:
            assert await _stopped(process, signal.SIGTERM) < AT_ONCE
            await asyncio.wait_for(listening, 5)
    _assert_told_to_connect_again(told)
    _assert_clean(process, tmp_path / "log")


async def test_a_websocket_is_told_that_the_service_restarts(tmp_path: Path, database_uri: str) -> None:
    [port] = free_ports(1)
    with serving(tmp_path / "log", database_uri, [port]) as process:
        url = f"ws://127.0.0.1:{port}/graphql"
        async with websockets.connect(url, subprotocols=[websockets.Subprotocol("graphql-transport-ws")]) as socket_:
            payload = {"Authorization": bearer("ada")["authorization"]}
            await socket_.send(json.dumps({"type": "connection_init", "payload": payload}))
            await socket_.recv()
            await socket_.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIPTION}}))
            await asyncio.sleep(0.5)
            assert await _stopped(process, signal.SIGTERM) < AT_ONCE
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket_.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
    _assert_clean(process, tmp_path / "log")


async def test_a_half_sent_body_holds_the_drain_for_a_moment_only(tmp_path: Path, database_uri: str) -> None:
    [port] = free_ports(1)
    with (
        serving(tmp_path / "log", database_uri, [port]) as process,
        socket.create_connection(("127.0.0.1", port), timeout=20) as connection,
    ):
        head = b"POST /graphql HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        connection.sendall(head)
        await asyncio.sleep(0.5)
        assert await _stopped(process, signal.SIGTERM) < 3 + AT_ONCE
        assert connection.recv(1_000).startswith(b"HTTP/1.1 408 ")
    _assert_clean(process, tmp_path / "log")


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_second_signal_changes_nothing(tmp_path: Path, database_uri: str, workers: str) -> None:
    [port] = free_ports(1)
    with serving(tmp_path / "log", database_uri, [port], "--workers", workers) as process:
        assert await _stopped(process, signal.SIGTERM, signal.SIGTERM, signal.SIGHUP) < AT_ONCE
    _assert_clean(process, tmp_path / "log")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
async def test_one_worker_goes_on_after_signals_that_mean_no_stop(
    tmp_path: Path, database_uri: str, number: signal.Signals
) -> None:
    [port] = free_ports(1)
    with serving(tmp_path / "log", database_uri, [port]) as process:
        psutil.Process(process.pid).send_signal(number)
        process.wait_until(lambda: number.name in (tmp_path / "log").read_text(), 5)
        assert answers(port)
        assert await _stopped(process, signal.SIGTERM) < AT_ONCE
    _assert_clean(process, tmp_path / "log")


async def test_several_workers_are_replaced_on_sighup_while_others_serve(tmp_path: Path, database_uri: str) -> None:
    [port] = free_ports(1)
    told: list[str] = []
    with serving(tmp_path / "log", database_uri, [port], "--workers", "2") as process:
        before = _workers(process)
        async with _event_stream(port, told) as listening:
            for pid in (process.pid, *before):  # As a terminal sends it that is closed: to all of them.
                psutil.Process(pid).send_signal(signal.SIGHUP)
            seen: list[bool] = []

            def replaced() -> bool:
                seen.append(answers(port))
                return not before & _workers(process)

            await asyncio.to_thread(process.wait_until, replaced, 120)
            await asyncio.wait_for(listening, 5)
        assert all(seen)
        _assert_told_to_connect_again(told)
        assert await _stopped(process, signal.SIGTERM) < AT_ONCE
    _assert_clean(process, tmp_path / "log")


def _workers(process: ChildProcess) -> set[int]:
    return {child.pid for child in family(process)[1:]}
