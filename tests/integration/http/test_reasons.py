"""Who is turned away is told why, by the same word at every way in; who need not be known is never turned away."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from server.app import create_app
from tests.integration.graphql.conftest import served
from tests.support.api import ADMIN, Api, bearer, settings_for, token, unique
from tests.support.orders import make_order
from tests.support.talk import talk

EXPIRED = token("ada", lasts=timedelta(seconds=-1))
FORBIDDEN: dict[str, tuple[dict[str, str], str, str]] = {
    "an expired token": ({"authorization": f"Bearer {EXPIRED}"}, "TOKEN_EXPIRED", "Token has expired."),
    "an expired cookie": ({"cookie": f"token={EXPIRED}"}, "TOKEN_EXPIRED", "Token has expired."),
    "no token at all": ({"authorization": "Bearer nonsense"}, "TOKEN_INVALID", "Invalid token provided."),
    "a cookie of nonsense": ({"cookie": "token=nonsense"}, "TOKEN_INVALID", "Invalid token provided."),
    "an odd type": ({"cookie": f"token={token('ada', userType=[5])}"}, "TOKEN_INVALID", "Invalid token provided."),
    "another user": (bearer("ada"), "NOT_ALLOWED", "You are not allowed to do this"),
    "a wrong key": ({"x-admin-key": "wrong"}, "NOT_ALLOWED", "Invalid authentication credentials"),
}
REFUSED = [
    ("GET", "/admin/stats"),
    ("DELETE", "/api/admin/coupon/60d21b4667d0d8992e610c85"),
    ("GET", "/admin/there-is-no-such-path"),
    ("GET", "/api/order/find/bob"),
    ("POST", "/api/usageFollower/create-follower"),
    ("PATCH", "/api/usageFollower/update-follower/60d21b4667d0d8992e610c85"),
]


@pytest.mark.parametrize(("method", "path"), REFUSED)
@pytest.mark.parametrize(("headers", "reason", "message"), FORBIDDEN.values(), ids=FORBIDDEN)
async def test_rest_tells_why_a_caller_is_forbidden(
    api: Api, method: str, path: str, headers: dict[str, str], reason: str, message: str
) -> None:
    answer = await api.http.request(method, path, headers=headers)
    told = {"status": "error", "message": message, "code": "FORBIDDEN", "reason": reason}
    assert (answer.status_code, answer.json()) == (403, told)
    assert answer.headers.get("set-cookie", "").startswith('token=""') is reason.startswith("TOKEN")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(("headers", "reason", "message"), FORBIDDEN.values(), ids=FORBIDDEN)
async def test_graphql_tells_why_a_caller_is_forbidden(
    api: Api, accept: str, headers: dict[str, str], reason: str, message: str
) -> None:
    body = {"query": '{ orders(userId: "bob") { nodes { id } } }'}
    answer = await api.http.post("/graphql", json=body, headers=headers | {"accept": accept})
    text = answer.text.split("data: ")[1].split("\r\n")[0] if "event" in accept else answer.text
    [error] = httpx.Response(200, text=text).json()["errors"]
    assert (error["message"], error["extensions"]) == (message, {"code": "FORBIDDEN", "reason": reason})


@pytest.fixture
async def tessera(database_uri: str) -> AsyncIterator[str]:
    """Tessera behind uvicorn, as `host:port`, for pages of every site."""
    async with served(create_app(settings_for(database_uri, cors_origins=("*",))), lifespan="on") as address:
        yield address


async def test_a_websocket_tells_why_a_caller_is_forbidden(tessera: str) -> None:
    for headers, reason, message in FORBIDDEN.values():
        async with talk(tessera) as one:
            await one.say({"type": "connection_init", "payload": headers})
            if reason == "NOT_ALLOWED" and "authorization" in headers:
                assert await one.hear() == {"type": "connection_ack"}
                answer = await one.ask('{ orders(userId: "bob") { nodes { id } } }')
                [error] = answer["payload"]["errors"]
                assert error["extensions"] == {"code": "FORBIDDEN", "reason": reason}
            elif "cookie" not in headers:
                assert await one.close_code() == 4403
                assert one.connection.close_reason == message


async def test_nobody_is_asked_to_sign_in_without_a_reason(api: Api) -> None:
    answer = await api.http.get("/admin/stats")
    assert answer.json() == {"status": "error", "message": "Authentication required", "code": "UNAUTHENTICATED"}


@pytest.mark.parametrize(("headers", "reason", "message"), FORBIDDEN.values(), ids=FORBIDDEN)
async def test_public_paths_ignore_keys_and_tokens(
    api: Api, headers: dict[str, str], reason: str, message: str
) -> None:
    name = unique("name")
    body = {"twitterId": unique("t"), "username": name, "followers": 1500}
    made = await api.http.post("/api/coupon", json=body, headers=headers)
    read = await api.http.get(f"/api/access-code/user/{name}", headers=headers)
    assert (made.status_code, read.status_code) == (201, 200)
    assert "set-cookie" not in made.headers
    assert "set-cookie" not in read.headers


OPEN_FIELDS = [
    '{ coupon(twitterId: "1") { id } }',
    '{ accessCodeValidity(code: "ABC123") { __typename } }',
    '{ accessCodeRedemptions(username: "ada") { hasRedeemedAccessCode } }',
    '{ node(id: "x") { id } }',
    '{ nodes(ids: ["x"]) { id } }',
    "{ viewer { userId } }",
    'mutation { createCoupon(input: {twitterId: "1", username: "a", followers: 2000}) { __typename } }',
    'mutation { redeemAccessCode(input: {code: "ABC123", username: "ada"}) { __typename } }',
    """mutation { redeemCoupon(input: {redeemerTwitterId: "1", couponCode: "ABCD-EFGH", idempotencyKey: "k"}) {
        __typename } }""",
]


@pytest.mark.parametrize("query", OPEN_FIELDS)
async def test_an_invalid_token_is_refused_on_every_open_field(api: Api, query: str) -> None:
    for shown, reason in ((EXPIRED, "TOKEN_EXPIRED"), ("nonsense", "TOKEN_INVALID")):
        body = await api.graphql(query, headers={"cookie": f"token={shown}"})
        assert {error["extensions"]["code"] for error in body["errors"]} == {"FORBIDDEN"}
        assert {error["extensions"]["reason"] for error in body["errors"]} == {reason}


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"content-type": "application/x-www-form-urlencoded"}, b"query=mutation"),
        ({"content-type": "text/plain"}, b'{"query": "mutation { x }"}'),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x--"),
        ({"content-type": "text/plain; application/json"}, b"{}"),
        ({}, b'{"query": "mutation { x }"}'),
        ({}, b""),
    ],
)
async def test_no_form_of_another_site_changes_anything_with_the_cookie_of_an_admin(
    api: Api, headers: dict[str, str], content: bytes
) -> None:
    order = await make_order(api.services)
    across = headers | {"cookie": f"token={token('boss', 'admin')}", "sec-fetch-site": "cross-site"}
    for path in (
        "/graphql",
        "/admin/access-code",
        "/api/usageFollower/create-follower",
        "/api/usageFollower/add-usage",
        f"/api/order/refundOrder/{order.id}",
        f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity=1",
    ):
        answer = await api.http.post(path, content=content, headers=across)
        assert answer.status_code in (403, 415), path
    for path in (
        f"/api/order/refundOrder/{order.id}",
        f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity=1",
    ):
        assert (await api.http.get(path, headers=across)).status_code == 403
    mutation = f'mutation {{ refundOrder(input: {{id: "{order.id}"}}) {{ __typename }} }}'
    assert (await api.http.get("/graphql", params={"query": mutation}, headers=across)).status_code == 405
    found = await api.http.get(f"/api/order/findOrder/{order.id}", headers=ADMIN)
    assert found.json()["refunded"] is False


VIEWER = "{ viewer { userId } }"
PAGES: dict[str, tuple[dict[str, str], dict[str, str], str | None]] = {
    "no page": ({}, {}, "ada"),
    "a page of this origin": ({"origin": "http://{host}"}, {}, "ada"),
    "a page of this origin behind TLS": ({"origin": "https://{host}"}, {}, "ada"),
    "a page that the browser says is ours": (
        {"origin": "https://shop.example", "sec-fetch-site": "same-origin"},
        {},
        "ada",
    ),
    "a page of another site": ({"origin": "https://evil.example"}, {}, None),
    "a page of another port": ({"origin": "http://127.0.0.1:1"}, {}, None),
    "a page of no origin": ({"origin": "null"}, {}, None),
    "a page of another site with a token": (
        {"origin": "https://evil.example"},
        {"authorization": f"Bearer {token('eve')}"},
        "eve",
    ),
}


@pytest.mark.parametrize(("headers", "payload", "who"), PAGES.values(), ids=PAGES)
async def test_where_every_page_may_connect_only_our_own_have_the_cookie_count(
    tessera: str, headers: dict[str, str], payload: dict[str, Any], who: str | None
) -> None:
    given = {name: value.format(host=tessera) for name, value in headers.items()}
    given["cookie"] = f"token={token('ada')}"
    async with talk(tessera, additional_headers=given) as one:
        await one.begin(**payload)
        viewer = await one.ask(VIEWER)
    assert viewer["payload"] == {"data": {"viewer": None if who is None else {"userId": who}}}
