"""Commands that work on the database alone: they ask for its settings and no other, and fail in a sentence."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

from models.environment import SettingsError
from services.connection import DatabaseSettings, unusable
from services.logs import configure_logs

Answer = TypeVar("Answer")


def database_settings() -> DatabaseSettings:
    """What the environment says, the logs set up by it; exits with 2 and every fault where it cannot be worked with."""
    try:
        settings = DatabaseSettings.from_environment(os.environ)
    except SettingsError as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from None
    configure_logs(settings.log_level)
    return settings


def run_on_database(work: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer of some work; exits with 1 and a sentence where MongoDB cannot be worked with."""
    try:
        return asyncio.run(work)
    except Exception as fault:
        reason = unusable(fault)
        if reason is None:
            raise
        typer.echo(reason, err=True)
        raise typer.Exit(1) from None
