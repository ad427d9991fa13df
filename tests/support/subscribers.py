"""Subscribers that are told to go elsewhere, and do: over WebSocket and as event streams."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.support.api import bearer
from tests.support.talk import talk

SUBSCRIPTION = "subscription ($campaign: ID!) { usageAvailabilityChanged(campaignId: $campaign) { totalUsageCount } }"
SERVICE_RESTART = 1012
PATIENCE = 120.0


@dataclass(slots=True)
class Subscriber:
    """One of them, and what has become of it."""

    address: str
    campaign: str
    user: str
    seen: int = -1
    """The last count of usage that it was told of."""
    sent_away: list[float] = field(default_factory=list)
    """When it was told to go elsewhere."""
    faults: list[str] = field(default_factory=list)
    """Whatever else ended a connection, and refusals."""

    def note(self, result: Any) -> None:
        """Read one result of the subscription."""
        if "errors" in result:
            self.faults.append(str(result))
        elif (state := result["data"]["usageAvailabilityChanged"]) is not None:
            self.seen = state["totalUsageCount"]

    async def by_websocket(self) -> None:
        """Subscribe over WebSocket, and again whenever it is told to go elsewhere."""
        while True:
            try:
                async with talk(self.address, open_timeout=PATIENCE, ping_interval=None) as one:
                    await one.say({"type": "connection_init", "payload": bearer(self.user)})
                    await one.subscribe("s", SUBSCRIPTION, variables={"campaign": self.campaign})
                    async for message in one.connection:
                        told = orjson.loads(message)
                        if told["type"] == "next":
                            self.note(told["payload"])
                        elif told["type"] != "connection_ack":
                            self.faults.append(str(told))
                self.faults.append("closed as if nothing were to come")
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code == SERVICE_RESTART:
                    self.sent_away.append(time.monotonic())
                else:
                    self.faults.append(str(closed))
            except (OSError, WebSocketException) as fault:
                self.faults.append(repr(fault))
            await asyncio.sleep(0.1)

    async def by_events(self, http: httpx.AsyncClient) -> None:
        """Subscribe by server-sent events, and again after the time that it is told to wait."""
        body = {"query": SUBSCRIPTION, "variables": {"campaign": self.campaign}}
        headers = bearer(self.user) | {"accept": "text/event-stream"}
        url = f"http://{self.address}/graphql"
        while True:
            retry = None
            try:
                async with http.stream("POST", url, json=body, headers=headers) as stream:
                    assert stream.status_code == 200, stream.status_code
                    async for line in stream.aiter_lines():
                        name, _, value = line.partition(": ")
                        if name == "data" and value:
                            self.note(orjson.loads(value))
                        elif name == "retry":
                            retry = int(value)
                if retry is None:
                    self.faults.append("ended without a word")
                else:
                    self.sent_away.append(time.monotonic())
            except (httpx.TransportError, AssertionError) as fault:
                self.faults.append(repr(fault))
            await asyncio.sleep((retry or 100) / 1_000)


@asynccontextmanager
async def subscribers(address: str, campaign: str, number: int) -> AsyncIterator[list[Subscriber]]:
    """So many, every second of them over WebSocket."""
    them = [Subscriber(address, campaign, f"subscriber{place}") for place in range(number)]
    async with AsyncExitStack() as open_:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        http = await open_.enter_async_context(httpx.AsyncClient(timeout=PATIENCE, limits=limits))
        ways = [one.by_websocket() if place % 2 else one.by_events(http) for place, one in enumerate(them)]
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            yield them
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
