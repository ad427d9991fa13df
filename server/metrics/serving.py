"""`/metrics` on a port of its own, served by the same processes as the API and open to whoever reaches that port."""

import asyncio
import socket
from functools import partial
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import override
from uvicorn.server import ServerState

from server.leaving import LeavingServer
from services.kit.instruments.metrics import TEXT_FORMAT

REGISTRY = "registry"
"""The name, in the application's state, of the registry of what its process counts."""


def metrics_app(registry: CollectorRegistry) -> Starlette:
    """Shows a registry at `/metrics` and has no other path."""

    async def show(_: Request) -> Response:
        # Beside the requests: adding up what many workers have counted takes some hundredths of a second.
        return Response(await asyncio.to_thread(generate_latest, registry), media_type=TEXT_FORMAT)

    return Starlette(routes=[Route("/metrics", show)])


class MeasuredServer(LeavingServer):
    """A server of the API that also shows, on `metrics`, a registry: that of the application unless one is given."""

    def __init__(
        self,
        config: uvicorn.Config,
        delay: float,
        metrics: socket.socket | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        super().__init__(config, delay)
        self._metrics = metrics
        self._registry = registry
        self._metrics_state = ServerState()
        """Of connections that a drain need not wait for."""

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._metrics is None or self.should_exit:
            return
        shown = metrics_app(self._registry or self.lifespan.state[REGISTRY])
        config = uvicorn.Config(shown, log_config=None, access_log=False, server_header=False, lifespan="off")
        config.load()
        protocol: Any = config.http_protocol_class
        connect = partial(protocol, config=config, server_state=self._metrics_state, app_state={})
        self.servers.append(await asyncio.get_running_loop().create_server(connect, sock=self._metrics))
