"""The command `tessera schema`."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.output import fail


def schema(
    output: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
    check: Annotated[Path | None, typer.Option(help="Compare it to this file; exit 1 if they differ.")] = None,
    possible_types: Annotated[
        bool,
        typer.Option("--possible-types", help="Print the members of unions and interfaces, for caches."),
    ] = False,
) -> None:
    """Print the GraphQL schema."""
    from server.graphql.schema import print_possible_types, print_sdl

    text = print_possible_types() if possible_types else print_sdl()
    if check is not None:
        _compare(text, check)
    elif output is not None:
        output.write_text(text)
    else:
        typer.echo(text, nl=False)


def _compare(text: str, kept_in: Path) -> None:
    from difflib import unified_diff

    kept = kept_in.read_text() if kept_in.exists() else ""
    if kept != text:
        changes = unified_diff(kept.splitlines(), text.splitlines(), str(kept_in), "the schema", lineterm="", n=1)
        typer.echo("\n".join(changes))
        raise fail(f"{kept_in} is not the schema; `make schema` writes it.", 1)
