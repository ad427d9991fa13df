"""All writes to access codes, by group commit.

A batch reads the codes of all its commands and the uses that its users have made of them; each answer carries the code
as it is after its own command.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo import DeleteOne, InsertOne, UpdateOne

from models.access_code import (
    DAY,
    AccessCode,
    AccessCodeNotFound,
    CreateAccessCode,
    RedeemAccessCode,
    judge_activation,
    judge_use,
)
from models.codes import kept_forms
from models.errors import DomainError, ServiceUnavailable
from models.events import Event
from services.access_codes.documents import (
    SEARCH_FIELDS,
    access_code_from_document,
    access_code_to_document,
    redeemed_event,
    use_of,
    use_to_document,
)
from services.access_codes.draw import draw_codes
from services.access_codes.totals import AccessCodeCounts, Change
from services.kit.database import Database
from services.kit.outbox import Outbox
from services.kit.unit_of_work import BatchWriter, fresh_touch

if TYPE_CHECKING:
    from services.kit.database import Session


@dataclass(frozen=True, slots=True)
class DeleteAccessCode:
    """Delete a code, as it was typed."""

    code: str


@dataclass(frozen=True, slots=True)
class SwitchAccessCode:
    """Activate or deactivate a code, as it was typed."""

    code: str
    active: bool


Command = CreateAccessCode | RedeemAccessCode | DeleteAccessCode | SwitchAccessCode
Write = InsertOne[dict[str, Any]] | UpdateOne | DeleteOne


class AccessCodeWriter(BatchWriter[Command, AccessCode]):
    """Carries out commands on access codes. `submit` answers once the command is committed by a majority."""

    def __init__(self, database: Database, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        super().__init__(database)
        self._codes = database.access_codes
        self._uses = database.access_code_uses
        self._outbox = outbox
        self._counts = AccessCodeCounts(database)
        self._clock = clock

    async def carry_out(self, session: "Session", commands: Sequence[Command]) -> list[AccessCode | Exception]:
        batch = await self._load(session, commands)
        answers = [batch.decide(command) for command in commands]
        await self._write(session, batch)
        return answers

    async def touch(self, session: "Session", commands: Sequence[Command]) -> None:
        typed = (command.code for command in commands if isinstance(command, RedeemAccessCode))
        redeemed = [form for code in typed for form in kept_forms(code)]
        if redeemed:
            await self._codes.update_many({"code": {"$in": redeemed}}, fresh_touch(), session=session)

    async def _load(self, session: "Session", commands: Sequence[Command]) -> "_Batch":
        typed = (command.code for command in commands if not isinstance(command, CreateAccessCode))
        named = {form for code in typed for form in kept_forms(code)}
        users = {command.username for command in commands if isinstance(command, RedeemAccessCode)}
        codes: list[AccessCode] = []
        used: set[tuple[str, str]] = set()
        if named:
            found = self._codes.find({"code": {"$in": list(named)}}, SEARCH_FIELDS, session=session)
            codes = [access_code_from_document(document) async for document in found]
        if users:
            # Asked even where no code was found: a wrong code takes as long as a right one.
            pairs = {"username": {"$in": list(users)}, "codeId": {"$in": [ObjectId(code.id) for code in codes]}}
            rows = self._uses.find(pairs, {"_id": 0, "codeId": 1, "username": 1}, session=session)
            used = {(str(row["codeId"]), row["username"]) async for row in rows}
        new = await draw_codes(self._codes, session, sum(isinstance(command, CreateAccessCode) for command in commands))
        return _Batch(codes, used, new, self._clock())

    async def _write(self, session: "Session", batch: "_Batch") -> None:
        """Everything that was decided; the codes last, because they are what others may be writing too."""
        if batch.uses:
            await self._uses.insert_many(batch.uses, session=session, ordered=False)
        await self._outbox.put(session, batch.events)
        changes = batch.changes()
        await self._counts.move(session, changes)
        if changes:
            written = await self._codes.bulk_write(list(map(_write, changes)), session=session, ordered=False)
            if written.matched_count + written.inserted_count + written.deleted_count != len(changes):
                # The condition in the write says no though the snapshot said yes: nothing of the batch may stand.
                raise ServiceUnavailable()


class _Batch:
    """The state that a batch decides upon, and what it has decided so far."""

    def __init__(
        self, codes: Sequence[AccessCode], used: set[tuple[str, str]], new: Sequence[str], now: datetime
    ) -> None:
        self.events: list[tuple[datetime, Event]] = []
        self.uses: list[dict[str, Any]] = []
        self._now = now
        self._new = list(new)
        self._used = used
        self._before = {code.code: code for code in codes}
        self._codes = dict(self._before)

    def decide(self, command: Command) -> AccessCode | Exception:
        try:
            match command:
                case CreateAccessCode():
                    return self._create(command)
                case RedeemAccessCode():
                    return self._redeem(command)
                case DeleteAccessCode():
                    return self._delete(command)
                case SwitchAccessCode():
                    return self._switch(command)
        except DomainError as refusal:
            return refusal

    def changes(self) -> list[Change]:
        """The codes that differ between the state read and the state decided."""
        both = ((self._before.get(code), self._codes.get(code)) for code in self._before.keys() | self._codes.keys())
        return [(before, after) for before, after in both if before is not after]

    def _create(self, command: CreateAccessCode) -> AccessCode:
        code = new_access_code(self._new.pop(), command, self._now)
        self._codes[code.code] = code
        return code

    def _redeem(self, command: RedeemAccessCode) -> AccessCode:
        code = self._find(command.code)
        has_used = code is not None and (code.id, command.username) in self._used
        refusal = judge_use(code, self._now, has_used=has_used)
        if refusal is not None:
            raise refusal
        assert code is not None
        at = self._later(code)
        code = replace(code, used_count=code.used_count + 1, updated_at=at)
        use = use_of(code, command.username, command.twitter_id, at)
        self._codes[code.code] = code
        self._used.add((code.id, command.username))
        self.uses.append(use_to_document(use))
        self.events.append((at, redeemed_event(code, use)))
        return code

    def _delete(self, command: DeleteAccessCode) -> AccessCode:
        code = self._find(command.code)
        if code is None:
            raise AccessCodeNotFound()
        return self._codes.pop(code.code)

    def _switch(self, command: SwitchAccessCode) -> AccessCode:
        code = self._find(command.code)
        if code is None:
            raise AccessCodeNotFound()
        refusal = judge_activation(code, self._now) if command.active else None
        if refusal is not None:
            raise refusal
        if code.active == command.active:
            return code
        changed = replace(code, active=command.active, updated_at=self._later(code))
        self._codes[code.code] = changed
        return changed

    def _find(self, typed: str) -> AccessCode | None:
        return next((self._codes[form] for form in kept_forms(typed) if form in self._codes), None)

    def _later(self, code: AccessCode) -> datetime:
        """Now, but after everything that happened to this code before this batch: its events stay in order."""
        before = self._before.get(code.code)
        return self._now if before is None else max(self._now, before.updated_at + timedelta(milliseconds=1))


def new_access_code(code: str, wanted: CreateAccessCode, now: datetime) -> AccessCode:
    """An unused code that expires after so many days of 24 hours."""
    return AccessCode(
        id=str(ObjectId()),
        code=code,
        description=wanted.description,
        max_uses=wanted.max_uses,
        used_count=0,
        expires_at=now + wanted.expiry_days * DAY,
        active=True,
        created_at=now,
        updated_at=now,
    )


def _write(change: Change) -> Write:
    """The write of a change. The guard is in it: no use beyond the limit, whatever was read."""
    before, after = change
    if before is None:
        assert after is not None
        return InsertOne(access_code_to_document(after))
    mine: dict[str, Any] = {"_id": ObjectId(before.id)}
    if after is None:
        return DeleteOne(mine)
    uses = after.used_count - before.used_count
    update: dict[str, Any] = {"$set": {"active": after.active, "full": after.is_full, "updatedAt": after.updated_at}}
    if uses:
        mine["usedCount"] = {"$lte": after.max_uses - uses}
        update["$inc"] = {"usedCount": uses}
    return UpdateOne(mine, update)
