"""The inbox: the ids of events that have acted, written in the transaction of what they did.

A row outlives every copy of its event that Kafka may still bring: it expires after a week, the time that Kafka keeps
records unless it is told otherwise. The marks of dead letters that were put back stay, as dead letters do.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from models.errors import DomainError
from services.kit.database import Database, Session
from services.kit.sharding import by_id

Command = TypeVar("Command")
Effect = Callable[[Session, Sequence[Command]], Awaitable[Sequence[DomainError | None]]]
"""Carries out commands within a transaction; returns for each, in order, why it was refused, or None.

It may raise instead: then nothing of the whole batch is written.
"""

INBOX_RETENTION = timedelta(days=7)
SHARD_KEY = by_id("inbox")


class Inbox:
    """Lets every event act once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.inbox

    async def process(self, events: Sequence[tuple[str, Command]], effect: Effect[Command]) -> list[DomainError | None]:
        """Carries out the commands of all events that have not acted yet, in one transaction with their ids.

        Returns for each event, in order, its refusal or None. A refused event leaves no id, so it may come again.
        Raises what `effect` raises, and what the driver raises while the database is away; then nothing was done.
        """

        async def run(session: Session) -> list[DomainError | None]:
            acted = await self._acted([identifier for identifier, _ in events], session)
            # A copy within the batch is answered like the first of its kind.
            fresh: dict[str, Command] = {}
            for identifier, command in events:
                if identifier not in acted:
                    fresh.setdefault(identifier, command)
            if not fresh:
                return [None] * len(events)
            refusals = dict(zip(fresh, await effect(session, [*fresh.values()]), strict=True))
            now = datetime.now(UTC)
            rows = [{"_id": identifier, "at": now} for identifier, refusal in refusals.items() if refusal is None]
            if rows:
                await self._rows.insert_many(rows, session=session, ordered=False)
            return [refusals.get(identifier) for identifier, _ in events]

        return await self._database.transaction(run)

    async def replayed(self, identifiers: Collection[str]) -> set[str]:
        """Which of these dead letters were put back before."""
        return await self._acted(identifiers)

    async def mark_replayed(self, identifier: str) -> None:
        """Remembers for good that this dead letter was put back."""
        await self._rows.update_one({"_id": identifier}, {"$set": {"putBackAt": datetime.now(UTC)}}, upsert=True)

    async def _acted(self, identifiers: Collection[str], session: Session | None = None) -> set[str]:
        found = self._rows.find({"_id": {"$in": list(identifiers)}}, {"_id": 1}, session=session)
        return {row["_id"] for row in await found.to_list(None)}
