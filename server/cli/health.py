"""The command `tessera health`, for the health check of a container."""

import http.client
import os
from typing import Annotated

import typer

from server.cli.output import fail, sentences


def health(
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Its port; that of the settings if unsaid.")
    ] = None,
) -> None:
    """Exit 0 if the process on this machine is ready, else 1 (for the health check of a container)."""
    port = port or _port_of_settings()
    if not answers_ok("127.0.0.1", port, "/readyz"):
        raise fail(f"Not ready on port {port}", 1)
    typer.echo("Ready")


def answers_ok(host: str, port: int, path: str) -> bool:
    """Whether GET `path` is answered with 200."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _port_of_settings() -> int:
    from server.settings import PortSettings

    with sentences():
        return PortSettings.from_environment(os.environ).port
