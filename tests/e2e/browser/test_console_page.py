"""The page of the console and its files, as a client without a browser sees them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from server.console import console_routes, pages

LIMIT = 410_000
"""What the whole console may take to load, compressed, in bytes."""


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=console_routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://tessera.test") as client:
        yield client


@pytest.mark.parametrize("view", ["", "/", "/coupons", "/coupons/60d21b4667d0d8992e610c85"])
async def test_every_view_is_the_one_page_under_a_policy_that_lets_nothing_else_in(
    http: httpx.AsyncClient, view: str
) -> None:
    answer = await http.get(f"/console{view}")
    assert answer.status_code == 200, "run `make setup`"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*src=)|style=|\son\w+=|https?:", answer.text)


async def test_each_page_has_a_nonce_of_its_own(http: httpx.AsyncClient) -> None:
    nonces = set()
    for _ in range(2):
        answer = await http.get("/console")
        (nonce,) = set(re.findall(r'nonce="([^"]+)"', answer.text))
        assert f"'nonce-{nonce}'" in answer.headers["content-security-policy"]
        nonces.add(nonce)
    assert len(nonces) == 2


async def test_its_files_are_kept_for_a_year_and_all_together_are_light(http: httpx.AsyncClient) -> None:
    size = 0
    for path in sorted((pages.BUILT / "assets").iterdir()):
        async with http.stream("GET", f"/console/assets/{path.name}", headers={"accept-encoding": "gzip"}) as answer:
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
            size += len(b"".join([part async for part in answer.aiter_raw()]))
    assert 0 < size < LIMIT


async def test_nothing_but_its_files_is_served(http: httpx.AsyncClient) -> None:
    for name in ("none.js", "%2e%2e%2findex.html", "%2e%2e%2f%2e%2e%2fpages.py", "index.html"):
        assert (await http.get(f"/console/assets/{name}")).status_code == 404, name


async def test_where_it_is_not_built_the_page_says_what_to_run(
    http: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "BUILT", tmp_path)
    answer = await http.get("/console")
    assert answer.status_code == 503
    assert "make setup" in answer.text
