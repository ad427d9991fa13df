"""The worker processes of `tessera serve`: forked from a parent that has loaded the application, replaced at once.

A fork has what its parent has imported, so the worker after one that died serves within a tenth of a second of
processor time, and all of them share the memory of the code.
"""

import asyncio
import gc
import logging
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import FrameType

import uvicorn
from prometheus_client import CollectorRegistry
from typing_extensions import override

from server.guard import tie_to_parent
from server.metrics.serving import MeasuredServer
from server.signals import PASSED_OVER, STOPS, take_signals

SIGN_SECONDS = 1.0
"""How often a worker shows that its event loop goes on."""
PATIENCE_SECONDS = 30.0
"""After how long without such a sign a worker is killed, and how long it may take longer than its drain to end."""
PAUSE_SECONDS = 1.0
"""Before the next try, after a worker that could not start."""


_fork = multiprocessing.get_context("fork")

log = logging.getLogger("tessera.serve")


@dataclass(frozen=True, slots=True)
class Sockets:
    """What is listened on: the ports of the API, and that of the metrics where there is one."""

    api: list[socket.socket]
    metrics: socket.socket | None = None
    registry: CollectorRegistry | None = None
    """What is shown there, where it is not what the one process counts."""

    @property
    def all(self) -> list[socket.socket]:
        return self.api if self.metrics is None else [*self.api, self.metrics]

    def tell(self, workers: int) -> None:
        """Log that somebody answers here now."""
        names = [sock.getsockname() for sock in self.api]
        addresses = ", ".join(f"{host}:{port}" for host, port, *_ in names)
        log.info("listening", extra={"addresses": addresses, "workers": workers})


class _Server(MeasuredServer):
    """One worker's server: shows over a pipe that its loop goes on, and whether it serves."""

    def __init__(self, config: uvicorn.Config, delay: float, parent: int, signs: Connection, sockets: Sockets) -> None:
        super().__init__(config, delay, sockets.metrics, sockets.registry)
        self._parent = parent
        self._signs = signs

    @override
    def is_hurried(self) -> bool:
        """Whether another takes this one's place, or a new parent wants its port."""
        return os.getppid() != self._parent or self._signs.poll()

    @override
    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        showing = asyncio.get_running_loop().create_task(self._show_now_and_then())
        await super()._serve(sockets)
        showing.cancel()

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            signal.pthread_sigmask(signal.SIG_SETMASK, ())  # What has come since the fork is taken now.
            yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._show()

    def _show(self) -> None:
        with suppress(OSError):  # The parent is gone, and the signal to stop on its way.
            self._signs.send(self.started)

    async def _show_now_and_then(self) -> None:
        while True:
            self._show()
            await asyncio.sleep(SIGN_SECONDS)


class _Worker:
    """A worker process as its parent sees it; it runs from the moment that this is made."""

    def __init__(self, config: uvicorn.Config, sockets: Sockets, delay: float) -> None:
        self.signs, theirs = multiprocessing.Pipe()
        self.process = _fork.Process(target=_work, args=(os.getpid(), config, sockets, delay, theirs))
        self.serves = False
        self._seen = time.monotonic()
        with _no_signals():
            self.process.start()
        theirs.close()

    def end(self, *, at_once: bool) -> None:
        """Have it drain, after the delay or at once; may be repeated."""
        if at_once:
            with suppress(OSError):  # It has ended already.
                self.signs.send(at_once)
        self.process.terminate()

    def has_ended(self) -> bool:
        """Whether the process is no more; takes its signs of life, and kills it where they have stayed away."""
        if not self.process.is_alive():
            return True
        try:
            while self.signs.poll():
                self.serves = self.signs.recv()
                self._seen = time.monotonic()
        except (EOFError, OSError):
            pass  # It is just ending.
        if time.monotonic() - self._seen > PATIENCE_SECONDS:
            log.error("a worker hangs", extra={"worker": self.process.pid})
            self.process.kill()
        return False


