"""The command `tessera token`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from models.values.texts import clean, is_storable
from server.cli.data_folder import DATA, kept_secrets
from server.cli.output import fail, sentences

SOURCES = ("JWT_SEC", "JWT_SEC_FILE", "JWT_KEYS", "JWT_KEYS_FILE", "JWKS_URL", "JWKS_URL_FILE")
"""Where keys of tokens may come from."""


def token(
    user_id: Annotated[str, typer.Argument(help="The claim userId.")],
    types: Annotated[list[str] | None, typer.Option("--type", help="A userType, as often as needed.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it expires.")] = 1,
    data: Annotated[Path, typer.Option(help="Folder of `tessera dev`, for the secret where JWT_SEC is unset.")] = DATA,
) -> None:
    """Print a JWT for a user, signed with JWT_SEC, a secret of JWT_KEYS, or the secret that `tessera dev` keeps."""
    from server.token_settings import TokenSettings
    from server.tokens import make_token

    # Whether a secret is long enough is for the API to judge.
    environment = {**os.environ, "ALLOW_WEAK_SECRETS": "1"}
    if not any(environment.get(name, "").strip() for name in SOURCES):
        environment |= kept_secrets(data)
        if not environment.get(SOURCES[0]):
            raise fail(f"JWT_SEC is missing, and tessera dev has kept none in {data}.", 2)
    user = clean(user_id)
    if not user or not is_storable(user):
        raise fail("USER_ID must be a text that can be seen and written as UTF-8.", 2)
    with sentences():
        made = make_token(TokenSettings.from_environment(environment), user, types or ["default"], days)
    if made is None:
        raise fail("There is no secret to sign with: who signs has the private keys.", 2)
    typer.echo(made)
