"""A real Chromium, and the real application behind a real socket."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing

import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright

from server.app import create_app
from server.settings import Settings
from tests.e2e.browser.visit import Visit

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
