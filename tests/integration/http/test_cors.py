"""Pages of other origins: what front ends send passes, what they read is shown, errors included; others get nothing."""

import pytest

from tests.support.api import Api, bearer, running_api, settings_for

ORIGIN = "https://shop.example"
SENT = [
    "content-type",
    "Authorization",
    "x-admin-key, content-type",
    "X-Requested-With",
    "traceparent,tracestate,baggage",
    "sentry-trace",
    "apollo-require-preflight",
    "apollographql-client-name, apollographql-client-version",
    "idempotency-key",
    "x-request-id",
    "a-header-of-tomorrow",
]
READ = {
    "content-disposition",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "x-request-id",
}


def preflight(origin: str, method: str, headers: str = "") -> dict[str, str]:
    asked = {"origin": origin, "access-control-request-method": method}
    return asked | ({"access-control-request-headers": headers} if headers else {})


@pytest.mark.parametrize(
    "path", ["/graphql", "/api/coupon", "/admin/stats", "/api/order/refundOrder/60d21b4667d0d8992e610f01"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "DELETE"])
async def test_a_preflight_passes_with_any_header(database_uri: str, path: str, method: str) -> None:
    async with running_api(settings_for(database_uri, cors_origins=(ORIGIN,))) as api:
        for headers in SENT:
            answer = await api.http.options(path, headers=preflight(ORIGIN, method, headers))
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert answer.headers["access-control-allow-headers"] == headers
            assert method in answer.headers["access-control-allow-methods"]
            assert "Origin" in answer.headers["vary"]


OTHERS = [
    "https://evil.example",
    "http://shop.example",
    "https://shop.example:444",
    "https://shop.example.evil",
    "null",
]


@pytest.mark.parametrize("origin", OTHERS)
async def test_another_origin_is_let_in_nowhere(database_uri: str, origin: str) -> None:
    async with running_api(settings_for(database_uri, cors_origins=(ORIGIN,))) as api:
        refused = await api.http.options("/graphql", headers=preflight(origin, "POST", "content-type"))
        answer = await api.http.get("/health", headers={"origin": origin})
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    assert "access-control-allow-origin" not in answer.headers
    assert "Origin" in answer.headers["vary"]


async def test_errors_can_be_read_too(database_uri: str) -> None:
    settings = settings_for(database_uri, cors_origins=(ORIGIN,), rate_limit="1/minute", header_limit=4_096)
    large = {"x": "a" * 5_000}
    asked = [
        (401, "GET", "/admin/stats", {}, b""),
        (403, "GET", "/api/order/find/bob", bearer("ada"), b""),
        (404, "GET", "/nothing", {}, b""),
        (405, "PUT", "/api/redeem", {}, b""),
        (414, "GET", "/health?" + "a" * 3_000, {}, b""),
        (431, "GET", "/health", large, b""),
        (400, "GET", "/api/coupon", {}, b""),
        (429, "GET", "/api/coupon", {}, b""),
        (415, "POST", "/graphql", {}, b"{}"),
        (413, "POST", "/graphql", {"content-type": "application/json"}, b" " * 100_000),
    ]
    async with running_api(settings) as api:
        for status, method, path, headers, body in asked:
            answer = await api.http.request(method, path, headers={**headers, "origin": ORIGIN}, content=body)
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            assert set(answer.headers["access-control-expose-headers"].split(", ")) >= READ
            assert "Origin" in answer.headers["vary"]


async def test_with_a_star_all_may_call_and_none_with_cookies(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, cors_origins=("*",))) as api:
        for origin in (ORIGIN, "null"):
            passed = await api.http.options("/graphql", headers=preflight(origin, "POST", "content-type"))
            answer = await api.http.get("/health", headers={"origin": origin})
            for one in (passed, answer):
                assert one.headers["access-control-allow-origin"] == "*"
                assert "access-control-allow-credentials" not in one.headers


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "http://127.0.0.1:4173", "http://localhost", "https://localhost:8443"]
)
async def test_with_open_tools_pages_of_this_machine_may_call_on_any_port(database_uri: str, origin: str) -> None:
    async with running_api(settings_for(database_uri, open_tools=True)) as api:
        passed = await api.http.options("/graphql", headers=preflight(origin, "POST", "traceparent"))
        answer = await api.http.get("/health", headers={"origin": origin})
        for one in (passed, answer):
            assert one.status_code == 200
            assert one.headers["access-control-allow-origin"] == origin
            assert one.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(
    "origin",
    [*OTHERS, "http://localhost.evil.example", "http://127.0.0.1.evil.example:80", "http://evil@localhost", "file://"],
)
async def test_with_open_tools_pages_of_elsewhere_may_not(database_uri: str, origin: str) -> None:
    async with running_api(settings_for(database_uri, open_tools=True)) as api:
        refused = await api.http.options("/graphql", headers=preflight(origin, "POST"))
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers


async def test_without_origins_options_is_a_method_like_any_other(api: Api) -> None:
    for path, allowed in (("/graphql", "GET, HEAD, POST"), ("/api/redeem", "POST")):
        for headers in ({}, preflight(ORIGIN, "POST")):
            answer = await api.http.options(path, headers=headers)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
            assert "access-control-allow-origin" not in answer.headers
