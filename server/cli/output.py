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
