"""How a command says what went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


def fail(message: str, code: int) -> typer.Exit:
    """What a command raises to end with this exit code; the message goes to standard error."""
    typer.echo(message, err=True)
    return typer.Exit(code)


@contextmanager
def sentences(*known: type[Exception]) -> Iterator[None]:
    """Ends the command in a sentence instead of a traceback: with 2 for faults of the settings, with 1 for `known`."""
    from services.settings import SettingsError

    try:
        yield
    except SettingsError as fault:
        raise fail(str(fault), 2) from None
    except known as fault:
        raise fail(str(fault), 1) from None
