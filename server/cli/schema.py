"""The command `tessera schema`."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.output import fail


def schema(
    output: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
    check: Annotated[Path | None, typer.Option(help="Compare it to this file; exit 1 if they differ.")] = None,
) -> None:
    """Print the GraphQL schema."""
    from difflib import unified_diff

    from server.graphql.schema import print_sdl

    text = print_sdl()
    if check is not None:
        kept = check.read_text() if check.exists() else ""
        if kept != text:
            changes = unified_diff(kept.splitlines(), text.splitlines(), str(check), "the schema", lineterm="", n=1)
            typer.echo("\n".join(changes))
            raise fail(f"{check} is not the schema; `make schema` writes it.", 1)
    elif output is not None:
        output.write_text(text)
    else:
        typer.echo(text, nl=False)
