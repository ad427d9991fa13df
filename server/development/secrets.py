"""The secrets of a development machine: made once, kept in a file for its owner only, good for tokens of its own."""

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt

NAMES = ("JWT_SEC", "ADMIN_KEY")
FILE = "secrets.env"


def keep_secrets(folder: Path) -> dict[str, str]:
    """The secrets kept in `folder`, made where they are missing; the file (mode 600) can be sourced by a shell."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = kept_secrets(folder)
    if all(name in kept for name in NAMES):
        return kept
    kept = {name: kept.get(name) or secrets.token_urlsafe(36) for name in NAMES}
    new = folder / f"{FILE}.new"
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in kept.items())
    new.replace(folder / FILE)
    return kept


def kept_secrets(folder: Path) -> dict[str, str]:
    """What is kept in `folder`, or nothing."""
    try:
        lines = (folder / FILE).read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name: value for name, _, value in pairs if name in NAMES and value}


def make_token(secret: str, user_id: str, user_types: Sequence[str], days: int) -> str:
    """A JWT (HS256) for this user, valid for `days`."""
    expiry = datetime.now(UTC) + timedelta(days=days)
    return jwt.encode({"userId": user_id, "userType": list(user_types), "exp": expiry}, secret, algorithm="HS256")
