"""Clients behind a load balancer: they write and read all the time, and nothing that they ask may be refused."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import orjson

from tests.support.api import ADMIN_KEY
from tests.support.usage import new_id

KINDS = ("create", "redeem", "get", "use", "move", "search")
CODES, CAMPAIGNS = 20, 5
PATIENCE = 60.0
"""Seconds that an answer may take on a machine with much else to do."""

Body = dict[str, object]


@dataclass(slots=True)
class Shoppers:
    """What the clients know and were answered. `ports` are those of the servers that the balancer sends them to."""

    ports: list[int]
    coupons: list[str] = field(default_factory=list)
    access_codes: list[str] = field(default_factory=list)
    campaigns: list[str] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    redeemers: list[str] = field(default_factory=list)
    """Who was told that they have redeemed a coupon."""
    created: list[str] = field(default_factory=list)
    """The owners of coupons that were made by themselves."""

    @property
    def rows(self) -> int:
        """How many rows the answers tell of: a newcomer's redemption writes a coupon and one of the ledger."""
        written = {"create": 1, "redeem": 2, "use": 1, "move": 1}
        return sum(self.answered[kind] * number for kind, number in written.items())

    async def until(self, rows: int, *, within: float) -> None:
        """Wait until so many more rows are written. Raises `TimeoutError`."""
        wanted = self.rows + rows
        async with asyncio.timeout(within):
            while self.rows < wanted:  # noqa: ASYNC110  # one of many clients counts it
                await asyncio.sleep(0.05)

    async def prepare(self) -> None:
        """Make what the clients ask about."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.ports[0]}", timeout=PATIENCE) as http:
            admin = {"x-admin-key": ADMIN_KEY}
            for number in range(CODES):
                coupon = {"twitterId": f"maker{number}", "username": "maker", "followers": 2_000}
                made = await http.post("/api/coupon", json=coupon)
                self.coupons.append(made.json()["data"]["code"])
                code = {"maxUses": 1_000_000, "expiryDays": 30}
                made = await http.post("/admin/access-code", json=code, headers=admin)
                self.access_codes.append(made.json()["data"]["accessCode"]["code"])
            for _ in range(CAMPAIGNS):
                follower = {"campaignId": new_id(), "maxTotalLimit": 2_000_000_000}
                made = await http.post("/api/usageFollower/create-follower", json=follower, headers=admin)
                self.campaigns.append(made.json()["campaignId"])

    @asynccontextmanager
    async def asking(self, *, each: int = 2) -> AsyncIterator[None]:
        """So many clients of each kind ask, each as soon as it is answered; at the end what is open is finished."""
        stop = asyncio.Event()
        lanes = [_Client(self, kind, f"{kind}{number}-{new_id()[:6]}") for kind in KINDS for number in range(each)]
        tasks = [asyncio.create_task(lane.run(stop)) for lane in lanes]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)


class _Client:
    """One client, with a connection to each server."""

    def __init__(self, shoppers: Shoppers, kind: str, name: str) -> None:
        self._shoppers = shoppers
        self._kind = kind
        self._name = name
        self._streams: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        for number in itertools.count():
            port = random.choice(self._shoppers.ports)
            who = f"{self._name}-{number}"
            path, body = self._request(who)
            try:
                status, text = await self._ask(port, path, body)
            except (OSError, EOFError, TimeoutError) as fault:
                status, text = 0, repr(fault)
            if status not in (200, 201):
                self._shoppers.refused.append(f"{self._kind} at {port}: {status} {text}")
                self._streams.pop(port, None)
            self._note(who)
            if stop.is_set():
                break
            if self._kind in ("get", "search"):
                await asyncio.sleep(0.02)
        for _, writer in self._streams.values():
            writer.close()

    def _note(self, who: str) -> None:
        self._shoppers.answered[self._kind] += 1
        if self._kind == "redeem":
            self._shoppers.redeemers.append(who)
        elif self._kind == "create":
            self._shoppers.created.append(who)

    def _request(self, who: str) -> tuple[str, Body | None]:
        """The path, and the body of a POST."""
        shoppers = self._shoppers
        match self._kind:
            case "create":
                return "/api/coupon", {"twitterId": who, "username": who, "followers": 1_500}
            case "redeem":
                code = random.choice(shoppers.coupons)
                newcomer: Body = {"redeemerTwitterId": who, "username": who, "followers": 1_500, "couponCode": code}
                return "/api/redeem", newcomer
            case "get":
                return f"/api/coupon?twitterId=maker{random.randrange(CODES)}", None
            case "use":
                return "/api/access-code/redeem", {"code": random.choice(shoppers.access_codes), "username": who}
            case "move":
                move: Body = {"userId": who, "campaignId": random.choice(shoppers.campaigns), "usageAmount": 2}
                return "/api/usageFollower/add-usage", move
        return "/admin/coupons?username=make&limit=5", None

    async def _ask(self, port: int, path: str, body: Body | None) -> tuple[int, str]:
        async with asyncio.timeout(PATIENCE):
            if port not in self._streams:
                self._streams[port] = await asyncio.open_connection("127.0.0.1", port)
            reader, writer = self._streams[port]
            data = b"" if body is None else orjson.dumps(body)
            head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: t\r\nx-admin-key: {ADMIN_KEY}\r\n"
            kind = b"" if body is None else b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(data)
            writer.write(head.encode() + kind + b"\r\n" + data)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            text = await reader.readexactly(int(answer.partition(b"content-length:")[2].split(b"\r\n")[0]))
        if b"connection: close" in answer:
            self._streams.pop(port)[1].close()
        return int(answer[9:12]), text.decode()
