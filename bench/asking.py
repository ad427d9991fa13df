"""Clients that ask one server all the time, whatever becomes of it, and when they were answered."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

from bench.seeds import code_of

KINDS = ("get", "spread", "hot", "keyed")
"""Reads a coupon; redeems one of many, the same as the others, the same again under an idempotency key."""
PAUSE = 0.05
"""Between two tries to reach a server that is away."""
PATIENCE = 40.0
COUPONS = 50


@dataclass(slots=True)
class Asked:
    """What the clients were answered, as instants of `time.monotonic`."""

    answered: list[tuple[float, str]] = field(default_factory=list)
    """When each success came, and of which kind."""
    late: list[tuple[float, float]] = field(default_factory=list)
    """Requests with a key that failed first: when that was, and when they were answered after all."""
    redeemers: set[str] = field(default_factory=set)
    """Who was told that they have redeemed."""

    def longest_gap(self, begin: float, end: float, kinds: Sequence[str] = KINDS) -> float:
        """The most seconds, from `begin` to `end`, in which no request of these kinds succeeded."""
        instants = [begin, *sorted(at for at, kind in self.answered if begin <= at <= end and kind in kinds), end]
        return max(later - earlier for earlier, later in itertools.pairwise(instants))

    def latest(self, begin: float, end: float) -> float:
        """The most seconds that a request with a key, broken from `begin` to `end`, took from then to its answer."""
        return max((answered - broken for broken, answered in self.late if begin <= broken <= end), default=0.0)

    async def first_after(self, instant: float, *, within: float = 60) -> float:
        """Wait for a success after `instant`; returns how many seconds after it. Raises `TimeoutError`."""
        async with asyncio.timeout(within):
            while not self.answered or self.answered[-1][0] <= instant:  # noqa: ASYNC110  # one of many clients sets it
                await asyncio.sleep(0.005)
        return next(at for at, _ in self.answered if at > instant) - instant


@asynccontextmanager
async def asking(port: int, clients: int = 12) -> AsyncIterator[Asked]:
    """So many clients ask the server at `port`, each as soon as it is answered; at the end what is open is finished."""
    asked, stop = Asked(), asyncio.Event()
    lanes = [_Client(port, KINDS[n % len(KINDS)], n, asked) for n in range(clients)]
    tasks = [asyncio.create_task(lane.run(stop)) for lane in lanes]
    try:
        yield asked
    finally:
        stop.set()
        await asyncio.gather(*tasks)


class _Client:
    """One client with one connection, of one kind of request."""

    def __init__(self, port: int, kind: str, number: int, asked: Asked) -> None:
        self._port = port
        self._kind = kind
        self._run = f"{kind}-{number}-{time.time_ns()}"
        self._asked = asked
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        for number in itertools.count():
            redeemer = f"{self._run}-{number}"
            await self._ask(redeemer, self._request(redeemer, number), stop)
            if stop.is_set():
                break
            if self._kind == "get":
                await asyncio.sleep(0.01)
        self._hang_up()

    async def _ask(self, redeemer: str, request: bytes, stop: asyncio.Event) -> None:
        """One request, with a key until it is answered; without one what is broken off is left alone."""
        broken: float | None = None
        while True:
            status = await self._status(request)
            now = time.monotonic()
            if status == 200:
                self._asked.answered.append((now, self._kind))
                if self._kind != "get":
                    self._asked.redeemers.add(redeemer)
                if broken is not None:
                    self._asked.late.append((broken, now))
                return
            broken = broken or now
            await asyncio.sleep(PAUSE)
            if self._kind != "keyed" or stop.is_set():
                return

    async def _status(self, request: bytes) -> int | None:
        """The status of the answer, None where none came."""
        try:
            async with asyncio.timeout(PATIENCE):
                if self._streams is None:
                    self._streams = await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = self._streams
                writer.write(request)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        except (OSError, EOFError, TimeoutError):
            self._hang_up()
            return None
        if b"connection: close" in head:
            self._hang_up()
        return int(head[9:12])

    def _hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    def _request(self, redeemer: str, number: int) -> bytes:
        if self._kind == "get":
            return f"GET /api/coupon?twitterId=seed{number % COUPONS} HTTP/1.1\r\nHost: t\r\n\r\n".encode()
        code = code_of(1 + number % (COUPONS - 1) if self._kind == "spread" else 0)
        body = orjson.dumps({"redeemerTwitterId": redeemer, "username": "u", "followers": 1_500, "couponCode": code})
        key = f"Idempotency-Key: {redeemer}\r\n" if self._kind == "keyed" else ""
        head = f"POST /api/redeem HTTP/1.1\r\nHost: t\r\n{key}Content-Type: application/json\r\n"
        return head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
