"""Tokens as Tessera takes them, for those who have the secret: `tessera token` and `tessera dev`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import jwt


def make_token(secret: str, user_id: str, user_types: Sequence[str], days: int) -> str:
    """A JWT (HS256) for this user, valid for `days`."""
    expiry = datetime.now(UTC) + timedelta(days=days)
    return jwt.encode({"userId": user_id, "userType": list(user_types), "exp": expiry}, secret, algorithm="HS256")
