"""`tessera serve`: every port, several workers, a drain on SIGTERM, and whose address counts."""

import json
import signal
import socket
import time
from pathlib import Path

import httpx
import psutil
import pytest

from devtools.embedded import ChildProcess, EmbeddedMongod
from devtools.embedded.ports import free_ports
from server.cli.data_folder import is_listening
from server.workers import PATIENCE_SECONDS
from tests.support.processes import family, run, served, survivors
from tests.support.serving import answers, serving

BODY = json.dumps({"query": "{ __typename }"}).encode()


def _begin_request(port: int) -> socket.socket:
    """A request whose body has not all come yet."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = f"POST /graphql HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    connection.sendall(head.encode() + BODY[:5])
    time.sleep(0.3)
    return connection


def _finish_request(connection: socket.socket) -> str:
    connection.sendall(BODY[5:])
    answer = b""
    while part := connection.recv(65_536):
        answer += part
    connection.close()
    return answer.decode()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_listens_on_every_port_and_finishes_what_is_in_flight_on_sigterm(
    tmp_path: Path, database_uri: str, workers: str
) -> None:
    ports = free_ports(3)
    with serving(tmp_path / "log", database_uri, ports, "--workers", workers) as process:
        processes = family(process)
        in_flight = [_begin_request(port) for port in ports]
        processes[0].send_signal(signal.SIGTERM)
        process.wait_until(lambda: not any(is_listening(port) for port in ports), 10)
        assert process.running
        for answer in map(_finish_request, in_flight):
            assert answer.startswith("HTTP/1.1 200 OK"), answer
            assert '"__typename":"Query"' in answer.replace(" ", "")
        assert survivors(processes, 10) == []
        assert process.exit_code == 0, process.last_lines()
    lines = (tmp_path / "log").read_text().splitlines()
    [told] = [line for line in lines if '"listening"' in line]
    assert all(f"127.0.0.1:{port}" in told for port in ports)


def test_a_worker_that_dies_is_replaced(tmp_path: Path, database_uri: str) -> None:
    ports = free_ports(1)
    with serving(tmp_path / "log", database_uri, ports, "--workers", "2") as process:
        process.wait_until(lambda: len(_workers(process)) == 2, 30)
        first = _workers(process)
        first[0].kill()
        process.wait_until(lambda: len(_workers(process)) == 2 and first[0] not in _workers(process), 30)
        process.wait_until(lambda: answers(ports[0]), 10)


def test_a_worker_that_hangs_is_replaced(tmp_path: Path, database_uri: str) -> None:
    ports = free_ports(1)
    with serving(tmp_path / "log", database_uri, ports, "--workers", "2") as process:
        process.wait_until(lambda: len(_workers(process)) == 2, 30)
        first = _workers(process)[0]
        first.suspend()
        process.wait_until(lambda: first not in _workers(process), PATIENCE_SECONDS + 30)
        process.wait_until(lambda: len(_workers(process)) == 2, 10)
    assert '"a worker hangs"' in (tmp_path / "log").read_text()


def test_a_worker_that_dies_while_the_database_is_away_is_replaced_when_it_is_back(tmp_path: Path) -> None:
    mongod = EmbeddedMongod(tmp_path / "mongo").start()
    database, ports = psutil.Process(mongod.child.pid), free_ports(1)
    with serving(tmp_path / "log", mongod.database_uri("away"), ports, "--workers", "2") as process:
        process.wait_until(lambda: len(_workers(process)) == 2, 30)
        database.suspend()
        _workers(process)[0].kill()
        process.wait_until(lambda: '"exit_code": 3' in (tmp_path / "log").read_text(), 60)
        database.resume()
        process.wait_until(lambda: len(_workers(process)) == 2 and answers(ports[0]), 60)
    mongod.stop()


def _workers(process: ChildProcess) -> list[psutil.Process]:
    return family(process)[1:]


def test_workers_do_not_outlive_their_parent(tmp_path: Path, database_uri: str) -> None:
    with serving(tmp_path / "log", database_uri, free_ports(1), "--workers", "2") as process:
        # It answers as soon as one of them listens.
        process.wait_until(lambda: len(_workers(process)) == 2, 30)
        processes = family(process)
        processes[0].kill()
        assert survivors(processes, 15) == []


HOPS = [
    ("", "203.0.113.9", "127.0.0.1"),
    ("192.0.2.1", "203.0.113.9", "127.0.0.1"),
    ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
    ("127.0.0.1/8, 192.0.2.77/24", "198.51.100.1, 203.0.113.9:4711, 192.0.2.5", "203.0.113.9"),
    ("::ffff:127.0.0.1", "[2001:db8::9]:443", "2001:db8::9"),
    ("127.0.0.1,192.0.2.5", "203.0.113.9, ::ffff:192.0.2.5", "203.0.113.9"),
]


@pytest.mark.parametrize(("trusted", "forwarded", "seen"), HOPS)
def test_a_forwarded_address_counts_only_from_a_proxy_that_is_named(
    tmp_path: Path, database_uri: str, trusted: str, forwarded: str, seen: str
) -> None:
    [port] = free_ports(1)
    with serving(tmp_path / "log", database_uri, [port], FORWARDED_ALLOW_IPS=trusted) as process:
        url = f"http://127.0.0.1:{port}/health?adminKey=hidden"
        httpx.get(url, headers={"x-forwarded-for": forwarded})
        process.wait_until(lambda: '"/health"' in (tmp_path / "log").read_text(), 5)
    log = (tmp_path / "log").read_text()
    [line] = [json.loads(line) for line in log.splitlines() if '"/health"' in line]
    assert line["client"] == seen
    assert "hidden" not in log


def test_a_port_in_use_is_named(tmp_path: Path, database_uri: str) -> None:
    [port] = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        done = run("serve", "--host", "127.0.0.1", variables=served(database_uri, PORT=str(port)))
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr


def test_every_fault_of_the_settings_is_named_at_once_and_no_secret(database_uri: str) -> None:
    variables = served(database_uri, PORT="0", KAFKA_URI="nowhere", RATE_LIMIT="often", FORWARDED_ALLOW_IPS="me")
    variables |= {"JWT_SEC": "short-but-secret", "ADMIN_KEY": "", "MONGO_URI": "http://x"}
    done = run("serve", variables=variables)
    assert (done.returncode, done.stdout) == (2, "")
    names = ("MONGO_URI", "JWT_SEC", "ADMIN_KEY", "PORT", "KAFKA_URI", "RATE_LIMIT", "FORWARDED_ALLOW_IPS")
    assert all(f"- {name} " in done.stderr for name in names), done.stderr
    assert "Traceback" not in done.stderr
    assert "short-but-secret" not in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_without_its_database_it_ends_with_a_code_and_a_reason(workers: str) -> None:
    [port, nobody] = free_ports(2)
    variables = served(f"mongodb://127.0.0.1:{nobody}/tessera", PORT=str(port))
    done = run("serve", "--host", "127.0.0.1", "--workers", workers, variables=variables)
    assert done.returncode == 3
    assert f"MongoDB cannot be reached: 127.0.0.1:{nobody}" in done.stderr
    assert "Traceback" not in done.stderr
    assert '"listening"' not in done.stderr
