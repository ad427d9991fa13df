"""Tokens as Tessera takes them, for those who have the secret: `tessera token` and `tessera dev`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import jwt

from server.token_keys import PEM, SECRET
from server.token_settings import TokenSettings


def make_token(settings: TokenSettings, user_id: str, user_types: Sequence[str], days: int) -> str | None:
    """A JWT (HS256) for this user, valid for `days`, such as these settings take; None where they have no secret.

    It is signed with `JWT_SEC`, else with the first secret of `JWT_KEYS`.
    """
    secrets = [given for given in settings.given_keys if not given.text.startswith(PEM)]
    if not secrets:
        return None
    claims: dict[str, object] = {"exp": datetime.now(UTC) + timedelta(days=days)}
    if settings.jwt_issuer is not None:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience[0]
    # A claim is looked for under its very name before it is looked for by parts of it.
    claims |= {settings.jwt_user_claim: user_id, settings.jwt_types_claim: list(user_types)}
    headers = {} if secrets[0].key_id is None else {"kid": secrets[0].key_id}
    return jwt.encode(claims, secrets[0].text, algorithm=SECRET, headers=headers)
