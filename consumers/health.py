"""The process's own `/livez`, `/readyz` and `/metrics`."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from consumers.metrics import Metrics
from services.kit.instruments.metrics import TEXT_FORMAT
from services.registry import Services

log = logging.getLogger("tessera.consumer")


class HealthServer(uvicorn.Server):
    """Answers until `should_exit`; signals are the process's to handle."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Health:
    """`joined` says whether Kafka has given this process its share, `stuck` which partitions do not move.

    `measure` sets the gauges of partitions.
    """

    def __init__(
        self,
        services: Services,
        metrics: Metrics,
        *,
        joined: Callable[[], bool],
        stuck: Callable[[], Sequence[str]],
        measure: Callable[[], None],
    ) -> None:
        self._services = services
        self._metrics = metrics
        self._joined = joined
        self._stuck = stuck
        self._measure = measure

    def server(self) -> HealthServer:
        """Serves `/livez`, `/readyz` and `/metrics`."""
        paths = {"/livez": self._live, "/readyz": self._ready, "/metrics": self._show_metrics}
        return _serve(Starlette(routes=[Route(path, endpoint) for path, endpoint in paths.items()]))

    async def _live(self, _: Request) -> Response:
        """The process answers."""
        return _answer("success", "The consumers are running")

    async def _ready(self, _: Request) -> Response:
        """MongoDB answers, the group is joined and every partition moves; 503 else, with the reason."""
        try:
            await self._services.database.ping()
        except Exception:
            return _answer("error", "MongoDB does not answer", 503)
        if not self._joined():
            return _answer("error", "Kafka's group is not joined yet", 503)
        waits = self._stuck()
        return _answer("error", "; ".join(waits), 503) if waits else _answer("success", "Ready")

    async def _show_metrics(self, _: Request) -> Response:
        """Everything that is counted; without MongoDB the outbox's last figures."""
        self._measure()
        try:
            backlog = await self._services.outbox_queue.backlog()
            self._metrics.parked_waiting.set(await self._services.parked.count())
        except Exception as fault:
            log.warning("the outbox cannot be measured: %s", type(fault).__name__)
        else:
            waits = (datetime.now(UTC) - backlog.oldest).total_seconds() if backlog.oldest else 0.0
            self._metrics.unsent.set(backlog.unsent)
            self._metrics.oldest.set(max(0.0, waits))
            self._metrics.parked.set(backlog.parked)
        return Response(self._metrics.text(), media_type=TEXT_FORMAT)


def _serve(app: Starlette) -> HealthServer:
    return HealthServer(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))


def _answer(status: str, message: str, code: int = 200) -> Response:
    return JSONResponse({"status": status, "message": message}, code)
