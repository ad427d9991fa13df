"""Admin keys: what names an admin and says what they may do, and the pure rules of making and ending one.

No entity holds the key itself or its hash, so that neither can be shown by mistake.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from math import inf
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from models.base import Id
from models.errors import Conflict, InvalidInput, NotFound
from models.inputs import Choice, Input, Instant, Text
from models.principal import MAIN_KEY, NOBODY, SYSTEM, ActingKey, Role
from models.stored import stored
from models.verbs import Verb

PREFIX = "tsk_"
SECRET_BYTES = 32
MAX_NAME = 64
_SHAPE = re.compile(PREFIX + "[A-Za-z0-9_-]{43}")
_RESERVED = frozenset({MAIN_KEY.name, SYSTEM.name, NOBODY})


class AdminKeyNotFound(NotFound):
    """404: there is no admin key of this id."""

    code = "ADMIN_KEY_NOT_FOUND"
    message = "Admin key not found"


class AdminKeyNameTaken(Conflict):
    """409: another key has this name, or it is one of Tessera's own."""

    code = "ADMIN_KEY_NAME_TAKEN"
    message = "This name belongs to another key; revoke that one first, or choose another name"


@stored("adminKey")
@dataclass(frozen=True, slots=True)
class AdminKey:
    """A key of an admin. `last_used_at` is kept to about a minute; `holds_name` while no other may have its name."""

    id: Id
    name: str
    role: Role
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    holds_name: bool = True

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def is_live(self, now: datetime) -> bool:
        """Whether it lets anybody in at this moment."""
        return self.revoked_at is None and not self.has_expired(now)

    def acting(self) -> ActingKey:
        """Who acts by it."""
        return ActingKey(self.name, self.role, self.id, inf if self.expires_at is None else self.expires_at.timestamp())


@dataclass(frozen=True, slots=True)
class NewAdminKey:
    """A key that was made, with the secret that is shown this once; None where the same request came before."""

    key: AdminKey
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CreateAdminKey(Input):
    """What `createAdminKey` and `tessera keys add` take."""

    name: Annotated[Text, Field(max_length=MAX_NAME)]
    role: Choice[Role]
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class MakeAdminKey:
    """Makes a key of this id, known by the hash of its secret; `by` is who makes it."""

    verb: ClassVar = Verb("CREATE_ADMIN_KEY", "An admin was given a key.")
    wanted: CreateAdminKey
    id: str
    hash: str = field(repr=False)
    by: str


@dataclass(frozen=True, slots=True)
class RevokeAdminKey:
    """What `revokeAdminKey` takes."""

    verb: ClassVar = Verb("REVOKE_ADMIN_KEY", "A key of an admin was revoked.")
    id: str


Command: TypeAlias = MakeAdminKey | RevokeAdminKey


def is_shaped_as_key(shown: str) -> bool:
    """Whether a text could be a key at all: nothing else is looked for."""
    return _SHAPE.fullmatch(shown) is not None


def hash_of(secret: str) -> str:
    """Under what a key is stored. It has 256 random bits, so that no salt and no slow hash is needed."""
    return sha256(secret.encode()).hexdigest()


def make_key(command: MakeAdminKey, named: Iterable[AdminKey], *, now: datetime) -> tuple[AdminKey, list[AdminKey]]:
    """Returns the new key, and those that give up its name to it because they have expired.

    `named` are the keys that hold its name. Raises `InvalidInput` where it would be born expired, and
    `AdminKeyNameTaken`.
    """
    wanted = command.wanted
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise InvalidInput.of("expiresAt", "expiresAt must lie in the future")
    others = list(named)
    if wanted.name in _RESERVED or not all(other.has_expired(now) for other in others):
        raise AdminKeyNameTaken()
    new = AdminKey(command.id, wanted.name, wanted.role, now, command.by, wanted.expires_at)
    return new, [replace(other, holds_name=False) for other in others]


def revoke_key(key: AdminKey | None, *, now: datetime) -> AdminKey:
    """Returns the key as nobody can use it any more; the same where it was revoked before. Raises for none."""
    if key is None:
        raise AdminKeyNotFound()
    return key if key.revoked_at is not None else replace(key, revoked_at=now, holds_name=False)
