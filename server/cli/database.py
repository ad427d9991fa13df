"""Commands that work on the database alone: they ask for its settings and no other, and fail in a sentence."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from models.errors import InternalServerError, InvalidInput
from server.cli.output import fail, sentences

if TYPE_CHECKING:
    from services.registry import Services
    from services.settings import DatabaseSettings

Answer = TypeVar("Answer")


def database_settings(environment: Mapping[str, str] = os.environ) -> "DatabaseSettings":
    """What the environment says, the logs set up by it; exits with 2 and every fault where it cannot be worked with."""
    from services.logs import configure_logs
    from services.settings import DatabaseSettings

    with sentences():
        settings = DatabaseSettings.from_environment(environment)
    configure_logs(settings.log_level)
    return settings


@asynccontextmanager
async def opened(settings: "DatabaseSettings") -> AsyncIterator["Services"]:
    """The verbs over the database of these settings, as it is."""
    from services.registry import Services

    services = Services.open(
        mongo_uri=settings.mongo_uri,
        database_name=settings.database,
        mongo_driver=settings.mongo_driver,
        activity_days=settings.activity_days,
    )
    try:
        yield services
    finally:
        await services.close()


def run_on_database(work: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer of some work; exits with 1 and a sentence where MongoDB cannot be worked with."""
    from services.connection import unusable

    try:
        return asyncio.run(work)
    except Exception as fault:
        reason = unusable(fault)
        if reason is None:
            raise
        raise fail(reason, 1) from None


def run_verb(work: Callable[["Services"], Awaitable[Answer]], environment: Mapping[str, str] = os.environ) -> Answer:
    """The answer of a verb, on a database brought up to this version; what is refused is told in a sentence."""
    from services.kit.transactions import as_domain_error

    try:
        return run_on_services(work, environment, migrated=True)
    except InvalidInput as fault:
        raise fail("\n".join(each.message for each in fault.faults), 2) from None
    except typer.Exit:
        raise
    except OSError as fault:
        raise fail(str(fault), 2) from None
    except Exception as fault:
        known = as_domain_error(fault)
        if isinstance(known, InternalServerError):
            raise
        raise fail(known.message, 1) from None


def run_on_services(
    work: Callable[["Services"], Awaitable[Answer]],
    environment: Mapping[str, str] = os.environ,
    *,
    migrated: bool = False,
) -> Answer:
    """The answer of some work with the verbs, on the database as it is or brought up to this version first."""
    from services.connection import require_fit
    from services.migrations.runner import migrate

    settings = database_settings(environment)

    async def run() -> Answer:
        async with opened(settings) as services:
            if migrated:
                await migrate(services.database, thorough=False, usage_hold=settings.usage_hold)
            else:
                await require_fit(services.database)
            return await work(services)

    return run_on_database(run())
