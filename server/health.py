"""Health: `/health` as the coupon document's clients know it, `/livez` and `/readyz` for what runs the service."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from models.errors import ServiceUnavailable
from models.values.instants import iso
from rest.envelope import failure, success
from server.authentication import Authenticator
from server.draining import Drain
from services.registry import Services


def health_routes(services: Services, authenticator: Authenticator, drain: Drain) -> list[BaseRoute]:
    async def health(_: Request) -> Response:
        """The process answers."""
        return success(message="Server is running", timestamp=iso(datetime.now(UTC)))

    async def ready(_: Request) -> Response:
        """The database answers, there are the keys of tokens, and the process does not leave; 503 else."""
        if drain.leaving:
            return failure(ServiceUnavailable("The service is about to end"))
        try:
            authenticator.require_keys()
            await services.database.ping()
        except Exception as fault:
            return failure(fault)
        return success(message="Ready")

    return [
        Route("/health", health, methods=["GET"]),
        Route("/livez", health, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
    ]
