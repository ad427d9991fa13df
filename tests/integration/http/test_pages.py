"""`/`, `/docs` and `/favicon.ico`, as a client without a browser sees them."""

import re
import shutil
from pathlib import Path

import pytest

from server import __version__
from server.reference.pages import FILES, LINKS
from tests.support.api import Api

BROWSER = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


async def test_a_program_is_told_where_everything_is(api: Api) -> None:
    answer = await api.http.get("/")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"name": "tessera", "version": __version__, **LINKS}
    for path in LINKS.values():
        assert (await api.http.get(path)).status_code != 404


async def test_a_browser_gets_a_page_that_leads_on(api: Api) -> None:
    answer = await api.http.get("/", headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["vary"] == "Accept"
    for path in ("/graphql", "/docs", "/openapi.json", "/readyz"):
        assert f'href="{path}"' in answer.text


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_no_page_lets_anything_in_from_elsewhere(api: Api, path: str) -> None:
    answer = await api.http.get(path, headers=BROWSER)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=|https?:", answer.text)
    addresses = re.findall(r'(?:src|href)="(/docs/assets/[^"]+)"', answer.text)
    assert addresses
    for address in addresses:
        assert (await api.http.get(address)).status_code == 200, f"{address}: run `make setup`"


async def test_the_sign_is_where_browsers_look_for_it(api: Api) -> None:
    answer = await api.http.get("/favicon.ico")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")


async def test_without_the_npm_files_the_page_says_what_to_run(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FILES.home / "static", tmp_path / "static")
    monkeypatch.setattr(FILES, "home", tmp_path)
    answer = await api.http.get("/docs", headers=BROWSER)
    assert answer.status_code == 503
    assert "npm install --no-package-lock --ignore-scripts" in answer.text
    assert "node_modules/swagger-ui-dist/swagger-ui.css" in answer.text
