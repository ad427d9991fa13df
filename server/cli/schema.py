"""The commands `tessera schema` and `tessera openapi`: what clients are told of the API, printed or compared."""

from difflib import unified_diff
from pathlib import Path
from typing import Annotated

import typer

from server.cli.output import fail

Output = Annotated[Path | None, typer.Option(help="Write it to this file.")]
Check = Annotated[Path | None, typer.Option(help="Compare it to this file; exit 1 if they differ.")]


def schema(
    output: Output = None,
    check: Check = None,
    possible_types: Annotated[
        bool,
        typer.Option("--possible-types", help="Print the members of unions and interfaces, for caches."),
    ] = False,
) -> None:
    """Print the GraphQL schema."""
    from server.graphql.schema import print_possible_types, print_sdl

    _tell(print_possible_types() if possible_types else print_sdl(), output, check)


def openapi(output: Output = None, check: Check = None) -> None:
    """Print the OpenAPI document of the REST paths."""
    from server.openapi import openapi_text

    _tell(openapi_text(), output, check)


def _tell(text: str, output: Path | None, check: Path | None) -> None:
    if check is not None:
        kept = check.read_text() if check.exists() else ""
        if kept != text:
            changes = unified_diff(kept.splitlines(), text.splitlines(), str(check), "the code", lineterm="", n=1)
            typer.echo("\n".join(changes))
            raise fail(f"{check} is not what the code says; `make schema` writes it.", 1)
    elif output is not None:
        output.write_text(text)
    else:
        typer.echo(text, nl=False)
