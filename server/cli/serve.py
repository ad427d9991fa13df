"""The command `tessera serve`."""

import os
from typing import Annotated

import typer

from server.cli.output import sentences


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104  # a server's default
    workers: Annotated[int, typer.Option(min=1, max=256, help="Worker processes.")] = 1,
) -> None:
    """Serve the API on PORT (and ORDER_SERVICE_PORT, USAGE_FOLLOWER_SERVICE_PORT); SIGTERM drains."""
    from server.serve import ListenError
    from server.serve import serve as run
    from server.settings import Settings

    with sentences(ListenError):
        run(Settings.from_environment(os.environ), host, workers)
