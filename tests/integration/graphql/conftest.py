"""The sample application, over ASGI and over a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from typing_extensions import override

from tests.support.sample import sample_app, sample_settings


class AnnouncedServer(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@asynccontextmanager
async def served(app: Starlette, **config: Any) -> AsyncIterator[str]:
    """`app` on a free port of this machine, as `host:port`."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = AnnouncedServer(uvicorn.Config(app, log_level="warning", **({"lifespan": "off"} | config)))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await asyncio.wait_for(server.listens.wait(), 10)
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture(scope="session")
async def address() -> AsyncIterator[str]:
    """The sample application behind uvicorn."""
    async with served(sample_app(sample_settings(cors_origins=("https://shop.example",)))) as host:
        yield host


@asynccontextmanager
async def asgi_client(**changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(sample_app(sample_settings(**changes)))
    async with httpx.AsyncClient(transport=transport, base_url="http://tessera") as client:
        yield client


@pytest.fixture(scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The sample application as it stands in production: introspection is for admins."""
    async with asgi_client() as one:
        yield one
