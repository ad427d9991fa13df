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
from services.registry import Services

log = logging.getLogger("tessera.consumer")

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class HealthServer(uvicorn.Server):
    """Answers until `should_exit`; signals are the process's to handle."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def health_server(
    services: Services,
    metrics: Metrics,
    port: int,
    *,
    joined: Callable[[], bool],
    stuck: Callable[[], Sequence[str]],
    measure: Callable[[], None],
) -> HealthServer:
    """`joined` says whether Kafka has given this process its share, `stuck` which partitions do not move.

    `measure` sets the gauges of partitions.
    """

    async def live(_: Request) -> Response:
        """The process answers."""
        return _answer("success", "The consumers are running")

    async def ready(_: Request) -> Response:
        """MongoDB answers, the group is joined and every partition moves; 503 else, with the reason."""
        try:
            await services.database.ping()
        except Exception:
            return _answer("error", "MongoDB does not answer", 503)
        if not joined():
            return _answer("error", "Kafka's group is not joined yet", 503)
        waits = stuck()
        return _answer("error", "; ".join(waits), 503) if waits else _answer("success", "Ready")

    async def show_metrics(_: Request) -> Response:
        """Everything that is counted; without MongoDB the outbox's last figures."""
        measure()
        try:
            backlog = await services.outbox_queue.backlog()
            metrics.parked_waiting.set(await services.parked.count())
        except Exception as fault:
            log.warning("the outbox cannot be measured: %s", type(fault).__name__)
        else:
            waits = (datetime.now(UTC) - backlog.oldest).total_seconds() if backlog.oldest else 0.0
            metrics.unsent.set(backlog.unsent)
            metrics.oldest.set(max(0.0, waits))
            metrics.parked.set(backlog.parked)
        return Response(metrics.text(), media_type=PROMETHEUS)

    routes = [Route("/livez", live), Route("/readyz", ready), Route("/metrics", show_metrics)]
    return _serve(Starlette(routes=routes), port)


def _serve(app: Starlette, port: int) -> HealthServer:
    config = uvicorn.Config(
        app,
        host="0.0.0.0",  # noqa: S104  # what runs the service asks from outside
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
    )
    return HealthServer(config)


def _answer(status: str, message: str, code: int = 200) -> Response:
    return JSONResponse({"status": status, "message": message}, code)
