"""A live connection ends with its token: from `exp` on nothing is run on it and nothing is delivered."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import httpx
import pytest
from strawberry.types import ExecutionResult
from websockets.exceptions import ConnectionClosed

from models.errors import DomainError, ExpiredToken
from server.graphql.event_stream import event_stream
from server.graphql.websocket import TransportHandler
from tests.integration.graphql.conftest import served
from tests.support.api import ADMIN_KEY, signed
from tests.support.sample import closed, sample_app, sample_settings, sample_view
from tests.support.talk import Talk, talk

STREAM = "text/event-stream"
ENDLESS = 'subscription { endless(name: "token") }'
SLOW = "{ slow(seconds: 20) }"
EXPIRED_CLOSE = (4403, "Token has expired.")


def soon(seconds: float = 2.0, **claims: Any) -> tuple[float, str]:
    """An instant close by, and a token that ends then."""
    expires_at = time.time() + seconds
    return expires_at, signed(userId="u1", userType=["admin"], exp=expires_at, **claims)


async def hear_to_the_end(one: Talk) -> tuple[list[dict[str, Any]], tuple[int | None, str | None]]:
    """Every message, and how the connection was closed."""
    heard = []
    with suppress(ConnectionClosed):
        while True:
            heard.append(json.loads(await asyncio.wait_for(one.connection.recv(), 10)))
    return heard, (one.connection.close_code, one.connection.close_reason)


@pytest.mark.parametrize("way", ["header", "cookie", "connection_init"])
async def test_a_websocket_is_closed_when_its_token_ends_however_it_came(address: str, way: str) -> None:
    closed.clear()
    expires_at, shown = soon()
    headers = {"header": {"Authorization": f"Bearer {shown}"}, "cookie": {"Cookie": f"token={shown}"}}.get(way, {})
    payload = {"authorization": f"Bearer {shown}"} if way == "connection_init" else {}
    async with talk(address, additional_headers=headers) as one:
        await one.begin(**payload)
        await one.subscribe("s", ENDLESS)
        heard, how = await hear_to_the_end(one)
        ended = time.time()
    assert how == EXPIRED_CLOSE
    assert {message["type"] for message in heard} == {"next"}
    assert expires_at - 0.1 < ended < expires_at + 5
    assert closed == ["token"], "the subscription has ended with it"


async def test_an_idle_websocket_is_closed_too(address: str) -> None:
    expires_at, shown = soon()
    async with talk(address) as one:
        await one.begin(authorization=f"Bearer {shown}")
        assert await hear_to_the_end(one) == ([], EXPIRED_CLOSE)
    assert time.time() >= expires_at


async def test_an_operation_that_is_under_way_is_given_up(address: str) -> None:
    _, shown = soon()
    async with talk(address) as one:
        await one.begin(authorization=f"Bearer {shown}")
        await one.subscribe("q", SLOW)
        assert await hear_to_the_end(one) == ([], EXPIRED_CLOSE)


async def test_a_token_that_ends_between_the_handshake_and_connection_init_opens_nothing(address: str) -> None:
    _, shown = soon(0.3)
    async with talk(address, additional_headers={"Cookie": f"token={shown}"}) as one:
        await asyncio.sleep(0.5)
        await one.say({"type": "connection_init"})
        assert await hear_to_the_end(one) == ([], EXPIRED_CLOSE)


async def test_what_is_asked_after_the_end_is_neither_run_nor_answered(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but the look at the clock that each message gets is left.
    monkeypatch.setattr(TransportHandler, "_close_at_end", lambda _: asyncio.sleep(0))
    for message in (
        {"id": "1", "type": "subscribe", "payload": {"query": "{ greeting }"}},
        {"type": "ping"},
        {"type": "connection_init"},
        {"id": "s", "type": "complete"},
        {"type": "nonsense"},
    ):
        expires_at, shown = soon(1.5)
        async with talk(address) as one:
            await one.begin(authorization=f"Bearer {shown}")
            await one.subscribe("s", ENDLESS)
            await asyncio.sleep(expires_at - time.time())
            await one.say(message)
            heard, how = await hear_to_the_end(one)
        assert how == EXPIRED_CLOSE
        assert {message["type"] for message in heard} == {"next"}


async def test_a_connection_lives_as_long_as_the_credentials_that_connection_init_brought(address: str) -> None:
    _, short = soon(0.4)
    _, long = soon(60)
    for payload in ({"authorization": f"Bearer {long}"}, {"x-admin-key": ADMIN_KEY}):
        async with talk(address, additional_headers={"Cookie": f"token={short}"}) as one:
            await one.begin(**payload)
            await asyncio.sleep(0.8)
            assert (await one.ask("{ greeting }"))["type"] == "next"


@pytest.mark.parametrize("headers", [{}, {"X-Admin-Key": ADMIN_KEY}], ids=["nobody", "admin key"])
async def test_a_connection_without_a_token_has_no_end(address: str, headers: dict[str, str]) -> None:
    async with talk(address, additional_headers=headers) as one:
        await one.begin()
        await asyncio.sleep(0.5)
        assert (await one.ask("{ greeting }"))["type"] == "next"


@pytest.mark.parametrize("exp", [253_402_300_799, 253_402_300_799.5, 1e300, 10**400, 2**63], ids=str)
async def test_a_token_may_end_when_no_timer_reaches(address: str, exp: float) -> None:
    shown = signed(userId="u1", userType=[], exp=exp)
    async with talk(address) as one:
        await one.begin(authorization=f"Bearer {shown}")
        assert (await one.ask("{ who }"))["payload"] == {"data": {"who": "u1"}}
    async with httpx.AsyncClient(trust_env=False) as client:
        given = {"Accept": STREAM, "Authorization": f"Bearer {shown}"}
        answer = await client.get(f"http://{address}/graphql", params={"query": "{ who }"}, headers=given)
    assert '{"data":{"who":"u1"}}' in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_event_stream_is_complete_when_its_token_ends(address: str, method: str) -> None:
    closed.clear()
    expires_at, shown = soon()
    sent: dict[str, Any] = {"json": {"query": ENDLESS}} if method == "POST" else {"params": {"query": ENDLESS}}
    headers = {"Accept": STREAM, "Cookie": f"token={shown}"}
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.request(method, f"http://{address}/graphql", headers=headers, **sent)
    ended = time.time()
    events = answer.text.split("\r\n\r\n")
    assert events[-3:] == [": Token has expired.", "event: complete\r\ndata: ", ""]
    assert all(event.startswith('event: next\r\ndata: {"data":{"endless":') for event in events[:-3])
    assert expires_at - 0.1 < ended < expires_at + 5
    assert closed == ["token"]


async def test_a_query_in_a_stream_is_given_up_and_over_plain_http_it_ends_as_it_began(address: str) -> None:
    query = {"query": "{ slow(seconds: 3) }"}
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://{address}") as client:
        _, shown = soon()
        given = {"Authorization": f"Bearer {shown}"}
        streamed, plain = await asyncio.gather(
            client.post("/graphql", json=query, headers={"Accept": STREAM} | given),
            client.post("/graphql", json=query, headers=given),
        )
        again = await client.post("/graphql", json={"query": "{ who }"}, headers={"Cookie": f"token={shown}"})
    assert streamed.text == ": Token has expired.\r\n\r\nevent: complete\r\ndata: \r\n\r\n"
    assert plain.json() == {"data": {"slow": "at last"}}
    assert again.headers["set-cookie"].startswith('token=""')


def stream_until(
    expires_at: float, clock: list[float], results: AsyncGenerator[ExecutionResult, None], **options: Any
) -> AsyncGenerator[str, None]:
    """The stream of a caller whose token ends then, which nobody but the clock tells of."""

    def expired() -> ExpiredToken | None:
        return ExpiredToken() if expires_at <= clock[0] else None

    async def until_end() -> DomainError:
        await asyncio.Event().wait()
        return ExpiredToken()

    return event_stream(results, expired=expired, until_end=until_end, **options)


async def counting(clock: list[float]) -> AsyncGenerator[ExecutionResult, None]:
    """A result a second, by a clock of its own."""
    while True:
        yield ExecutionResult({"at": clock[0]}, None)
        clock[0] += 1


async def test_the_result_that_comes_at_the_very_end_is_not_told() -> None:
    clock = [0.0]
    told = [part async for part in stream_until(2, clock, counting(clock))]
    assert told == [
        'event: next\r\ndata: {"data":{"at":0.0}}\r\n\r\n',
        'event: next\r\ndata: {"data":{"at":1.0}}\r\n\r\n',
        ": Token has expired.\r\n\r\n",
        "event: complete\r\ndata: \r\n\r\n",
    ]


async def test_a_stream_whose_token_has_ended_before_it_began_tells_nothing() -> None:
    told = [part async for part in stream_until(5, [5.0], counting([0.0]))]
    assert told == [": Token has expired.\r\n\r\n", "event: complete\r\ndata: \r\n\r\n"]


async def test_a_clock_that_is_set_ends_a_silent_stream_at_the_next_beat() -> None:
    clock, ended = [0.0], []

    async def silence() -> AsyncGenerator[ExecutionResult, None]:
        try:
            await asyncio.sleep(60)
            yield ExecutionResult(None, None)
        finally:
            ended.append(True)

    told = []
    async with aclosing(stream_until(1000, clock, silence(), heartbeat=0.01)) as stream:
        async for part in stream:
            told.append(part)
            if len(told) == 3:
                clock[0] = 1000
    assert told[:3] == [": ping\r\n\r\n"] * 3
    assert told[-1] == "event: complete\r\ndata: \r\n\r\n"
    assert len(told) < 10
    assert ended == [True]


async def test_a_clock_that_is_set_ends_an_idle_websocket_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.authentication.LOOKS_AT_CLOCK", 0.05)
    ahead = [0.0]
    app = sample_app(sample_settings(), view := sample_view(sample_settings()))
    view.authenticator.clock = lambda: time.time() + ahead[0]
    _, shown = soon(600)
    async with served(app) as address, talk(address) as one:
        await one.begin(authorization=f"Bearer {shown}")
        ahead[0] = 601
        assert await hear_to_the_end(one) == ([], EXPIRED_CLOSE)
