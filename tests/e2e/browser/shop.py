"""The examples as a customer meets them: a storefront of another origin, an issuer of tokens, and a Tessera behind."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.async_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from devtools.embedded.ports import free_ports
from tests.e2e.browser.visit import Visit
from tests.integration.graphql.conftest import served
from tests.support.api import ADMIN_KEY, JWT_SECRET, Api, running_api, settings_for
from tests.support.eventually import eventually
from tests.support.processes import ROOT, STARTS_WITHIN, environment
from tests.support.usage import follow
from tests.support.workers import Worker

STOREFRONT, ISSUER = ROOT / "examples" / "storefront", ROOT / "examples" / "node-issuer"
PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Shop:
    """The page, the worker that it talks to, and another Tessera over the same database to change things by."""

    visit: Visit
    worker: Worker
    api: Api
    campaign: str
    address: str

    @property
    def page(self) -> Page:
        return self.visit.page


@asynccontextmanager
async def issuer(origin: str, token_seconds: int, log: Path) -> AsyncIterator[str]:
    """`examples/node-issuer`, as an address."""
    assert shutil.which("node"), "node is not on the PATH: the tests need it"
    assert (ISSUER / "node_modules" / "jose").is_dir(), "jose is not installed: run `make setup` (it needs npm)"
    [port] = free_ports(1)
    settings = {"JWT_SEC": JWT_SECRET, "PORT": str(port), "ORIGINS": origin, "TOKEN_SECONDS": str(token_seconds)}
    with log.open("w") as output:
        command, given = ["node", "issuer.mjs"], environment(**settings)
        process = subprocess.Popen(command, cwd=ISSUER, env=given, stdout=output)  # noqa: ASYNC220  # returns at once
    try:
        async with httpx.AsyncClient() as http:

            async def answers() -> bool:
                try:
                    return (await http.get(f"http://127.0.0.1:{port}/health")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(answers, within=STARTS_WITHIN)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def site(config: dict[str, str]) -> Starlette:
    """The built storefront with the configuration of this run."""
    built = STOREFRONT / "dist"
    assert (built / "index.html").is_file(), "the storefront is not built: run `make setup` (it needs npm)"

    async def show_config(_: Request) -> Response:
        return JSONResponse(config)

    return Starlette(routes=[Route("/config.json", show_config), Mount("/", StaticFiles(directory=built, html=True))])


@asynccontextmanager
async def open_shop(
    chromium: Browser, database_uri: str, folder: Path, *, token_seconds: int = 300, rate_limit: str = "off"
) -> AsyncIterator[Shop]:
    """The page of the storefront in a fresh profile, with a campaign of which a hundred are left."""
    config: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(served(site(config)))
        address = f"http://{host}"
        worker = Worker(database_uri, CORS_ORIGINS=address, RATE_LIMIT=rate_limit)
        await worker.start()
        stack.push_async_callback(worker.stop)
        api = await stack.enter_async_context(running_api(settings_for(database_uri)))
        campaign = await follow(api, maxTotalLimit=100, isPublic=True)
        signer = await stack.enter_async_context(issuer(address, token_seconds, folder / "issuer.log"))
        config |= {"api": f"http://127.0.0.1:{worker.port}", "issuer": signer, "campaignId": campaign}
        context = await chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=address)
        stack.push_async_callback(context.close)
        context.set_default_timeout(PATIENCE_MS)
        visit = Visit(await context.new_page(), ADMIN_KEY)
        await visit.page.goto("/")
        yield Shop(visit, worker, api, campaign, address)


async def photograph(shop: Shop, name: str) -> None:
    """Keep the page in light and dark, on a desk and on a telephone."""
    for colours in ("light", "dark"):
        for width, height in ((1440, 900), (390, 844)):
            await shop.page.emulate_media(color_scheme="dark" if colours == "dark" else "light")
            await shop.page.set_viewport_size({"width": width, "height": height})
            wider = await shop.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, f"{name} is {wider} px too wide for {width}"
            await shop.visit.picture(f"storefront-{name}-{colours}-{width}.png")
    await shop.page.set_viewport_size({"width": 1440, "height": 900})


def tokens_asked(shop: Shop) -> int:
    """How often the page has asked the issuer for another token."""
    return len([request for request in shop.visit.requests if request.url.endswith("/token")])
