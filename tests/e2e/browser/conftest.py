"""A real Chromium, and the real application behind a real socket."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from uuid import uuid4

import httpx
import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright

from server.app import create_app
from server.settings import Settings
from services.registry import Services
from tests.e2e.browser.programme import Programme, begin
from tests.e2e.browser.visit import Visit
from tests.e2e.browser.walk import Walk
from tests.support.uris import with_database

ADMIN_KEY = "an-admin-key-of-more-than-32-bytes"
# No sandbox of its own inside a container; and no call to anyone but the page.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Open = Callable[..., Awaitable[Visit]]


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Headless Chromium, Debian's or another on the PATH."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.fail("Chromium is not on the PATH; these tests need it: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """The application under uvicorn on a free port; gives its address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None, ws="websockets-sansio"))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            assert not running.done(), "the application did not start"
            await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await running


@pytest.fixture
async def visit(chromium: Browser, database_uri: str) -> AsyncIterator[Open]:
    """Opens `/graphql` of an application of this test's own in a fresh browser profile."""
    async with AsyncExitStack() as stack:

        async def open_graphiql(*, open_tools: bool = False, colours: str = "light") -> Visit:
            settings = Settings(
                mongo_uri=database_uri,
                jwt_secret="a-secret-of-more-than-32-bytes-here",
                admin_key=ADMIN_KEY,
                open_tools=open_tools,
            )
            address = await stack.enter_async_context(serving(settings))
            context = await chromium.new_context(
                viewport={"width": 1280, "height": 800},
                color_scheme="dark" if colours == "dark" else "light",
                base_url=address,
            )
            stack.push_async_callback(context.close)
            context.set_default_timeout(30_000)
            page = await context.new_page()
            seen = Visit(page, ADMIN_KEY)
            answer = await page.goto("/graphql")
            assert answer is not None
            seen.status = answer.status
            return seen

        yield open_graphiql


@pytest.fixture(scope="session")
async def programme(mongo_uri: str) -> AsyncIterator[Programme]:
    """The application with a small programme, which all walks share."""
    uri = with_database(mongo_uri, f"test_{uuid4().hex[:16]}")
    secret = "a-secret-of-more-than-32-bytes-here"
    settings = Settings(mongo_uri=uri, jwt_secret=secret, admin_key=ADMIN_KEY, rate_limit="off")
    services = Services.open(mongo_uri=uri, database_name=settings.database)
    async with serving(settings) as address, httpx.AsyncClient(base_url=address, timeout=60) as http:
        yield await begin(http, services, ADMIN_KEY)
    await services.database.client.drop_database(settings.database)
    await services.close()


@pytest.fixture(params=["laptop", "phone"])
async def walk(request: pytest.FixtureRequest, chromium: Browser, programme: Programme) -> AsyncIterator[Walk]:
    """A walk on each width, the narrow one in dark colours."""
    phone = request.param == "phone"
    walk = await Walk.begin(chromium, programme, phone=phone, dark=phone)
    yield walk
    await walk.page.context.close()
