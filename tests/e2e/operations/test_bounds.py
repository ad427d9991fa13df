"""Requests that never come whole, too slowly, or in too large a head, on real sockets: each ends with its status."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from pymongo import MongoClient

from devtools.embedded.ports import free_ports
from tests.support.serving import serving
from tests.support.uris import with_database

ORIGIN = "https://shop.example"
LIMIT = 8_192
RECEIVE, IDLE = 2, 1
JSON = b"Content-Type: application/json\r\n"
POST = b"POST /api/coupon HTTP/1.1\r\nHost: t\r\n" + JSON
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, mongo_uri: str) -> Iterator[int]:
    """A server with a small head, little time and an origin that may call."""
    [port] = free_ports(1)
    variables = {
        "HEADER_LIMIT": str(LIMIT),
        "RECEIVE_TIMEOUT": str(RECEIVE),
        "IDLE_TIMEOUT": str(IDLE),
        "CORS_ORIGINS": ORIGIN,
        "RATE_LIMIT": "off",
    }
    name = f"test_{uuid4().hex[:16]}"
    with serving(tmp_path_factory.mktemp("bounds") / "log", with_database(mongo_uri, name), [port], **variables):
        yield port
    with MongoClient[dict[str, object]](mongo_uri) as client:
        client.drop_database(name)


@dataclass(frozen=True)
class Answer:
    """What came until the server closed, and after how many seconds it did."""

    raw: bytes
    seconds: float

    @property
    def status(self) -> int:
        return int(self.raw.split()[1])

    @property
    def body(self) -> dict[str, object]:
        body: dict[str, object] = json.loads(self.raw.partition(b"\r\n\r\n")[2])
        return body

    @property
    def headers(self) -> dict[str, str]:
        lines = self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def ask(port: int, *parts: bytes, pause: float = 0.0) -> Answer:
    """Send the parts, with a pause after each, and read until the other side closes."""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break  # It has refused already.
            time.sleep(pause)
        answer = b""
        while part := _receive(connection):
            answer += part
    return Answer(answer, time.monotonic() - begun)


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionResetError:
        return b""


def get(path: bytes, headers: bytes = b"") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: t\r\n" + headers + b"\r\n"


LARGE_HEADS = {
    "one large header": (get(b"/health", b"X: " + b"a" * LIMIT + b"\r\n"), 431),
    "many headers": (get(b"/health", b"".join(b"X%d: a\r\n" % n for n in range(200))), 431),
    "a header without end": (b"GET /health HTTP/1.1\r\nX: " + b"a" * 1_000_000, 431),
    "headers without end": (b"GET /health HTTP/1.1\r\n" + b"X: a\r\n" * 200_000, 431),
    "a long path": (get(b"/" + b"a" * LIMIT), 414),
    "a long query": (get(b"/health?" + b"a" * LIMIT), 414),
    "a path without end": (b"GET /" + b"a" * 1_000_000, 414),
    "what is no request": (b"\x16\x03\x01\x00\xa5\x01", 400),
    "a method without end": (b"G" * 1_000_000, 400),
    "a path that is no ASCII": (get("/ü".encode()), 400),
}


@pytest.mark.parametrize("what", LARGE_HEADS)
def test_a_head_beyond_its_bounds_is_refused_in_the_shape_of_errors(port: int, what: str) -> None:
    sent, status = LARGE_HEADS[what]
    answer = ask(port, sent)
    assert answer.status == status
    assert answer.body["status"] == "error"
    assert answer.body["code"] == {431: "HEADERS_TOO_LARGE", 414: "URI_TOO_LONG", 400: "BAD_USER_INPUT"}[status]
    assert answer.headers["connection"] == "close"
    assert answer.seconds < 5


def test_a_page_may_read_why_its_head_was_refused(port: int) -> None:
    large = b"Origin: " + ORIGIN.encode() + b"\r\nX: " + b"a" * LIMIT + b"\r\n"
    answer = ask(port, get(b"/health", large))
    assert answer.status == 431
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["x-request-id"]


LONG_BODIES = {
    "chunks without end": (CHUNKED + b"1\r\na\r\n" * 300_000, 413),
    "the extension of a chunk without end": (CHUNKED + b"1;a=" + b"b" * 1_000_000, 413),
    "a trailer without end": (CHUNKED + b"2\r\n{}\r\n0\r\nX: " + b"b" * 1_000_000, 413),
    "a declared length": (POST + b"Content-Length: 99999999999\r\n\r\n{}", 413),
    "a broken chunk": (CHUNKED + b"zz\r\n", 400),
}


@pytest.mark.parametrize("what", LONG_BODIES)
def test_a_body_without_end_is_refused_in_the_shape_of_errors(port: int, what: str) -> None:
    sent, status = LONG_BODIES[what]
    answer = ask(port, sent)
    assert answer.status == status
    assert answer.body["code"] == {413: "PAYLOAD_TOO_LARGE", 400: "BAD_USER_INPUT"}[status]
    assert answer.seconds < RECEIVE + 5


HALF = {
    "a request line": b"GET /hea",
    "a header": b"GET /health HTTP/1.1\r\nHost: t\r\nX: a",
    "a body": POST + b"Content-Length: 100\r\n\r\n{",
    "a body of which nothing comes": POST + b"Content-Length: 100\r\n\r\n",
    "chunks": CHUNKED + b"1\r\n{\r\n",
    "a body for GraphQL": b"POST /graphql HTTP/1.1\r\nHost: t\r\n" + JSON + b"Content-Length: 100\r\n\r\n{",
}


@pytest.mark.parametrize("what", HALF)
def test_a_half_sent_request_is_a_408_in_time_and_its_connection_ends(port: int, what: str) -> None:
    answer = ask(port, HALF[what])
    assert answer.status == 408
    assert "REQUEST_TIMEOUT" in answer.raw.decode()
    assert answer.headers["connection"] == "close"
    assert RECEIVE * 0.9 < answer.seconds < RECEIVE + 5


@pytest.mark.parametrize("what", ["a header", "a body"])
def test_sending_slowly_gains_no_time(port: int, what: str) -> None:
    answer = ask(port, HALF[what], *[b"a"] * 60, pause=0.1)
    assert answer.status == 408
    assert answer.seconds < 6 + 5


def test_a_request_that_comes_in_pieces_and_in_time_is_answered(port: int) -> None:
    pieces = [b"PO", b"ST /graphql HTTP/1.1\r\nHost: t\r\nConnection: close\r\n" + JSON, b"Content-Length: 25\r\n\r\n"]
    answer = ask(port, *pieces, b'{"query":', b'"{__typename}"} ', pause=0.2)
    assert answer.status == 200, answer.raw


OFFER = b"Host: t\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


@pytest.mark.parametrize("pause", [0.0, 0.2])
def test_a_request_that_offers_http_2_is_answered_in_http_1_1_with_its_body(port: int, pause: float) -> None:
    body = b'{"query":"{__typename}"}'
    head = b"POST /graphql HTTP/1.1\r\n" + OFFER + JSON + b"Content-Length: %d\r\n\r\n" % len(body)
    parts = (head + body,) if not pause else (head, body[:5], body[5:])
    answer = ask(port, *parts, pause=pause)
    assert (answer.status, answer.body) == (200, {"data": {"__typename": "Query"}})
    assert ask(port, b"GET /livez HTTP/1.1\r\n" + OFFER + b"\r\n").status == 200


def test_a_handshake_with_a_large_header_is_refused_and_not_left_waiting(port: int) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    for large in (b"Cookie: " + b"a" * 10_000 + b"\r\n", b"".join(b"X%d: a\r\n" % n for n in range(150))):
        answer = ask(port, get(b"/graphql", upgrade + key + large))
        assert answer.status == 431
        assert answer.seconds < 5


IDLE_CONNECTIONS = {
    "nothing": (b"", b""),
    "line ends": (b"\r\n\r\n", b""),
    "a request that was answered": (get(b"/livez"), b"HTTP/1.1 200"),
}


@pytest.mark.parametrize("what", IDLE_CONNECTIONS)
def test_a_connection_on_which_nothing_comes_is_closed(port: int, what: str) -> None:
    sent, expected = IDLE_CONNECTIONS[what]
    answer = ask(port, sent)
    assert answer.raw.startswith(expected)
    assert IDLE * 0.9 < answer.seconds < RECEIVE + 5


def test_line_ends_without_end_keep_no_connection(port: int) -> None:
    assert ask(port, *[b"\r\n"] * 60, pause=0.1).seconds < 6 + 5


def test_requests_after_one_another_and_at_once_are_all_answered(port: int) -> None:
    last = get(b"/livez", b"Connection: close\r\n")
    answer = ask(port, get(b"/livez") * 20 + last[:10], last[10:], pause=0.2)
    assert answer.raw.count(b"HTTP/1.1 200 OK") == 21


def test_head_has_the_headers_of_get_and_no_body(port: int) -> None:
    for path in (
        b"/health",
        b"/graphql?query={__typename}",
        b"/api/coupon?twitterId=none",
        b"/admin/stats",
        b"/nothing",
    ):
        whole = get(path, b"Connection: close\r\n")
        got, head = ask(port, whole), ask(port, whole.replace(b"GET", b"HEAD", 1))
        assert head.status == got.status
        assert head.raw.endswith(b"\r\n\r\n")
        varying = {"date", "x-request-id"}
        assert {n: v for n, v in head.headers.items() if n not in varying} == {
            n: v for n, v in got.headers.items() if n not in varying
        }
