"""How a command says what went wrong."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import typer

_WIDEST = 4_000


def fail(message: str, code: int) -> typer.Exit:
    """What a command raises to end with this exit code; the message goes to standard error."""
    typer.echo(message, err=True)
    return typer.Exit(code)


def print_table(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Prints these fields of the rows; what is None is left blank."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*names, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text("" if row[name] is None else str(row[name])) for name in names))
    # A terminal wraps what is long; a file or a pipe gets it whole.
    Console(width=None if sys.stdout.isatty() else _WIDEST).print(table)


def is_debugging(environment: Mapping[str, str]) -> bool:
    """Whether whoever runs the command wants to see all of a fault."""
    return environment.get("LOG_LEVEL", "").strip().lower() == "debug"


@contextmanager
def sentences(*known: type[Exception]) -> Iterator[None]:
    """Ends the command in a sentence instead of a traceback: with 2 for faults of the settings, with 1 for `known`.

    A MongoDB that cannot be worked with is known everywhere.
    """
    from services.settings import SettingsError

    try:
        yield
    except SettingsError as fault:
        raise fail(str(fault), 2) from None
    except known as fault:
        raise fail(str(fault), 1) from None
    except Exception as fault:
        from services.connection import unusable

        if (reason := unusable(fault)) is None:
            raise
        raise fail(reason, 1) from None
