"""Indexes of the collections that all nouns share; each noun makes its own."""

from pymongo import ASCENDING, IndexModel

from services.kit.database import Database
from services.kit.indexes import ensure_indexes
from services.kit.messages.inbox import INBOX_RETENTION
from services.kit.messages.outbox import SENT_RETENTION
from services.migrations.options import Options

_ENDS = [IndexModel([("expiresAt", ASCENDING)], name="expiresAt", expireAfterSeconds=60)]
SHARED_INDEXES = {
    "attempts": _ENDS,
    "idempotencykeys": _ENDS,
    # Of processes that died; another lease is made anew by whoever takes it.
    "leases": _ENDS,
    "counters": [IndexModel([("family", ASCENDING)], name="family")],
    "outbox": [
        # With the topic, so that those of a topic that has to wait are passed over without being read.
        IndexModel(
            [("at", ASCENDING), ("n", ASCENDING), ("topic", ASCENDING)],
            name="unsent",
            partialFilterExpression={"sentAt": None},
        ),
        IndexModel(
            [("sentAt", ASCENDING)],
            name="sentAt",
            expireAfterSeconds=int(SENT_RETENTION.total_seconds()),
            # What waits is in no index but `unsent`: every change writes an event.
            sparse=True,
        ),
        IndexModel([("parkedAt", ASCENDING)], name="parkedAt", sparse=True),
    ],
    "parked": [IndexModel([("topic", ASCENDING), ("partition", ASCENDING), ("offset", ASCENDING)], name="place")],
    "inbox": [IndexModel([("at", ASCENDING)], name="at", expireAfterSeconds=int(INBOX_RETENTION.total_seconds()))],
}


async def run(database: Database, _: Options) -> None:
    """Make those that are missing."""
    for name, indexes in SHARED_INDEXES.items():
        await ensure_indexes(database.collection(name), indexes)
