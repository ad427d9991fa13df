"""The secrets of a development machine: made once, kept in a file for its owner only, good for tokens of its own."""

import os
import secrets
from pathlib import Path

from server.cli.data_folder import SECRETS, SECRETS_FILE, kept_secrets


def keep_secrets(folder: Path) -> dict[str, str]:
    """The secrets kept in `folder`, made where they are missing; the file (mode 600) can be sourced by a shell."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = kept_secrets(folder)
    if all(name in kept for name in SECRETS):
        return kept
    kept = {name: kept.get(name) or secrets.token_urlsafe(36) for name in SECRETS}
    new = folder / f"{SECRETS_FILE}.new"
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in kept.items())
    new.replace(folder / SECRETS_FILE)
    return kept
