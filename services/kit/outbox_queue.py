"""The far end of the outbox: what a relay reads, and marks once Kafka has it."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from pymongo import ASCENDING
from pymongo.read_concern import ReadConcern

from services.kit.database import Database

if TYPE_CHECKING:
    from services.kit.database import Session

SENT_RETENTION = timedelta(days=1)
"""For how long one can look up what was sent."""

_WAITING: dict[str, Any] = {"sentAt": None, "parkedAt": None}
_ORDER = [("at", ASCENDING), ("n", ASCENDING)]
_INSERTS: list[dict[str, Any]] = [{"$match": {"operationType": "insert"}}, {"$project": {"_id": 1}}]


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event that waits to be sent: its id, when it happened, where it goes, and its value, to be JSON."""

    id: str
    at: datetime
    topic: str
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that Kafka would not take, and why."""

    id: str
    at: datetime
    topic: str
    key: str
    parked_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits: rows not sent, since when the oldest waits, and rows that Kafka would not take."""

    unsent: int
    oldest: datetime | None
    parked: int


class Watch(Protocol):
    async def unsent(self, limit: int, without: Collection[str] = ()) -> list[OutboxRow]:
        """The next rows, those among them that were added before the watch began."""

    async def changed(self) -> None:
        """Return when a row was added since the watch began, or after half a second."""


class OutboxQueue:
    """The rows in the order in which they are to be sent."""

    def __init__(self, database: Database) -> None:
        # One point in time for the whole read: a later event of a key is never seen without the one before it.
        # It is the last that a majority has, so the marks must be written to a majority to be seen.
        self._rows = database.outbox.with_options(read_concern=ReadConcern("snapshot"))
        self._marks = database.outbox
        self._client = database.client

    async def unsent(
        self, limit: int, without: Collection[str] = (), session: "Session | None" = None
    ) -> list[OutboxRow]:
        """The next rows of all topics but some, in the order of (`at`, `n`), which keeps that of every key."""
        waiting = _WAITING | ({"topic": {"$nin": list(without)}} if without else {})
        found = (
            self._rows.find(waiting, {"sentAt": 0, "n": 0}, session=session)
            .sort(_ORDER)
            .limit(limit)
            .batch_size(limit + 1)
        )
        rows = await found.to_list(None)
        return [OutboxRow(row["_id"], row["at"], row["topic"], row["key"], row.get("value")) for row in rows]

    async def mark_sent(self, identifiers: Collection[str]) -> None:
        """Remember that Kafka has acknowledged these rows."""
        await self._marks.update_many({"_id": {"$in": list(identifiers)}}, {"$set": {"sentAt": datetime.now(UTC)}})

    async def park(self, identifier: str, reason: str) -> None:
        """Set aside a row that Kafka will never take (it is too large, say), so that the others can go on."""
        mark = {"parkedAt": datetime.now(UTC), "parkedFor": reason}
        await self._marks.update_one({"_id": identifier}, {"$set": mark})

    async def parked(self) -> list[ParkedEvent]:
        """The rows that were set aside, the oldest first."""
        chosen = {"parkedAt": {"$type": "date"}, "sentAt": None}
        fields = {"topic": 1, "key": 1, "at": 1, "parkedAt": 1, "parkedFor": 1}
        rows = await self._marks.find(chosen, fields).sort("parkedAt", ASCENDING).to_list(None)
        return [
            ParkedEvent(row["_id"], row["at"], row["topic"], row["key"], row["parkedAt"], row["parkedFor"])
            for row in rows
        ]

    async def send_again(self, identifiers: Collection[str]) -> None:
        """Let the relay try rows once more that were set aside."""
        mark = {"$unset": {"parkedAt": "", "parkedFor": ""}}
        await self._marks.update_many({"_id": {"$in": list(identifiers)}}, mark)

    async def backlog(self) -> Backlog:
        first = await self._rows.find(_WAITING, {"at": 1}).sort(_ORDER).limit(1).to_list(None)
        everything = await self._marks.count_documents({"sentAt": None}, hint="unsent")
        parked = await self._marks.count_documents({"parkedAt": {"$type": "date"}})
        return Backlog(everything - parked, first[0]["at"] if first else None, parked)

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[Watch]:
        """A change stream on new rows, open on entry. It wakes the relay; what there is to send is read as ever."""
        async with await self._client.start_session() as session:
            # Left to itself the stream begins a little later than what a read sees, and rows would fall in between.
            await self._client.admin.command("ping", session=session)
            stream = self._marks.watch(
                _INSERTS,
                start_at_operation_time=session.operation_time,  # type: ignore[arg-type]  # motor's stub: a property
                max_await_time_ms=500,
                session=session,
            )
            async with stream:
                yield _ChangeStream(self, session, stream)


class _ChangeStream:
    def __init__(self, queue: OutboxQueue, session: "Session", stream: Any) -> None:
        self._queue = queue
        self._session = session
        self._stream = stream

    async def unsent(self, limit: int, without: Collection[str] = ()) -> list[OutboxRow]:
        return await self._queue.unsent(limit, without, self._session)

    async def changed(self) -> None:
        await self._stream.try_next()
