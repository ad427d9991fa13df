"""All writes to access codes, in batches; each answer is the code as its own command leaves it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from bson import ObjectId
from typing_extensions import override

from models.access_codes.access_code import (
    AccessCode,
    ActivateAccessCode,
    DeactivateAccessCode,
    DeleteAccessCode,
    MakeAccessCode,
    RedeemAccessCode,
    SetAccessCodePublic,
    require_activatable,
    require_found,
    require_usable,
)
from models.access_codes.effects import new_access_code, publish, redeem, switch
from models.access_codes.events import created_event, switched_event
from models.activity import Deed, Thing
from models.values.codes import likeliest
from models.verbs import Verb
from services.access_codes.repository import ACCESS_CODES, SEARCH_FIELDS, USES, by_code, draw_codes
from services.access_codes.totals import USES_BY_HOUR, AccessCodeCounts
from services.kit.activity.log import ActivityLog
from services.kit.database import Database, Document, aggregate, joined
from services.kit.messages.outbox import Outbox
from services.kit.tracked import Tracked
from services.kit.unit_of_work import CommandBus, Contended, UnitOfWork

if TYPE_CHECKING:
    from services.kit.database import Session

NamingCommand: TypeAlias = ActivateAccessCode | DeactivateAccessCode | SetAccessCodePublic | DeleteAccessCode
Command: TypeAlias = MakeAccessCode | RedeemAccessCode | NamingCommand


class AccessCodeBus(CommandBus[Command, AccessCode]):
    """Carries out commands on access codes."""

    lane = "accessCodes"

    def __init__(
        self, database: Database, outbox: Outbox, activity: ActivityLog, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(database, outbox, activity, clock)
        self._counts = AccessCodeCounts(database)

    @override
    def begin(self, now: datetime) -> "AccessCodeUnitOfWork":
        return AccessCodeUnitOfWork(self._database, self._counts, now)

    @override
    def verb(self, command: Command) -> Verb:
        return command.verb

    @override
    def contended(self, commands: Sequence[Command]) -> Contended | None:
        typed = [command.code for command in commands if isinstance(command, RedeemAccessCode)]
        return Contended(self._database.access_codes, by_code(typed)) if typed else None


class CountedCodes(Tracked[AccessCode]):
    """The codes of a batch, whose counts by expiry move with them. No write lets a code be used beyond its limit."""

    def __init__(self, database: Database, counts: AccessCodeCounts) -> None:
        super().__init__(database.access_codes, ACCESS_CODES, increments=("used_count",), guard=_within_limit)
        self._counts = counts

    @override
    async def flush(self, session: "Session") -> None:
        await self._counts.move_expiry(session, self.changes())
        await super().flush(session)


class AccessCodeUnitOfWork(UnitOfWork[Command, AccessCode]):
    """The codes that a batch names, the uses that its users have made of them, and free codes for new ones."""

    def __init__(self, database: Database, counts: AccessCodeCounts, now: datetime) -> None:
        super().__init__(now)
        self._database = database
        self._counts = counts
        self._codes = CountedCodes(database, counts)
        self._ids: dict[str, str] = {}
        self._used: set[tuple[str, str]] = set()
        self._free: list[str] = []

    @override
    def tracked(self) -> Sequence[Tracked[Any]]:
        return [self._codes]

    @override
    async def load(self, session: "Session", commands: Sequence[Command]) -> None:
        typed = {command.code for command in commands if not isinstance(command, MakeAccessCode)}
        users = {command.username for command in commands if isinstance(command, RedeemAccessCode)}
        if len(typed) == 1 and self._database.joins:
            await self._load_one(session, typed, users)
        elif typed:
            await self._load_several(session, typed, users)
        self._ids = {code.code: code.id for code in self._codes}
        new = sum(isinstance(command, MakeAccessCode) for command in commands)
        self._free = await draw_codes(self._database.access_codes, session, new)

    async def _load_one(self, session: "Session", typed: set[str], users: set[str]) -> None:
        """Takes in a code that all name, with its uses by these users in the same round trip."""
        theirs: list[Document] = [{"$match": {"username": {"$in": [*users]}}}, {"$project": {"username": 1}}]
        uses = joined(self._database.access_code_uses, "codeId", theirs, "uses")
        steps: list[Document] = [{"$match": by_code(typed)}, {"$unset": [*SEARCH_FIELDS]}, uses]
        rows = [row async for row in aggregate(self._database.access_codes, steps, session=session)]
        self._used = {(str(row["_id"]), use["username"]) for row in rows for use in row.pop("uses")}
        self._codes.take(rows)

    async def _load_several(self, session: "Session", typed: set[str], users: set[str]) -> None:
        """Takes in codes, then their uses: joined, each user would be sought under every code."""
        await self._codes.load(session, by_code(typed), without=SEARCH_FIELDS)
        if users:
            # Asked even where no code was found: a wrong code takes as long as a right one.
            pairs = {"username": {"$in": [*users]}, "codeId": {"$in": [ObjectId(code.id) for code in self._codes]}}
            rows = self._database.access_code_uses.find(pairs, {"_id": 0, "codeId": 1, "username": 1}, session=session)
            self._used = {(str(row["codeId"]), row["username"]) for row in await rows.to_list(None)}

    @override
    def apply(self, command: Command) -> AccessCode:
        match command:
            case MakeAccessCode():
                return self._create(command)
            case RedeemAccessCode():
                return self._redeem(command)
            case ActivateAccessCode():
                return self._switch(require_activatable(self._get(command), self.now), active=True)
            case DeactivateAccessCode():
                return self._switch(self._get(command), active=False)
            case SetAccessCodePublic():
                return self._publish(self._get(command), is_public=command.is_public)
            case DeleteAccessCode():
                return self._remove(self._get(command))

    @override
    def deed(self, command: Command, result: AccessCode | None) -> Deed:
        found = result or (None if isinstance(command, MakeAccessCode) else self._find(command.code))
        things = () if found is None else (Thing("AccessCode", found.id),)
        names = command.names if isinstance(command, RedeemAccessCode) else ()
        return Deed(command.verb, things, names)

    @override
    def settle(self) -> None:
        moved, _ = self._counts.moves(self._codes.changes())
        for family, numbers in moved.items():
            self.totals[family].update(numbers)

    def _create(self, command: MakeAccessCode) -> AccessCode:
        identifier, code = str(ObjectId()), self._free.pop()
        made = new_access_code(command.wanted, identifier=identifier, code=code, by=command.by, now=self.now)
        self.events.append((self.now, created_event(made)))
        return self._put(made)

    def _redeem(self, command: RedeemAccessCode) -> AccessCode:
        found = self._find(command.code)
        has_used = found is not None and (found.id, command.username) in self._used
        code = require_usable(found, self.now, has_used=has_used)
        done = redeem(code, command, use_id=str(ObjectId()), at=self._codes.later(self.now, code.id))
        self._used.add((code.id, command.username))
        self.rows[self._database.access_code_uses.name].append(USES.dump(done.use))
        self.hours.add(USES_BY_HOUR, done.use.redeemed_at, {"count": 1}, done.use.batch)
        self.events.append((done.use.redeemed_at, done.event))
        return self._put(done.code)

    def _switch(self, code: AccessCode, *, active: bool) -> AccessCode:
        switched = switch(code, active=active, at=self._codes.later(self.now, code.id))
        if switched is not code:
            self.events.append((switched.updated_at, switched_event(switched)))
        return self._put(switched)

    def _publish(self, code: AccessCode, *, is_public: bool) -> AccessCode:
        return self._put(publish(code, is_public=is_public, at=self._codes.later(self.now, code.id)))

    def _remove(self, code: AccessCode) -> AccessCode:
        self._codes.remove(self._ids.pop(code.code))
        return code

    def _find(self, typed: str) -> AccessCode | None:
        return self._codes.get(likeliest(typed, self._ids) or "")

    def _get(self, command: NamingCommand) -> AccessCode:
        return require_found(self._find(command.code))

    def _put(self, code: AccessCode) -> AccessCode:
        self._ids[code.code] = code.id
        return self._codes.put(code.id, code)


def _within_limit(before: AccessCode, changed: AccessCode | None) -> Document:
    """What a code must still be for its new uses to hold, whatever was read."""
    uses = 0 if changed is None else changed.used_count - before.used_count
    return {"usedCount": {"$lte": before.max_uses - uses}} if uses else {}
