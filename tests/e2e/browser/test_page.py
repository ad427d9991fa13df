"""The page and its files, as a client without a browser sees them."""

import gzip
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.authentication import Authenticator
from server.graphiql import graphiql_assets, graphiql_page
from server.graphiql.assets import FILES
from server.settings import Settings
from tests.support.api import NoKeys

KEY = "an-admin-key-of-more-than-32-bytes"
CLOSED = Settings(mongo_uri="mongodb://127.0.0.1/", jwt_secret="s" * 32, admin_key=KEY)


def client(settings: Settings) -> httpx.AsyncClient:
    authenticator = Authenticator(settings, NoKeys())

    async def page(request: Request) -> Response:
        return await graphiql_page(request, await authenticator.principal(request), settings)

    app = Starlette(routes=[*graphiql_assets, Route("/graphql", page)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tessera.test")


@pytest.fixture
async def closed() -> AsyncIterator[httpx.AsyncClient]:
    async with client(CLOSED) as closed_client:
        yield closed_client


@pytest.fixture
async def opened() -> AsyncIterator[httpx.AsyncClient]:
    async with client(CLOSED.model_copy(update={"open_tools": True})) as open_client:
        yield open_client


def addresses(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/graphql/assets/[^"]+)"', page)


async def test_without_the_key_there_is_a_form_that_can_never_put_it_into_an_address(
    closed: httpx.AsyncClient,
) -> None:
    answer = await closed.get("/graphql")
    assert answer.status_code == 401
    assert '<form id="gate">' in answer.text
    assert not re.search(r"<input[^>]*\sname=", answer.text)
    assert "couponStats" not in answer.text
    assert "form-action 'none'" in answer.headers["content-security-policy"]


async def test_a_wrong_key_is_forbidden(closed: httpx.AsyncClient) -> None:
    answer = await closed.get("/graphql", headers={"x-admin-key": "wrong"})
    assert answer.status_code == 403
    assert '<form id="gate">' in answer.text


async def test_the_right_key_gets_the_page_and_the_page_does_not_hold_it(closed: httpx.AsyncClient) -> None:
    answer = await closed.get("/graphql", headers={"x-admin-key": KEY})
    assert answer.status_code == 200
    assert KEY not in answer.text
    configuration = json.loads(re.findall(r'id="configuration">(.*?)</script>', answer.text, re.DOTALL)[0])
    assert configuration["endpoint"] == "/graphql"
    assert configuration["open"] is False
    assert "List coupons, filtered" in [example["title"] for example in configuration["examples"]]


async def test_open_tools_show_the_page_to_everyone(opened: httpx.AsyncClient) -> None:
    answer = await opened.get("/graphql")
    assert answer.status_code == 200
    assert 'id="graphiql"' in answer.text


@pytest.mark.parametrize("key", [None, KEY])
async def test_no_page_lets_anything_in_from_elsewhere(closed: httpx.AsyncClient, key: str | None) -> None:
    answer = await closed.get("/graphql", headers={"x-admin-key": key} if key else {})
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*(src=|application/json))|<style|style=|\son\w+=", answer.text)
    assert "http:" not in answer.text.replace("http://www.w3.org/", "")
    assert "https:" not in answer.text


@pytest.mark.parametrize("key", [None, KEY])
async def test_every_file_a_page_names_is_served_with_its_type(closed: httpx.AsyncClient, key: str | None) -> None:
    page = await closed.get("/graphql", headers={"x-admin-key": key} if key else {})
    assert addresses(page.text)
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for address in addresses(page.text):
        answer = await closed.get(address)
        assert answer.status_code == 200, f"{address}: run `make setup`"
        assert answer.headers["content-type"].split(";")[0] == types[address.rpartition(".")[2]]
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_that_the_browser_has_is_not_sent_again(closed: httpx.AsyncClient) -> None:
    address = addresses((await closed.get("/graphql")).text)[0]
    first = await closed.get(address)
    for tag in (first.headers["etag"], f'"other", {first.headers["etag"]}', "*"):
        again = await closed.get(address, headers={"if-none-match": tag})
        assert again.status_code == 304
        assert again.content == b""
    assert (await closed.get(address, headers={"if-none-match": '"other"'})).status_code == 200


async def test_files_are_compressed_for_who_takes_it(closed: httpx.AsyncClient) -> None:
    address = f"{FILES.base_address()}/graphiql.js"
    plain = await closed.get(address, headers={"accept-encoding": "identity"})
    async with closed.stream("GET", address, headers={"accept-encoding": "gzip"}) as packed:
        body = b"".join([part async for part in packed.aiter_raw()])
        assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(body) == plain.content
    assert len(body) < len(plain.content) / 4


async def test_an_address_of_another_version_is_served_but_not_kept(closed: httpx.AsyncClient) -> None:
    answer = await closed.get("/graphql/assets/0123456789abcdef/gate.js")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["ide.html", "page.py", "package.json", "..%2fpage.py", "..%2f..%2fsettings.py", "%2fetc%2fpasswd", ""]
)
async def test_nothing_but_the_listed_files_is_served(closed: httpx.AsyncClient, name: str) -> None:
    assert (await closed.get(f"{FILES.base_address()}/{name}")).status_code == 404


async def test_without_the_npm_files_an_admin_is_told_what_to_run(
    opened: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FILES.home / "static", tmp_path / "static")
    monkeypatch.setattr(FILES, "home", tmp_path)
    answer = await opened.get("/graphql")
    assert answer.status_code == 503
    assert "npm install --no-package-lock --ignore-scripts" in answer.text
    assert "make setup" in answer.text
    assert "node_modules/graphiql/graphiql.min.js" in answer.text
    for address in addresses(answer.text):
        assert (await opened.get(address)).status_code == 200


def test_every_package_is_named_by_its_exact_version() -> None:
    package = json.loads((FILES.home / "package.json").read_text())
    assert {name: version for name, version in package["dependencies"].items() if not version[0].isdigit()} == {}
