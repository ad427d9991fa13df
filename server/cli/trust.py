"""The command `tessera trust`: a manifest of trusted documents from `.graphql` files."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.output import fail


def trust(
    files: Annotated[
        list[Path], typer.Argument(help="GraphQL files, each one document; a folder stands for its .graphql files.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The manifest; standard output if none.")
    ] = None,
) -> None:
    """Write the manifest of these documents for TRUSTED_MANIFEST. Each must be valid for this server's schema."""
    from graphql_engine.manifest import write_manifest
    from server.graphql.files import read_documents

    texts, faults = read_documents(files)
    if not texts and not faults:
        faults = ["There are no .graphql files."]
    if faults:
        raise fail("\n".join(faults), 1)
    manifest = write_manifest(texts.values())
    if output is None:
        typer.echo(manifest, nl=False)
        return
    try:
        output.write_text(manifest, encoding="utf-8")
    except OSError as fault:
        raise fail(f"{output}: {fault.strerror}", 1) from None
    typer.echo(f"{output}: {len(set(texts.values()))} documents")
