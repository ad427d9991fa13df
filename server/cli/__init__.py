"""The command line: a file a command. A fault is a sentence on standard error; of the settings it is exit code 2.

A file is imported when its command is asked for, because a container runs `tessera health` every few seconds.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typing_extensions import override

from server import __version__

if TYPE_CHECKING:
    from typer._click import Command, Context

_FILES = {
    "serve": "serve",
    "consume": "events",
    "emit": "events",
    "replay": "events",
    "parked": "events",
    "offsets": "offsets",
    "export": "export",
    "migrate": "migrate",
    "audit": "audit",
    "doctor": "doctor",
    "schema": "schema",
    "openapi": "schema",
    "token": "token",
    "trust": "trust",
    "health": "health",
    "codes": "codes",
    "keys": "keys",
}


class _Commands(TyperGroup):
    """Imports a command when it is asked for, and all where they are listed or none has that name."""

    @override
    def list_commands(self, ctx: object) -> list[str]:
        for name, file in _FILES.items():
            self._add(name, getattr(import_module(f"{__name__}.{file}"), name))
        self._add_those_of_other_packages()
        return list(self.commands)

    @override
    def get_command(self, ctx: object, cmd_name: str) -> "Command | None":
        if cmd_name in _FILES:
            self._add(cmd_name, getattr(import_module(f"{__name__}.{_FILES[cmd_name]}"), cmd_name))
        elif cmd_name not in self.commands:
            self.list_commands(ctx)
        return self.commands.get(cmd_name)

    @override
    def invoke(self, ctx: "Context") -> object:
        try:
            return super().invoke(ctx)
        except (TyperException, typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as fault:
            from server.cli.output import fail, is_debugging
            from services.logs import unexpected

            if is_debugging(os.environ):
                raise
            raise fail(unexpected(fault), 1) from None

    def _add(self, name: str, found: typer.Typer | Callable[..., object]) -> None:
        holder = typer.Typer(add_completion=False)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=name)
        else:
            holder.command(name)(found)
        self.commands[name] = typer.main.get_group(holder).commands[name]

    def _add_those_of_other_packages(self) -> None:
        """Those that are installed beside the server's own; one whose package is not there is left out."""
        from importlib.metadata import entry_points

        for entry in entry_points(group="tessera.commands"):
            try:
                self._add(entry.name, entry.load())
            except ModuleNotFoundError:
                continue


app = typer.Typer(
    cls=_Commands,
    name="tessera",
    help="Coupons, access codes, usage followers and orders: GraphQL, REST and Kafka over one set of verbs.",
    no_args_is_help=True,
    # A traceback with local variables would show secrets.
    pretty_exceptions_enable=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"tessera {__version__}")
        raise typer.Exit()


@app.callback()
def _tessera(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The option is carried out by its callback."""
