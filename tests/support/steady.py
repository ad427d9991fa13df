"""Clients that ask so many times a second, whatever becomes of what they asked before."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.api import ADMIN
from tests.support.usage import BASE, new_id

PATIENCE = 120.0


@dataclass(slots=True)
class Steady:
    """What was asked, and what was answered otherwise than well."""

    http: httpx.AsyncClient
    campaign: str
    coupon: str
    answered: int = 0
    used: int = 0
    """How much usage was added, as the answers say."""
    redeemers: list[str] = field(default_factory=list)
    """Who was told that they have redeemed the coupon."""
    refused: list[str] = field(default_factory=list)

    async def ask(self, number: int) -> None:
        """One request: a redemption, a use, a list or a query."""
        kind, who = number % 4, f"steady{number}"
        path, body = self._request(kind, who)
        try:
            answer = await self.http.request("POST" if body else "GET", path, json=body, headers=ADMIN)
        except httpx.TransportError as fault:
            self.refused.append(f"{path}: {fault!r}")
            return
        if answer.status_code not in (200, 201) or b'"errors"' in answer.content:
            self.refused.append(f"{path}: {answer.status_code} {answer.text}")
            return
        self.answered += 1
        if kind == 0:
            self.redeemers.append(who)
        elif kind == 1:
            self.used += 1

    def _request(self, kind: int, who: str) -> tuple[str, dict[str, Any] | None]:
        match kind:
            case 0:
                newcomer = {"redeemerTwitterId": who, "username": who, "followers": 2_000, "couponCode": self.coupon}
                return "/api/redeem", newcomer
            case 1:
                return f"{BASE}/add-usage", {"userId": who, "campaignId": self.campaign, "usageAmount": 1}
            case 2:
                return "/admin/coupons?limit=5", None
        return "/graphql", {"query": "{ coupons(first: 3) { edges { node { couponCode points } } } }"}


@asynccontextmanager
async def steady(address: str, each_second: float) -> AsyncIterator[Steady]:
    """Clients of the server at this address, until the end of the block; what is open then is answered still."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=PATIENCE, limits=limits) as http:
        clients = Steady(http, *await _prepare(http))
        asked: set[asyncio.Task[None]] = set()
        clock = asyncio.get_running_loop().time

        async def run() -> None:
            begin = clock()
            for number in itertools.count():
                asked.add(asyncio.create_task(clients.ask(number)))
                await asyncio.sleep(max(0.0, begin + number / each_second - clock()))

        running = asyncio.create_task(run())
        try:
            yield clients
        finally:
            running.cancel()
            await asyncio.gather(*asked)


async def _prepare(http: httpx.AsyncClient) -> tuple[str, str]:
    """Make a campaign and a coupon; returns the id of one and the code of the other."""
    follower = {"campaignId": new_id(), "maxTotalLimit": 2_000_000_000}
    made = await http.post(f"{BASE}/create-follower", json=follower, headers=ADMIN)
    coupon = await http.post("/api/coupon", json={"twitterId": "maker", "username": "maker", "followers": 2_000})
    return made.json()["campaignId"], coupon.json()["data"]["code"]
