"""Parked records: what Kafka brought and could neither act nor become a dead letter. The last resort; rows stay."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pymongo import ASCENDING

from models.base import camel_case
from services.kit.database import Database, Document

if TYPE_CHECKING:
    from services.kit.database import Collection


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record by its coordinates, and as much of it as may be kept.

    `last_offset` differs from `offset` where several records could not be told apart. `timestamp` is in milliseconds,
    `length` and `digest` (SHA-256) are those of the value as it came, or of the raw bytes where `unreadable`;
    the digest is left out where the value is kept.
    """

    id: str
    topic: str
    partition: int
    offset: int
    last_offset: int
    timestamp: int
    event_id: str
    code: str
    reason: str
    length: int | None
    digest: str | None
    unreadable: bool = False
    key: bytes | None = None
    key_omitted: bool = False
    """Whether the record has a key that may not be kept; it has to be read from its topic."""
    value: bytes | None = None
    has_value: bool = False
    """Whether `value` stands for the value of the record (null among them); else it has to be read from its topic."""
    headers: Sequence[tuple[str, bytes | None]] = ()
    parked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    replayed_at: datetime | None = None

    def bare(self) -> "ParkedRecord":
        """The same without anything of the record's own making: what can always be written."""
        return ParkedRecord(
            self.id, self.topic, self.partition, self.offset, self.last_offset, self.timestamp, self.event_id,
            self.code, "The record cannot be kept", self.length, self.digest, self.unreadable,
        )  # fmt: skip


class ParkedRecords:
    """Keeps parked records; a record that comes again is kept once."""

    def __init__(self, database: Database) -> None:
        self._rows: Collection = database.parked

    async def put(self, record: ParkedRecord) -> None:
        """Keep a record; raises what the driver raises."""
        row: Document = {camel_case(name): value for name, value in asdict(record).items()}
        row["headers"] = [list(pair) for pair in record.headers]
        await self._rows.update_one({"_id": row.pop("_id")}, {"$setOnInsert": row}, upsert=True)

    async def find(self, topic: str | None = None, *, again: bool = False) -> list[ParkedRecord]:
        """The records in the order of their coordinates; `again`: those among them that were put back before."""
        chosen: Document = {} if again else {"replayedAt": None}
        if topic is not None:
            chosen["topic"] = topic
        order = [("topic", ASCENDING), ("partition", ASCENDING), ("offset", ASCENDING), ("timestamp", ASCENDING)]
        return [_record(row) async for row in self._rows.find(chosen).sort(order).allow_disk_use(True)]

    async def mark_replayed(self, identifier: str) -> None:
        """Remember that a record was put back."""
        await self._rows.update_one({"_id": identifier}, {"$set": {"replayedAt": datetime.now(UTC)}})

    async def count(self) -> int:
        """How many wait to be put back."""
        return int(await self._rows.count_documents({"replayedAt": None}))


def _record(row: Document) -> ParkedRecord:
    named: Document = {name: row.get(camel_case(name)) for name in ParkedRecord.__slots__ if name != "headers"}
    headers = [(name, None if raw is None else bytes(raw)) for name, raw in row["headers"]]
    return ParkedRecord(headers=headers, **named)
