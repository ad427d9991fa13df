"""The application as a reader of the documentation meets it: behind a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from server.app import create_app
from server.settings import Settings
from tests.integration.graphql.conftest import served
from tests.support.openapi import HOOKS


@asynccontextmanager
async def served_api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application of these settings, which listens on a free port of this machine."""
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        served(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30, trust_env=False, event_hooks=HOOKS) as http,
    ):
        yield http
