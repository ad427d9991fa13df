"""The door over HTTP: what it takes, and what it says to everything else."""

import json
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from tests.integration.graphql.conftest import asgi_client
from tests.support.api import ADMIN_KEY, token

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"


async def post(client: httpx.AsyncClient, body: bytes, **headers: str) -> httpx.Response:
    return await client.post("/graphql", content=body, headers={"Content-Type": JSON} | headers)


def the_code(answer: httpx.Response) -> str:
    """The code of the only error of a JSON answer without data."""
    body = answer.json()
    assert list(body) == ["errors"]
    [error] = body["errors"]
    assert error["message"]
    code: str = error["extensions"]["code"]
    return code


BAD_BODIES = {
    "nothing": b"",
    "not JSON": b"{",
    "null": b"null",
    "a number": b"5",
    "a text": b'"x"',
    "true": b"true",
    "a batch": b'[{"query": "{ greeting }"}]',
    "an empty batch": b"[]",
    "no query": b"{}",
    "a null query": b'{"query": null}',
    "a query that is a number": b'{"query": 5}',
    "a query that is a list": b'{"query": ["{ greeting }"]}',
    "variables that are a list": b'{"query": "{ greeting }", "variables": []}',
    "variables that are a text": b'{"query": "{ greeting }", "variables": "{}"}',
    "an operation name that is a number": b'{"query": "{ greeting }", "operationName": 5}',
    "extensions that are a number": b'{"query": "{ greeting }", "extensions": 5}',
    "invalid UTF-8": b'{"query": "\xff\xfe"}',
    "a lone surrogate": b'{"query": "\\ud800"}',
    "a number of 5000 digits": b'{"query": "{ greeting }", "variables": {"n": ' + b"9" * 5000 + b"}}",
    "NaN": b'{"query": "{ greeting }", "variables": {"n": NaN}}',
    "Infinity": b'{"query": "{ greeting }", "variables": {"n": Infinity}}',
    "endless nesting": b'{"query": "{ greeting }", "variables": ' + b'{"a":' * 20_000,
    "deep nesting": b'{"query": "{ greeting }", "variables": {"a":' + b"[" * 5000 + b"]" * 5000 + b"}}",
    "a UTF-16 body": '{"query": "{ greeting }"}'.encode("utf-16"),
    "a doubled key": b'{"query": "{ wrong }", "query": "{ greeting }"}',
    "a doubled key that is escaped once": b'{"query": "{ wrong }", "\\u0071uery": "{ greeting }"}',
    "a doubled variable": b'{"query": "{ greeting }", "variables": {"a": 1, "a": 1}}',
    "a key that is doubled deep in a list": b'{"query": "{a}", "variables": {"a": [{"b": 1, "c": 2, "b": 1}]}}',
    "a key that is doubled at great depth": b'{"query": "{ greeting }", "variables": '
    + b'{"a":' * 900
    + b'{"b": 1, "b": 2}'
    + b"}" * 901,
    "a doubled key of extensions": b'{"query": "{ greeting }", "extensions": {"a": 1, "a": 1}}',
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_malformed_body_is_a_400_in_json(accept: str, body: bytes) -> None:
    async with asgi_client(body_limit=1_000_000) as client:
        answer = await post(client, body, Accept=accept)
    assert (answer.status_code, the_code(answer)) == (400, "BAD_USER_INPUT")
    assert answer.headers["content-type"] == accept


@pytest.mark.parametrize(
    "variables",
    [{"name": orjson.loads("[" * 900 + "]" * 900)}, {"name": {"a": 1}}, {"name": 1e300}, {"name": 2**70}],
)
async def test_odd_variables_are_refused_by_their_type(client: httpx.AsyncClient, variables: Any) -> None:
    body = json.dumps({"query": "query ($name: String!) { greeting(name: $name) }", "variables": variables})
    answer = await post(client, body.encode())
    assert (answer.status_code, the_code(answer)) == (200, "BAD_USER_INPUT")


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "streamed"])
async def test_a_body_over_the_limit_is_too_large(client: httpx.AsyncClient, declared: bool) -> None:
    body = b'{"query": "' + b" " * 70_000 + b'{ greeting }"}'

    async def parts() -> Any:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    headers = {"Content-Type": JSON}
    answer = await client.post("/graphql", content=body if declared else parts(), headers=headers)
    assert (answer.status_code, the_code(answer)) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonp",
    ],
)
async def test_a_body_that_is_not_declared_as_json_is_a_415(
    client: httpx.AsyncClient, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await client.post("/graphql", content=b'{"query": "{ greeting }"}', headers=headers)
    assert (answer.status_code, the_code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"'])
async def test_json_in_utf_8_may_say_so(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await post(client, b'{"query": "{ greeting }"}', **{"Content-Type": content_type})
    assert answer.json() == {"data": {"greeting": "Hello, you"}}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
async def test_any_other_method_is_a_405_that_names_the_others(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/graphql")
    assert (answer.status_code, the_code(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_get_runs_queries_with_variables(client: httpx.AsyncClient) -> None:
    document = "query a($name: String) { greeting(name: $name) } query b { who }"
    parameters = {"query": document, "variables": '{"name": "Ann"}', "operationName": "a", "unknown": "x"}
    answer = await client.get("/graphql", params=parameters)
    assert answer.json() == {"data": {"greeting": "Hello, Ann"}}
    assert answer.headers["cache-control"] == "no-store"


async def test_get_changes_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql", params={"query": 'mutation { paint(given: {name: "x"}) }'})
    assert (answer.status_code, the_code(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "query={greeting}&query={who}",
        "query={greeting}&variables=5",
        'query={greeting}&variables={"a":1,"a":2}',
        'query={greeting}&extensions={"a":{"b":1,"b":1}}',
        "query={greeting}&variables={",
        "query={greeting}&variables=NaN",
        "query={greeting}&extensions=[]",
        "variables={}",
    ],
)
async def test_malformed_parameters_of_get_are_a_400(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/graphql?{query}", headers={"Accept": JSON})
    assert (answer.status_code, the_code(answer)) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/html", JSON),
        (JSON, JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON}", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", JSON),
        (f"{JSON};q=0.5, {GRAPHQL_JSON};q=0.9", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0, */*", JSON),
        (f"{GRAPHQL_JSON}; charset=utf-8", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed", GRAPHQL_JSON),
        ("APPLICATION/JSON;q=nonsense", JSON),
    ],
)
async def test_the_media_type_is_the_one_preferred(
    client: httpx.AsyncClient, accept: str | None, media_type: str
) -> None:
    client_headers = {"Accept": accept} if accept is not None else {}
    request = client.build_request("POST", "/graphql", json={"query": "{ greeting }"}, headers=client_headers)
    if accept is None:
        del request.headers["accept"]
    answer = await client.send(request)
    assert answer.headers["content-type"] == media_type
    assert answer.json() == {"data": {"greeting": "Hello, you"}}


@pytest.mark.parametrize(
    "query", ["{ greeting", "{ nothing }", "query ($n: Int!) { greeting }", "subscription { countdown }"]
)
async def test_a_request_error_is_200_in_json_and_400_in_graphql_response_json(
    client: httpx.AsyncClient, query: str
) -> None:
    statuses = {}
    for accept in (JSON, GRAPHQL_JSON):
        answer = await client.post("/graphql", json={"query": query}, headers={"Accept": accept})
        assert "data" not in answer.json()
        statuses[accept] = answer.status_code
    assert statuses == {JSON: 200, GRAPHQL_JSON: 400}


@pytest.mark.parametrize("query", ["{ forbidden }", "{ strictlyBroken }"])
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_what_ran_is_200_whatever_came_of_it(client: httpx.AsyncClient, accept: str, query: str) -> None:
    answer = await client.post("/graphql", json={"query": query}, headers={"Accept": accept})
    assert answer.status_code == 200
    assert set(answer.json()) == {"data", "errors"}


async def test_introspection_is_for_admins() -> None:
    document = {"query": "{ __schema { queryType { name } } }"}
    callers: dict[str, dict[str, str]] = {
        "nobody": {},
        "a user": {"Authorization": f"Bearer {token('u1', 'default')}"},
        "an admin by token": {"Authorization": f"Bearer {token('u2', 'admin')}"},
        "an admin by key": {"X-Admin-Key": ADMIN_KEY},
        "a wrong key": {"X-Admin-Key": "wrong"},
    }
    statuses = {}
    async with asgi_client() as client:
        for name, headers in callers.items():
            statuses[name] = (await client.post("/graphql", json=document, headers=headers)).status_code
    assert statuses == {
        "nobody": 401,
        "a user": 403,
        "an admin by token": 200,
        "an admin by key": 200,
        "a wrong key": 403,
    }


async def test_a_browser_gets_a_page_and_only_an_admin_gets_graphiql(client: httpx.AsyncClient) -> None:
    html = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    asked = await client.get("/graphql", headers=html)
    assert asked.status_code == 401
    assert asked.headers["content-type"].startswith("text/html")
    shown = await client.get("/graphql", headers=html | {"X-Admin-Key": ADMIN_KEY})
    assert shown.status_code in (200, 503)
    assert shown.text != asked.text
    answered = await client.get("/graphql", params={"query": "{ greeting }"}, headers=html)
    assert answered.json() == {"data": {"greeting": "Hello, you"}}


async def test_the_caller_is_known_by_key_bearer_and_cookie(client: httpx.AsyncClient) -> None:
    shown = token("u7", "default")
    found = [
        (await client.post("/graphql", json={"query": "{ who }"}, headers=headers)).json()["data"]["who"]
        for headers in (
            {},
            {"X-Admin-Key": ADMIN_KEY},
            {"Authorization": f"Bearer {shown}"},
            {"Cookie": f"token={shown}"},
        )
    ]
    assert found == [None, "admin", "u7", "u7"]


@pytest.mark.parametrize("shown", [token("u1", lasts=timedelta(seconds=-10)), "nonsense"], ids=["expired", "nonsense"])
@pytest.mark.parametrize("body", [b'{"query": "{ greeting }"}', b"null"])
async def test_a_token_that_does_not_hold_clears_its_cookie(client: httpx.AsyncClient, shown: str, body: bytes) -> None:
    answer = await post(client, body, Cookie=f"token={shown}")
    cleared = answer.headers["set-cookie"]
    assert cleared.startswith('token=""')
    assert "Max-Age=0" in cleared


async def test_a_good_token_keeps_its_cookie(client: httpx.AsyncClient) -> None:
    answer = await post(client, b'{"query": "{ greeting }"}', Cookie=f"token={token('u1')}")
    assert "set-cookie" not in answer.headers


async def test_headers_that_resolvers_set_go_out_with_the_answer(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "{ limited }"})
    assert answer.headers["ratelimit-remaining"] == "7"
