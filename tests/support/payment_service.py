"""A payment service to ask: it knows the payments it is given, and can be made to fail."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devtools.embedded.ports import free_ports
from tests.support.eventually import eventually


class PaymentService:
    """`payments` by id; while `status` is set it answers nothing but that; `asked` counts the questions.

    `answers` are whole answers by id: they go before all else.
    """

    def __init__(self) -> None:
        [self.port] = free_ports(1)
        self.uri = f"http://127.0.0.1:{self.port}"
        self.payments: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, Callable[[], Response]] = {}
        self.status: int | None = None
        self.asked = 0

    async def find(self, request: Request) -> Response:
        self.asked += 1
        if self.status is not None:
            return Response(status_code=self.status)
        answer = self.answers.get(request.path_params["payment_id"])
        if answer is not None:
            return answer()
        payment = self.payments.get(request.path_params["payment_id"])
        return JSONResponse(payment) if payment is not None else JSONResponse({"message": "unknown"}, 404)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def payment_service() -> AsyncIterator[PaymentService]:
    """One that listens, until the end of the block."""
    service = PaymentService()
    app = Starlette(routes=[Route("/api/payment/find/{payment_id}", service.find)])
    server = _Server(uvicorn.Config(app, port=service.port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started, within=10)
    yield service
    server.should_exit = True
    await serving
