"""What is around every request: ids, logs without secrets, CORS, the last resort."""

import logging
from collections.abc import Iterator

import httpx
import pytest
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.application import Application
from server.middleware import Guard
from tests.support.api import ADMIN, ADMIN_KEY, JWT_SECRET, Api, bearer, running_api, settings_for


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


async def test_a_request_has_an_id_that_a_client_may_choose(api: Api) -> None:
    made = (await api.http.get("/health")).headers["x-request-id"]
    assert len(made) == 16
    chosen = await api.http.get("/health", headers={"x-request-id": "trace-1.a_b"})
    assert chosen.headers["x-request-id"] == "trace-1.a_b"
    nonsense = await api.http.get("/health", headers={"x-request-id": "a b" * 50})
    assert len(nonsense.headers["x-request-id"]) == 16


async def test_no_secret_reaches_a_log(api: Api, logged: pytest.LogCaptureFixture) -> None:
    user = bearer("someone", "admin")
    await api.http.get(f"/admin/stats?adminKey={ADMIN_KEY}")
    await api.http.get("/admin/stats?adminKey=a-wrong-key", headers=user)
    await api.http.post("/graphql", json={"query": "{ nothing }"}, headers=ADMIN | user)
    await api.http.post(
        "/api/coupon", content=b"{", headers={"cookie": user["authorization"].replace("Bearer ", "token=")}
    )
    lines = [str(record.__dict__) for record in logged.records if record.name.startswith("tessera")]
    assert any("/admin/stats" in line for line in lines)
    text = "\n".join(lines) + repr(api.settings)
    for secret in (ADMIN_KEY, JWT_SECRET, "a-wrong-key", user["authorization"].removeprefix("Bearer ")):
        assert secret not in text


async def test_an_origin_is_let_in_by_a_setting_only(api: Api, database_uri: str) -> None:
    preflight = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in (await api.http.options("/graphql", headers=preflight)).headers
    async with running_api(settings_for(database_uri, cors_origins=("https://shop.example",))) as shop:
        allowed = await shop.http.options("/graphql", headers=preflight)
        assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
        other = await shop.http.options("/graphql", headers=preflight | {"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_what_no_one_expected_is_a_masked_500_in_the_shape_of_errors() -> None:
    async def break_down(_: Request) -> Response:
        raise RuntimeError("secret detail")

    app = Application([Route("/", break_down)], [Middleware(Guard, head_limit=1_000, body_limit=1_000)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tessera.test") as http:
        answer = await http.get("/")
    assert answer.status_code == 500
    expected = {"status": "error", "message": "Internal server error", "code": "INTERNAL_SERVER_ERROR"}
    assert answer.json() == expected
