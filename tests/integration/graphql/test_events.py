"""Server-sent events: for those who ask for them first."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.support.sample import SECRET, closed

STREAM = "text/event-stream"


def events(text: str) -> list[tuple[str, Any]]:
    """The events of a stream: name and data."""
    blocks = [dict(line.split(":", 1) for line in block.split("\r\n")) for block in text.strip().split("\r\n\r\n")]
    return [(block["event"].strip(), json.loads(block["data"].strip() or "null")) for block in blocks]


@pytest.mark.parametrize("accept", [STREAM, f"{STREAM}, multipart/mixed", f"{STREAM}, application/json;q=0.9"])
async def test_a_subscription_is_a_stream_of_events(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.post(
        "/graphql", json={"query": "subscription { countdown(start: 2) }"}, headers={"Accept": accept}
    )
    assert answer.headers["content-type"].startswith(STREAM)
    assert events(answer.text) == [
        ("next", {"data": {"countdown": 2}}),
        ("next", {"data": {"countdown": 1}}),
        ("complete", None),
    ]


async def test_a_client_that_lists_events_last_gets_json(client: httpx.AsyncClient) -> None:
    accept = f"application/graphql-response+json, application/json, {STREAM}, multipart/mixed"
    answer = await client.post("/graphql", json={"query": "{ greeting }"}, headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/graphql-response+json"


async def test_a_stream_by_get_subscribes_and_changes_nothing(client: httpx.AsyncClient) -> None:
    heard = {}
    for query in ("subscription { countdown(start: 1) }", 'mutation { paint(given: {name: "x"}) }'):
        answer = await client.get("/graphql", params={"query": query}, headers={"Accept": STREAM})
        heard[query.split()[0]] = events(answer.text)[0][1]
    assert heard["subscription"] == {"data": {"countdown": 1}}
    assert heard["mutation"]["data"] is None
    assert heard["mutation"]["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { breaking }", "INTERNAL_SERVER_ERROR"),
        ("{ broken }", "INTERNAL_SERVER_ERROR"),
    ],
)
async def test_faults_in_a_stream_have_codes_and_masks(client: httpx.AsyncClient, query: str, code: str) -> None:
    answer = await client.post("/graphql", json={"query": query}, headers={"Accept": STREAM})
    *results, last = events(answer.text)
    assert last == ("complete", None)
    assert results[-1][1]["errors"][0]["extensions"]["code"] == code
    assert SECRET not in answer.text


async def test_a_reader_who_leaves_ends_the_subscription(address: str) -> None:
    closed.clear()
    query = {"query": 'subscription { endless(name: "gone") }'}
    async with httpx.AsyncClient(trust_env=False) as client:
        request = client.stream("POST", f"http://{address}/graphql", json=query, headers={"Accept": STREAM})
        async with request as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data"):
                    break
    for _ in range(100):
        if closed:
            break
        await asyncio.sleep(0.02)
    assert closed == ["gone"]
