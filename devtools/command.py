"""The command `tessera dev`, which the command line has where this package is there."""

import os
from pathlib import Path
from typing import Annotated

import typer

from server.cli.data_folder import DATA
from server.cli.output import sentences


def dev(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, max=256, help="Worker processes of the API.")] = 1,
    data: Annotated[Path, typer.Option(help="Folder of the databases, secrets and logs.")] = DATA,
) -> None:
    """Run everything here: MongoDB (unless MONGO_URI), Kafka (unless KAFKA_URI), the API and the consumers."""
    from devtools.embedded import EmbeddedError
    from devtools.run import DevelopmentError, develop

    def say(part: str, line: str) -> None:
        typer.echo(f"{part:<10} {line}" if part else line)

    with sentences(DevelopmentError, EmbeddedError):
        develop(data, host=host, workers=workers, environment=os.environ, say=say)
