"""Health: `/health` as the coupon document's clients know it, `/livez` and `/readyz` for what runs the service."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from models.errors import ServiceUnavailable
from models.values.instants import iso
from rest.access import resource, services_of
from rest.envelope import failure, success
from rest.openapi import health as told
from rest.openapi.description import described
from server.authentication import Authenticator
from server.draining import Drain


@described(told.HEALTH)
async def health(_: Request) -> Response:
    """The process answers."""
    return success(message="Server is running", timestamp=iso(datetime.now(UTC)))


@described(told.LIVE)
async def live(request: Request) -> Response:
    """The same."""
    return await health(request)


@described(told.READY)
async def ready(request: Request) -> Response:
    """The database answers, there are the keys of tokens, and the process does not leave; 503 else."""
    drain: Drain = request.app.state.drain
    authenticator: Authenticator = request.app.state.authenticator
    if drain.leaving:
        return failure(ServiceUnavailable("The service is about to end"))
    try:
        authenticator.require_keys()
        await services_of(request).database.ping()
    except Exception as fault:
        return failure(fault)
    return success(message="Ready")


health_routes: list[BaseRoute] = [
    resource("/health", GET=health),
    resource("/livez", GET=live),
    resource("/readyz", GET=ready),
]
