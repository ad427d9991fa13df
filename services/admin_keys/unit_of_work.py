"""All writes to admin keys, in batches."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from typing_extensions import override

from models.activity import Deed, Thing
from models.admin_keys.admin_key import AdminKey, Command, MakeAdminKey, RevokeAdminKey, make_key, revoke_key
from models.verbs import Verb
from services.admin_keys.repository import ADMIN_KEYS, COLLECTION, HASH
from services.kit.database import Database, Document
from services.kit.tracked import Tracked
from services.kit.unit_of_work import CommandBus, Contended, UnitOfWork

if TYPE_CHECKING:
    from services.kit.database import Session


class AdminKeyBus(CommandBus[Command, AdminKey]):
    """Carries out commands on admin keys."""

    lane = "adminKeys"

    @override
    def begin(self, now: datetime) -> "AdminKeyUnitOfWork":
        return AdminKeyUnitOfWork(self._database, now)

    @override
    def verb(self, command: Command) -> Verb:
        return command.verb

    @override
    def contended(self, commands: Sequence[Command]) -> Contended | None:
        return None


class NamedKeys(Tracked[AdminKey]):
    """The keys of a batch. New ones are written after those that give up their names to them."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.collection(COLLECTION), ADMIN_KEYS)
        self._new: dict[str, tuple[AdminKey, str]] = {}

    def holding(self, name: str) -> list[AdminKey]:
        """Returns the key that has this name now, if any."""
        new = [key for key, _ in self._new.values()]
        return [key for key in [*self, *new] if key.holds_name and key.name == name]

    def add(self, key: AdminKey, hashed: str) -> AdminKey:
        """Takes in a new key; the hash of its secret is in its document and nowhere else."""
        self._new[key.name] = key, hashed
        return key

    @override
    async def flush(self, session: "Session") -> None:
        await super().flush(session)
        documents: list[Document] = [ADMIN_KEYS.dump(key) | {HASH: hashed} for key, hashed in self._new.values()]
        if documents:
            await self._collection.insert_many(documents, session=session, ordered=False)


class AdminKeyUnitOfWork(UnitOfWork[Command, AdminKey]):
    """The keys that a batch names, and those that hold the names of new ones."""

    def __init__(self, database: Database, now: datetime) -> None:
        super().__init__(now)
        self._keys = NamedKeys(database)

    @override
    def tracked(self) -> Sequence[Tracked[Any]]:
        return [self._keys]

    @override
    async def load(self, session: "Session", commands: Sequence[Command]) -> None:
        names = [command.wanted.name for command in commands if isinstance(command, MakeAdminKey)]
        ids = [ObjectId(command.id) for command in commands if isinstance(command, RevokeAdminKey)]
        of_name = {"name": {"$in": names}, "holdsName": True}
        await self._keys.load(session, {"$or": [of_name, {"_id": {"$in": ids}}]}, without=[HASH])

    @override
    def apply(self, command: Command) -> AdminKey:
        match command:
            case MakeAdminKey():
                return self._make(command)
            case RevokeAdminKey():
                return self._keys.put(command.id, revoke_key(self._keys.get(command.id), now=self.now))

    @override
    def deed(self, command: Command, result: AdminKey | None) -> Deed:
        return Deed(command.verb, (Thing("AdminKey", command.id),))

    def _make(self, command: MakeAdminKey) -> AdminKey:
        new, unnamed = make_key(command, self._keys.holding(command.wanted.name), now=self.now)
        for key in unnamed:
            self._keys.put(key.id, key)
        return self._keys.add(new, command.hash)
