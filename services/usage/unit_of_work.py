"""All writes to usage followers, by group commit.

A batch reads the followers of its commands and the counters of their users; what a user may have is decided by
`models.usage.decide` and enforced by the writes, each of which names the state that was decided upon.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo import DeleteOne, InsertOne, UpdateOne

from models.usage import FollowerKey, UsageFollower, UserUsage
from models.usage_commands import Command, Commit, Enrol, GiveBack, Hold, Sweep
from services.kit.batch_writer import BatchWriter, fresh_touch
from services.kit.counters import RowCounts
from services.kit.database import Database
from services.usage.batch import Result, UsageBatch
from services.usage.documents import follower_to_document, limits_to_json, usage_to_document
from services.usage.repository import UsageStore, key_query

if TYPE_CHECKING:
    from services.kit.database import Collection, Session

SWEPT_AT_ONCE = 500
Operation = InsertOne[dict[str, Any]] | UpdateOne | DeleteOne


class UsageWriter(BatchWriter[Command, Result]):
    """Carries out commands on followers; `hold` is how long a hold lives."""

    def __init__(self, database: Database, store: UsageStore, clock: Callable[[], datetime], hold: timedelta) -> None:
        super().__init__(database)
        self._store = store
        self._total = RowCounts(database, database.usage_followers)
        self._clock = clock
        self._hold = hold

    async def carry_out(self, session: "Session", commands: Sequence[Command]) -> list[Result | Exception]:
        now = self._clock()
        wanted = {(key, _user_of(command)) for command in commands for key in keys_named(command)}
        state = await self._store.load(session, wanted, now)
        swept = [command.key for command in commands if isinstance(command, Sweep)]
        if swept:
            state = await self._store.load_expired(session, state, swept, now, SWEPT_AT_ONCE)
        batch = UsageBatch(state, now, self._hold)
        answers = [batch.decide(command) for command in commands]
        await self._write(session, batch)
        return answers

    async def touch(self, session: "Session", commands: Sequence[Command]) -> None:
        keys = {key for command in commands for key in keys_named(command)}
        await self._database.usage_followers.update_many(key_query(keys), fresh_touch(), session=session)

    async def _write(self, session: "Session", batch: UsageBatch) -> None:
        """Everything that was decided; the followers last, because they are what others may be writing too."""
        database, before = self._database, batch.before
        if batch.ledger:
            await database.usage_ledger.insert_many(batch.ledger, session=session, ordered=False)
        deleted = [{"_id": ObjectId(identifier)} for identifier in before.followers.keys() - batch.followers.keys()]
        if deleted:
            await database.usage_graves.insert_many(deleted, session=session)
        counters = [
            _write_usage(before.usages.get(pair), usage)
            for pair, usage in batch.usages.items()
            if before.usages.get(pair) is not usage
        ]
        await _apply(database.usage_counters, counters, session)
        await self._total.add(session, len(batch.followers) - len(before.followers))
        await _apply(database.usage_followers, [*_write_followers(before.followers, batch.followers)], session)


def keys_named(command: Command) -> tuple[FollowerKey, ...]:
    return command.keys if isinstance(command, Commit | GiveBack) else (command.key,)


def _user_of(command: Command) -> str | None:
    return command.user_id if isinstance(command, Commit | GiveBack | Hold | Enrol) else None


def _write_usage(before: UserUsage | None, after: UserUsage) -> Operation:
    """Write a counter, on the condition that it stands as it was read."""
    document = usage_to_document(after)
    if before is None:
        return InsertOne(document)
    change: dict[str, dict[str, Any]] = {"$set": {"used": after.used, "held": after.held}}
    if after.hold_expires_at is None:
        change["$unset"] = {"holdExpiresAt": 1}
    else:
        change["$set"] |= {"holdExpiresAt": after.hold_expires_at}
    return UpdateOne({"_id": document["_id"], "used": before.used, "held": before.held}, change)


def _write_followers(before: Mapping[str, UsageFollower], after: Mapping[str, UsageFollower]) -> Iterable[Operation]:
    """Deletions first: another follower of the same coupon may take the place."""
    for identifier in before.keys() - after.keys():
        yield DeleteOne({"_id": ObjectId(identifier), "revision": before[identifier].revision})
    for identifier, follower in after.items():
        old = before.get(identifier)
        if old is None:
            yield InsertOne(follower_to_document(follower))
        elif old is not follower:
            yield _update(old, follower)


def _update(before: UsageFollower, after: UsageFollower) -> UpdateOne:
    """Move the totals, on the condition that nothing changed since the decision."""
    moved = {
        "totalUsageCount": after.total_usage_count - before.total_usage_count,
        "heldCount": after.held_count - before.held_count,
        "userCount": after.user_count - before.user_count,
        "revision": after.revision - before.revision,
    }
    change = {"updatedAt": after.updated_at, **(limits_to_json(after.limits) if after.limits != before.limits else {})}
    return UpdateOne({"_id": ObjectId(before.id), "revision": before.revision}, {"$set": change, "$inc": moved})


async def _apply(collection: "Collection", operations: Sequence[Operation], session: "Session") -> None:
    """Write all or raise: a condition that does not hold means that the limits were judged upon another state."""
    if not operations:
        return
    done = await collection.bulk_write(operations, session=session)
    if done.inserted_count + done.matched_count + done.deleted_count != len(operations):
        raise RuntimeError("A usage follower changed between decision and write")
