"""The command `tessera token`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from models.values.texts import clean, is_storable
from server.cli.data_folder import DATA, kept_secrets
from server.cli.output import fail


def token(
    user_id: Annotated[str, typer.Argument(help="The claim userId.")],
    types: Annotated[list[str] | None, typer.Option("--type", help="A userType, as often as needed.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it expires.")] = 1,
    data: Annotated[Path, typer.Option(help="Folder of `tessera dev`, for the secret where JWT_SEC is unset.")] = DATA,
) -> None:
    """Print a JWT for a user, signed with JWT_SEC or the secret that `tessera dev` keeps."""
    from server.tokens import make_token

    secret = os.environ.get("JWT_SEC", "").strip() or kept_secrets(data).get("JWT_SEC")
    if not secret:
        raise fail(f"JWT_SEC is missing, and tessera dev has kept none in {data}.", 2)
    user = clean(user_id)
    if not user or not is_storable(user):
        raise fail("USER_ID must be a text that can be seen and written as UTF-8.", 2)
    typer.echo(make_token(secret, user, types or ["default"], days))
