"""The outbox: events written in the transaction of the change they describe, and the queue that a relay sends from.

`Outbox` writes the rows; `OutboxQueue` is the far end, which reads them and marks them once Kafka has them.
"""

import uuid
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pymongo import ASCENDING
from pymongo.read_concern import ReadConcern

from models.events import Event
from services.kit.database import ChangeStream, Database, Document, Session, watch
from services.kit.instruments.tracing import traceparent
from services.kit.sharding import by_id

SENT_RETENTION = timedelta(days=1)
"""For how long one can look up what was sent."""

SHARD_KEY = by_id("outbox")

_WAITING: Document = {"sentAt": None, "parkedAt": None}
_ORDER = [("at", ASCENDING), ("n", ASCENDING)]
_INSERTS: list[Document] = [{"$match": {"operationType": "insert"}}, {"$project": {"_id": 1}}]


class Outbox:
    """Writes events beside the change. Where no Kafka is configured nobody would take them, so none is written."""

    def __init__(self, database: Database, *, enabled: bool) -> None:
        self._rows = database.outbox
        self.enabled = enabled

    async def put(
        self, session: Session, events: Iterable[tuple[datetime, Event]], traces: Mapping[int, str] | None = None
    ) -> None:
        """Adds events, each with its instant, in order; `traces` are those they go on with, by their places.

        The relay sends by (`at`, `n`). That keeps the order of a key because the events of one aggregate are written by
        transactions that conflict on the aggregate, each with an instant later than the one before.
        """
        if not self.enabled:
            return
        rows: list[Document] = [
            {"_id": str(uuid.uuid4()), "topic": e.topic, "key": e.key, "value": e.value, "at": at, "n": n}
            for n, (at, e) in enumerate(events)
        ]
        if traces is None and (here := traceparent()) is not None:
            traces = dict.fromkeys(range(len(rows)), here)
        for n, trace in (traces or {}).items():
            rows[n]["traceparent"] = trace
        if rows:
            await self._rows.insert_many(rows, session=session)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event that waits to be sent: its id, when it happened, where it goes, and its value, to be JSON."""

    id: str
    at: datetime
    topic: str
    key: str
    value: object
    traceparent: str | None = None
    """The trace in which it came about."""


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


class OutboxQueue:
    """The rows in the order in which they are to be sent."""

    def __init__(self, database: Database) -> None:
        # One point in time for the whole read: a later event of a key is never seen without the one before it.
        # It is the last that a majority has, so the marks must be written to a majority to be seen.
        self._rows = database.outbox.with_options(read_concern=ReadConcern("snapshot"))
        self._marks = database.outbox
        self._database = database

    async def unsent(
        self, limit: int, without: Collection[str] = (), session: Session | None = None
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
        return [
            OutboxRow(row["_id"], row["at"], row["topic"], row["key"], row.get("value"), row.get("traceparent"))
            for row in rows
        ]

    async def mark_sent(self, identifiers: Collection[str]) -> None:
        """Remembers that Kafka has acknowledged these rows."""
        await self._marks.update_many({"_id": {"$in": list(identifiers)}}, {"$set": {"sentAt": datetime.now(UTC)}})

    async def park(self, identifier: str, reason: str) -> None:
        """Sets aside a row that Kafka will never take (it is too large, say), so that the others can go on."""
        mark = {"parkedAt": datetime.now(UTC), "parkedFor": reason}
        await self._marks.update_one({"_id": identifier}, {"$set": mark})

    async def parked(self, topic: str | None = None) -> list[ParkedEvent]:
        """The rows that were set aside, of one topic or of all, the oldest first."""
        chosen: Document = {"parkedAt": {"$type": "date"}, "sentAt": None}
        if topic is not None:
            chosen["topic"] = topic
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
    async def watch(self) -> "AsyncIterator[Watch]":
        """A change stream on new rows, open on entry. It wakes the relay; what there is to send is read as ever."""
        async with self._database.session() as session:
            # Left to itself the stream begins a little later than what a read sees, and rows would fall in between.
            await self._database.client.admin.command("ping", session=session)
            start = {"start_at_operation_time": session.operation_time, "max_await_time_ms": 500}
            async with watch(self._marks, _INSERTS, session=session, **start) as stream:
                yield Watch(self, session, stream)


class Watch:
    """A change stream on new rows, with reads in its session."""

    def __init__(self, queue: OutboxQueue, session: Session, stream: ChangeStream) -> None:
        self._queue = queue
        self._session = session
        self._stream = stream

    async def unsent(self, limit: int, without: Collection[str] = ()) -> list[OutboxRow]:
        """The next rows, those among them that were added before the watch began."""
        return await self._queue.unsent(limit, without, self._session)

    async def changed(self) -> None:
        """Returns when a row was added since the watch began, or after half a second."""
        await self._stream.try_next()
