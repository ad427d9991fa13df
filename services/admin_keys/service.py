"""The verbs of admin keys: create, revoke, find, list."""

import secrets
from collections.abc import Callable
from datetime import datetime

from bson import ObjectId

from models.admin_keys.admin_key import (
    PREFIX,
    SECRET_BYTES,
    AdminKey,
    CreateAdminKey,
    MakeAdminKey,
    NewAdminKey,
    RevokeAdminKey,
    hash_of,
)
from models.pagination import Slice, Window
from models.principal import Principal, Role
from services.admin_keys.live_keys import LiveKeys
from services.admin_keys.repository import ADMIN_KEYS, COLLECTION, HASH, NEWEST_FIRST
from services.admin_keys.unit_of_work import AdminKeyBus
from services.kit.activity.log import ActivityLog
from services.kit.database import Database, Document
from services.kit.messages.outbox import Outbox
from services.kit.pagination import fetch_window

_ENTITY_ALONE = {HASH: False}


class AdminKeys:
    """Every verb takes who is calling first, and is for admins of the role admin. `live` is for the server."""

    def __init__(
        self, database: Database, outbox: Outbox, activity: ActivityLog, clock: Callable[[], datetime]
    ) -> None:
        self._keys = database.collection(COLLECTION)
        self._bus = AdminKeyBus(database, outbox, activity, clock)
        self.live = LiveKeys(database, clock)

    async def close(self) -> None:
        await self._bus.close()
        await self.live.close()

    async def create(self, caller: Principal, command: CreateAdminKey) -> NewAdminKey:
        """Makes a key and returns its secret, which nobody can ever be told again. 409 where the name is another's.

        400 where it would be born expired.
        """
        caller.require_role(Role.ADMIN)
        secret, identifier = PREFIX + secrets.token_urlsafe(SECRET_BYTES), str(ObjectId())
        key = await self._bus.submit(MakeAdminKey(command, identifier, hash_of(secret), caller.name), caller)
        # Under an idempotency key that came before, it is the key of then.
        return NewAdminKey(key, secret if key.id == identifier else None)

    async def revoke(self, caller: Principal, command: RevokeAdminKey) -> AdminKey:
        """Ends a key within a second, on every worker; doing so twice changes nothing. 404 for none."""
        caller.require_role(Role.ADMIN)
        key = await self._bus.submit(command, caller)
        self.live.forget(key.id)
        return key

    async def find_by_id(self, caller: Principal, key_id: str) -> AdminKey | None:
        """Returns a key by its raw ObjectId, or None."""
        caller.require_role(Role.ADMIN)
        return await self._find({"_id": ObjectId(key_id)})

    async def find_by_name(self, caller: Principal, name: str) -> AdminKey | None:
        """Returns the key that has this name now, or None where there is none or it was revoked."""
        caller.require_role(Role.ADMIN)
        return await self._find({"name": name, "holdsName": True})

    async def list_window(self, caller: Principal, window: Window) -> Slice[AdminKey]:
        """Returns a Relay window of all keys, revoked and expired ones too, the newest first."""
        caller.require_role(Role.ADMIN)
        return await fetch_window(self._keys, {}, NEWEST_FIRST, window, ADMIN_KEYS.load, _ENTITY_ALONE)

    async def count(self, caller: Principal) -> int:
        """Returns how many keys that list has."""
        caller.require_role(Role.ADMIN)
        return await self._keys.count_documents({}, hint=NEWEST_FIRST.name)

    async def _find(self, query: Document) -> AdminKey | None:
        document = await self._keys.find_one(query, _ENTITY_ALONE)
        return None if document is None else ADMIN_KEYS.load(document)
