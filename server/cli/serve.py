"""The command `tessera serve`."""

from typing import Annotated

import typer

from server.cli.output import sentences


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104  # a server's default
    workers: Annotated[int, typer.Option(min=1, max=256, help="Worker processes.")] = 1,
) -> None:
    """Serve the API on PORT (and ORDER_SERVICE_PORT, USAGE_FOLLOWER_SERVICE_PORT); SIGTERM drains."""
    from server.serve import ListenError, read_settings
    from server.serve import serve as run

    with sentences(ListenError):
        run(read_settings(), host, workers)
