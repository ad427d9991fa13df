"""Visitors who watch one campaign on one worker: how soon they are told, and what each of them costs.

By itself: `python -m bench.listeners [LISTENERS]`.
"""

import asyncio
import base64
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
from typing_extensions import override

from bench.load import ADMIN_KEY
from bench.servers import Server, tessera
from devtools.embedded import EmbeddedMongod

WATCH = "subscription($id: ID) { publicAvailabilityChanged(campaignId: $id) { id limit remaining available } }"
AT_ONCE = 200
"""How many connect at the same time."""
PATIENCE = 120.0
TEXT, PING, PONG = 0x81, 0x89, 0x8A
USAGE = "/api/usageFollower"


@dataclass(frozen=True, slots=True)
class Told:
    """Milliseconds from the request of a change until the median and the last listener had it; bytes of each."""

    listeners: int
    median: float
    last: float
    bytes_each: float

    def rows(self) -> list[tuple[str, str]]:
        many = f"{self.listeners:,} visitors who watch one campaign on one worker"
        return [
            (f"{many}: told after ms, the median", f"{self.median:.0f}"),
            (f"{many}: told after ms, the last", f"{self.last:.0f}"),
            (f"{many}: resident kB each", f"{self.bytes_each / 1000:.1f}"),
        ]


class Visitor(asyncio.Protocol):
    """The least that graphql-transport-ws takes, so that not the clients are measured. `told` is when it was last."""

    def __init__(self, campaign: str) -> None:
        self.told = 0.0
        self.heard = 0
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._campaign = campaign
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /graphql HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
            # What a browser offers.
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
            f"User-Agent: {'a browser of our days ' * 5}\r\nAccept-Language: en,de;q=0.8\r\n\r\n".encode()
        )

    @override
    def data_received(self, data: bytes) -> None:
        if data[0] == PING:
            self._send_frame(PONG, data[2 : 2 + data[1]])
        elif b'"type":"next"' in data:
            self.told = time.perf_counter()
            self.heard += 1
            if not self.subscribed.done():
                self.subscribed.set_result(None)
        elif b"connection_ack" in data:
            payload = {"query": WATCH, "variables": {"id": self._campaign}}
            self._send({"id": "1", "type": "subscribe", "payload": payload})
        elif b"101" in data:
            self._send({"type": "connection_init"})

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError("the server has closed the connection"))

    def _send(self, message: object) -> None:
        self._send_frame(TEXT, orjson.dumps(message))

    def _send_frame(self, kind: int, payload: bytes) -> None:
        """One masked frame; the mask is nought, which the protocol allows."""
        size = [128 | len(payload)] if len(payload) < 126 else [254, *len(payload).to_bytes(2, "big")]
        assert self._transport is not None
        self._transport.write(bytes([kind, *size]) + bytes(4) + payload)

    def leave(self) -> None:
        assert self._transport is not None
        self._transport.abort()


async def _arrive(server: Server, campaign: str, number: int) -> list[Visitor]:
    loop, turn = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)

    async def one() -> Visitor:
        async with turn:
            _, visitor = await loop.create_connection(lambda: Visitor(campaign), "127.0.0.1", server.port)
            await visitor.subscribed
            return visitor

    return await asyncio.gather(*(one() for _ in range(number)))


async def _change(http: httpx.AsyncClient, campaign: str, visitors: list[Visitor]) -> list[float]:
    """Use a unit; returns after how many milliseconds each visitor was told."""
    heard = [visitor.heard for visitor in visitors]
    asked = time.perf_counter()
    body = {"userId": uuid4().hex, "campaignId": campaign, "usageAmount": 1}
    (await http.post(f"{USAGE}/add-usage", json=body)).raise_for_status()
    async with asyncio.timeout(PATIENCE):
        while any(visitor.heard == before for visitor, before in zip(visitors, heard, strict=True)):  # noqa: ASYNC110  # each is told by its own socket
            await asyncio.sleep(0.05)
    return sorted((visitor.told - asked) * 1000 for visitor in visitors)


async def measure_listeners(server: Server, listeners: int, rounds: int) -> Told:
    """So many visitors connect, then one unit after the other is used; the figures are those of the middle round."""
    campaign = uuid4().hex[:24]
    headers = {"x-admin-key": ADMIN_KEY}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=PATIENCE) as http:
        follower = {"campaignId": campaign, "maxTotalLimit": 1_000_000, "isPublic": True}
        (await http.post(f"{USAGE}/create-follower", json=follower)).raise_for_status()
        first = await _arrive(server, campaign, 1)
        await _change(http, campaign, first)
        idle = max(server.resident_bytes())
        visitors = first + await _arrive(server, campaign, listeners - 1)
        bytes_each = (max(server.resident_bytes()) - idle) / listeners
        told = []
        for _ in range(rounds):
            await asyncio.sleep(0.5)
            told.append(await _change(http, campaign, visitors))
        for visitor in visitors:
            visitor.leave()
    by_median = sorted(told, key=statistics.median)
    middle = by_median[len(by_median) // 2]
    return Told(listeners, statistics.median(middle), middle[-1], bytes_each)


def measure(mongo_uri: str, listeners: int, rounds: int) -> Told:
    """The same with a worker of its own."""
    server = tessera(mongo_uri, name="Listeners").start()
    try:
        return asyncio.run(measure_listeners(server, listeners, rounds))
    finally:
        server.stop()


def main() -> None:
    listeners = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        mongod = EmbeddedMongod(Path(folder, "mongo")).start()
        try:
            told = measure(mongod.uri, listeners, rounds=7)
        finally:
            mongod.stop()
    for what, figure in told.rows():
        sys.stdout.write(f"{what}: {figure}\n")


if __name__ == "__main__":
    main()