class Workers:
    """So many worker processes on shared sockets. One that dies is replaced at once, one that hangs is killed.

    SIGHUP replaces them one by one, each when its replacement serves; SIGTERM and SIGQUIT drain after `delay` seconds,
    SIGINT at once. `ended` is told the process id of each that has ended while the others go on.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: Sockets,
        number: int,
        delay: float,
        ended: Callable[[int], None] | None = None,
    ) -> None:
        self._config = config
        self._ended = ended or (lambda pid: None)
        self._sockets = sockets
        self._number = number
        self._delay = delay
        self._workers: list[_Worker] = []
        self._leaving: list[_Worker] = []
        self._to_replace: list[_Worker] = []
        self._next_start = 0.0
        self._has_served = False
        self._at_once = True
        """Whether the workers end without the delay."""

    def run(self) -> int:
        """Serve until a signal to stop has been carried out; returns the exit code.

        It is that of a worker that could not start, where none has served yet. After that the reason may pass, such as
        a database that is away, and the start is tried again.
        """
        from server import app  # noqa: F401  # What the workers are forked for: they find it loaded.

        gc.collect()
        gc.freeze()  # A collection in a worker then leaves the memory that it shares with the others untouched.
        with _signals_to_read() as signals:
            try:
                return self._run(signals)
            finally:
                self._stop(signals)

    def _run(self, signals: socket.socket) -> int:
        while True:
            ended = [worker for worker in self._workers if worker.has_ended()]
            code = max((self._count_out(worker) for worker in ended), default=0)
            if code:
                return code
            self._keep_up()
            ends = [worker.process.sentinel for worker in self._workers]
            signs = [worker.signs for worker in self._workers]
            if signals in wait([signals, *ends, *signs], SIGN_SECONDS):
                told = signals.recv(64)
                if not STOPS.isdisjoint(told):
                    self._at_once = signal.SIGINT in told
                    return 0
                if signal.SIGHUP in told:
                    self._to_replace = list(self._workers)

    def _count_out(self, worker: _Worker) -> int:
        """Count a worker out; returns the code to exit with, 0 to go on."""
        self._workers.remove(worker)
        self._tell(worker)
        code = worker.process.exitcode or 0
        log.warning("a worker died", extra={"worker": worker.process.pid, "exit_code": code})
        if worker.serves or code <= 0:
            return 0
        self._to_replace.clear()
        self._next_start = time.monotonic() + PAUSE_SECONDS
        return 0 if self._has_served else code

    def _keep_up(self) -> None:
        """See to it that so many workers live."""
        if not self._has_served and any(worker.serves for worker in self._workers):
            self._has_served = True
            self._sockets.tell(self._number)
        gone = [worker for worker in self._leaving if worker.has_ended()]
        self._leaving = [worker for worker in self._leaving if worker not in gone]
        for worker in gone:
            self._tell(worker)
        self._replace()
        while len(self._workers) < self._number and time.monotonic() >= self._next_start:
            self._start()

    def _tell(self, worker: _Worker) -> None:
        if worker.process.pid is not None:
            self._ended(worker.process.pid)

    def _replace(self) -> None:
        """The next step of replacing the workers one by one, where that is under way."""
        self._to_replace = [worker for worker in self._to_replace if worker in self._workers]
        if not self._to_replace:
            return
        if len(self._workers) <= self._number:
            self._start()
        elif self._workers[-1].serves:
            old = self._to_replace.pop(0)
            self._workers.remove(old)
            self._leaving.append(old)
            old.end(at_once=True)
            self._replace()

    def _start(self) -> None:
        self._workers.append(_Worker(self._config, self._sockets, self._delay))

    def _stop(self, signals: socket.socket) -> None:
        """Drain, with new clients refused at once and not kept waiting for that; SIGINT ends the delay."""
        for sock in self._sockets.all:
            sock.close()
        workers = [*self._workers, *self._leaving]
        for worker in workers:
            worker.end(at_once=self._at_once)
        patience = self._delay + (self._config.timeout_graceful_shutdown or 0) + PATIENCE_SECONDS
        deadline = time.monotonic() + patience
        while ends := [worker.process.sentinel for worker in workers if worker.process.is_alive()]:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            if signals in wait([signals, *ends], left) and signal.SIGINT in signals.recv(64):
                for worker in workers:
                    worker.end(at_once=True)
        for worker in workers:
            if worker.process.is_alive():
                log.error("a worker does not end", extra={"worker": worker.process.pid})
                worker.process.kill()
            worker.process.join()


def _work(parent: int, config: uvicorn.Config, sockets: Sockets, delay: float, signs: Connection) -> None:
    """What a worker process does."""
    signal.set_wakeup_fd(-1)
    take_signals()
    tie_to_parent(parent)
    _Server(config, delay, parent, signs, sockets).run(sockets.api)


@contextmanager
def _no_signals() -> Iterator[None]:
    """None is taken within, nor by a worker that is forked here until its server has handlers of its own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*STOPS, *PASSED_OVER))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _signals_to_read() -> Iterator[socket.socket]:
    """Signals become bytes of a socket, each its number."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (*STOPS, *PASSED_OVER):
            signal.signal(number, _is_read_elsewhere)
        yield reader
        signal.set_wakeup_fd(-1)


def _is_read_elsewhere(number: int, frame: FrameType | None) -> None:
    """A signal that has a handler is written to the wake-up socket."""
