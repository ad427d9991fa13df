"""What a client is told when something goes wrong, and what it is not."""

import logging
from typing import Any

import httpx
import pytest

from graphql_engine.limits import Limits
from tests.integration.graphql.conftest import asgi_client
from tests.support.sample import SECRET, sample_app, sample_settings, sample_view

MASK = "Internal server error"


def logged_ids(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The request ids of the faults that were logged."""
    return [record.__dict__["request_id"] for record in caplog.records if record.name == "tessera.graphql"]


async def ask(client: httpx.AsyncClient, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    assert SECRET not in answer.text
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize(
    ("query", "message", "extensions"),
    [
        ("{ forbidden }", "You are not allowed to do this", {"code": "FORBIDDEN", "reason": "NOT_ALLOWED"}),
        (
            "{ tooOften }",
            "Too many requests from this IP, please try again later",
            {"code": "RATE_LIMITED", "retryAfter": 12},
        ),
        ("{ malformed }", "Validation failed", {"code": "BAD_USER_INPUT", "errors": ["a is bad", "b is bad"]}),
        (
            "{ away }",
            "Service temporarily unavailable, please try again",
            {"code": "SERVICE_UNAVAILABLE"},
        ),
    ],
)
async def test_a_refusal_shows_its_message_code_and_data(
    client: httpx.AsyncClient, query: str, message: str, extensions: dict[str, Any]
) -> None:
    body = await ask(client, query)
    [error] = body["errors"]
    assert (error["message"], error["extensions"]) == (message, extensions)
    assert error["path"] == [query.strip("{ }")]
    assert body["data"] == {query.strip("{ }"): None}


@pytest.mark.parametrize("query", ["{ broken }", "{ strictlyBroken }", "{ tooBig }"])
async def test_what_no_one_expected_is_masked_and_logged_once_without_what_it_says(
    client: httpx.AsyncClient, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    [error] = (await ask(client, query))["errors"]
    assert error["message"] == MASK
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert logged_ids(caplog) == [error["extensions"]["requestId"]]
    assert SECRET not in caplog.text
    if query == "{ broken }":
        assert "sample.py" in caplog.text
        assert "RuntimeError" in caplog.text
        assert "KeyError" in caplog.text


async def test_a_fault_before_anything_runs_is_masked_and_logged_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    settings = sample_settings()
    view = sample_view(settings)
    monkeypatch.setattr(view.engine.documents, "find", break_down)
    transport = httpx.ASGITransport(sample_app(settings, view))
    async with httpx.AsyncClient(transport=transport, base_url="http://tessera") as client:
        answer = await client.post("/graphql", json={"query": "{ greeting }"})
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["message"]) == (500, MASK)
    assert logged_ids(caplog) == [error["extensions"]["requestId"]]
    assert SECRET not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


async def test_each_fault_of_a_list_is_masked(client: httpx.AsyncClient) -> None:
    body = await ask(client, "{ allBroken { part } }")
    assert {error["message"] for error in body["errors"]} == {MASK}
    assert len(body["data"]["allBroken"]) == 60


async def test_a_database_that_is_away_is_logged_by_its_kind_alone(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(client, "{ away }")
    assert "AutoReconnect" in caplog.text
    assert "example" not in caplog.text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ greeting", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        (r'{ greeting(name: "\uD800") }', "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ greeting(name: 5) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ thing }", "GRAPHQL_VALIDATION_FAILED"),
        ("type Thing { name: String }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ __schema { queryType { name } } }", "UNAUTHENTICATED"),
        ("subscription { countdown }", "BAD_USER_INPUT"),
        ("fragment f on Thing { name }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_document_that_cannot_run_says_why_in_a_code(client: httpx.AsyncClient, query: str, code: str) -> None:
    body = (await client.post("/graphql", json={"query": query})).json()
    assert "data" not in body
    assert {error["extensions"]["code"] for error in body["errors"]} == {code}


@pytest.mark.parametrize(
    "given",
    [
        None,
        5,
        {},
        {"name": None},
        {"name": "x", "count": "1"},
        {"name": "x", "count": 1.5},
        {"name": "x", "count": 2**31},
        {"name": "x", "colour": "BLUE"},
        {"name": "x", "more": 1},
        {"name": [[[["x"]]]]},
    ],
)
async def test_variables_that_do_not_fit_are_the_clients_fault(client: httpx.AsyncClient, given: Any) -> None:
    body = await ask(client, "query ($given: PaintInput!) { painted(given: $given) }", {"given": given})
    assert "data" not in body
    assert {error["extensions"]["code"] for error in body["errors"]} == {"BAD_USER_INPUT"}


async def test_the_faults_of_variables_are_capped(client: httpx.AsyncClient) -> None:
    body = await ask(
        client,
        "query ($given: PaintInput!) { painted(given: $given) }",
        {"given": {"name": "x"} | {f"more{n}": n for n in range(100)}},
    )
    assert len(body["errors"]) == Limits().errors


async def test_what_takes_too_long_is_given_up() -> None:
    async with asgi_client(request_timeout=0.05) as client:
        answer = await client.post("/graphql", json={"query": "{ slow(seconds: 30) }"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    [error] = answer.json()["errors"]
    assert error["extensions"] == {"code": "SERVICE_UNAVAILABLE"}
    assert "too long" in error["message"]
