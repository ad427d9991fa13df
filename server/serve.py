"""Serving: the sockets, the worker processes, and the application each of them runs."""

import logging
import os
import socket
import sys
from dataclasses import replace
from ipaddress import ip_network

import uvicorn
from starlette.applications import Starlette
from typing_extensions import override

from models.values.networks import as_seen
from server.metrics.folder import AllWorkers, MetricsFolder
from server.metrics.serving import MeasuredServer
from server.protocol import BoundedProtocol
from server.settings import Settings
from server.signals import take_signals
from server.sockets import LeanWebSocketProtocol
from server.workers import Sockets, Workers
from services.logs import configure_logs
from services.settings import SettingsError

DRAIN_SECONDS = 20
BACKLOG = 2_048

log = logging.getLogger("tessera.serve")


class ListenError(Exception):
    """A port cannot be listened on."""


class _Single(MeasuredServer):
    """The server of the one process."""

    def __init__(self, config: uvicorn.Config, delay: float, sockets: Sockets) -> None:
        super().__init__(config, delay, sockets.metrics)
        self._all = sockets

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._all.tell(1)


def application() -> Starlette:
    """What each worker process runs. The files that settings are in are read anew, so a secret may have changed."""
    from server.app import create_app

    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as fault:
        log.critical("%s", fault)
        sys.exit(2)
    configure_logs(settings.log_level)
    return create_app(settings)


def serve(settings: Settings, host: str, workers: int) -> None:
    """Listen on every port of `settings` and serve until SIGTERM, SIGINT or SIGQUIT; requests in flight are finished.

    Raises `ListenError`. Exits with another code than 0 when the application does not start, with 3 where the database
    is at fault.
    """
    configure_logs(settings.log_level)
    for sentence in Settings.misspelt(os.environ):
        log.warning(sentence)
    sockets = _listen_for(settings, host)
    config = _uvicorn_config(settings)
    take_signals()
    if workers == 1:
        _Single(config, settings.drain_delay, sockets).run(sockets.api)
    elif sockets.metrics is None:
        sys.exit(Workers(config, sockets, workers, settings.drain_delay).run())
    else:
        folder = MetricsFolder.create()
        folder.use()
        try:
            sockets = replace(sockets, registry=AllWorkers.registry(folder.path))
            sys.exit(Workers(config, sockets, workers, settings.drain_delay, folder.retire).run())
        finally:
            folder.remove()


def _listen_for(settings: Settings, host: str) -> Sockets:
    api = listen(host, (settings.port, *settings.extra_ports))
    if settings.metrics_port is None:
        return Sockets(api)
    (metrics,) = listen(settings.metrics_host or host, (settings.metrics_port,))
    return Sockets(api, metrics)


def listen(host: str, ports: tuple[int, ...]) -> list[socket.socket]:
    """One listening socket for each port, in order and without repetition. Raises `ListenError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets = []
    for port in dict.fromkeys(ports):
        try:
            sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as fault:
            raise ListenError(f"Cannot listen on {host}:{port}: {fault.strerror}") from fault
        sock.set_inheritable(True)
        sockets.append(sock)
    return sockets


def _uvicorn_config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        "server.serve:application",
        factory=True,
        lifespan="on",
        loop="auto" if sys.platform == "win32" else "uvloop",
        http=BoundedProtocol,
        ws=LeanWebSocketProtocol,
        # Twice the limit of a body: what lies between is refused by the GraphQL view, with a reason.
        ws_max_size=2 * settings.body_limit,
        # What is told is a line; to compress it costs each connection twice the memory of all the rest.
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        # Left unsaid, uvicorn would trust what comes from loopback.
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=[seen for network in settings.forwarded_allow_ips for seen in as_seen(ip_network(network))],
        backlog=BACKLOG,
        timeout_keep_alive=settings.idle_timeout,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
