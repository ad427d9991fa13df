"""Serving: the sockets, the worker processes, and the application each of them runs."""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from ipaddress import ip_network
from types import FrameType
from typing import NoReturn

import uvicorn
from starlette.applications import Starlette
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from models.networks import as_seen
from server.guard import tie_to_parent
from server.protocol import BoundedProtocol
from server.settings import Settings
from services.logs import configure_logs

DRAIN_SECONDS = 20
REPLACEMENT_SECONDS = 30
"""Within which a worker has to start; one that serves is given the same to show that it lives."""
STOPS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
BACKLOG = 2_048

log = logging.getLogger("tessera.serve")


class ListenError(Exception):
    """A port cannot be listened on."""


def application() -> Starlette:
    """What each worker process runs; made in the worker, so that the parent stays small."""
    from server.app import create_app

    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        tie_to_parent(parent.pid)
        _take_signals()
    settings = Settings.from_environment(os.environ)
    configure_logs(settings.log_level)
    return create_app(settings)


def serve(settings: Settings, host: str, workers: int) -> None:
    """Listen on every port of `settings` and serve until SIGTERM, SIGINT or SIGQUIT; requests in flight are finished.

    Raises `ListenError`. Exits with uvicorn's code 3 when the application does not start.
    """
    configure_logs(settings.log_level)
    sockets = listen(host, (settings.port, *settings.extra_ports))
    addresses = ", ".join(f"{host}:{sock.getsockname()[1]}" for sock in sockets)
    log.info("listening", extra={"addresses": addresses, "workers": workers})
    config = _uvicorn_config(settings, workers)
    # Uvicorn raises the signal again after it has drained; by then the work is done and the exit code is 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    _take_signals()
    if workers == 1:
        uvicorn.Server(config).run(sockets)
        return
    supervisor = Workers(config, sockets)
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(STARTUP_FAILURE)


class _Stopping(threading.Event):
    """Set as soon as a signal to stop has come, though it is only waiting to be handled."""

    def __init__(self, signals: list[int]) -> None:
        super().__init__()
        self._signals = signals

    def is_set(self) -> bool:
        return super().is_set() or not STOPS.isdisjoint(self._signals)


class Workers(Multiprocess):
    """Worker processes on shared sockets. SIGHUP replaces them one by one, each when its replacement serves."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.should_exit = _Stopping(self.signal_queue)

    def handle_quit(self) -> None:
        self.handle_term()

    def terminate_all(self) -> None:
        """Also stop listening here, so that new clients are refused at once and not kept waiting for the drain."""
        for sock in self.sockets:
            sock.close()
        super().terminate_all()


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


def _take_signals() -> None:
    """No signal that is commonly sent ends a process without its drain."""
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, _pass_over)
    signal.signal(signal.SIGQUIT, _quit)


def _pass_over(number: int, frame: FrameType | None) -> None:
    log.info("signal passed over", extra={"signal": signal.Signals(number).name})


def _quit(number: int, frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    for one in (*STOPS, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # The work is done; another must not break into the way out.
    sys.exit(0)


def _uvicorn_config(settings: Settings, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        "server.serve:application",
        factory=True,
        workers=workers,
        lifespan="on",
        loop="auto" if sys.platform == "win32" else "uvloop",
        http=BoundedProtocol,
        ws="websockets-sansio",
        # Twice the limit of a body: what lies between is refused by the GraphQL view, with a reason.
        ws_max_size=2 * settings.body_limit,
        log_config=None,
        access_log=False,
        server_header=False,
        # Left unsaid, uvicorn would trust what comes from loopback.
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=[seen for network in settings.forwarded_allow_ips for seen in as_seen(ip_network(network))],
        backlog=BACKLOG,
        timeout_keep_alive=settings.idle_timeout,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_worker_healthcheck=REPLACEMENT_SECONDS,
    )
