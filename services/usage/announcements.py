"""Moves of usage on their way to other services: the ledger's own rows wait in it, so that a move writes nothing more.

A row of the ledger that nobody has been told of says so, in the transaction of its move. The relay takes such rows into
the outbox, each follower's in the order of its moves.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from bson import ObjectId

from models.usage.effects import moved_event
from services.kit.database import Database, Document
from services.kit.messages.outbox import Outbox
from services.usage.repository import LEDGER

if TYPE_CHECKING:
    from services.kit.database import Session

AT_ONCE = 1_000
UNTOLD: Document = {"untold": True}
"""What a row of the ledger has for as long as it waits."""


class UsageAnnouncements:
    """Takes moves into the outbox; one process at a time does so, and two harm nobody."""

    def __init__(self, database: Database, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._after: ObjectId | None = None

    async def announce(self) -> int:
        """Takes the moves that wait, of some followers after others; returns how many they were."""
        return await self._database.transaction(self._announce)

    async def _announce(self, session: "Session") -> int:
        # Those of the followers behind the last one: of one that never rests the others are not kept waiting.
        query = UNTOLD if self._after is None else {**UNTOLD, "followerId": {"$gt": self._after}}
        found = self._database.usage_ledger.find(query, session=session).sort([("followerId", 1), ("sequence", 1)])
        rows = await found.limit(AT_ONCE).batch_size(AT_ONCE + 1).to_list(None)
        self._after = rows[-1]["followerId"] if len(rows) == AT_ONCE else None
        if rows:
            # As of now and not as of the move, because clocks differ and the outbox is sent in the order of instants.
            now = self._clock()
            await self._outbox.put(session, [(now, moved_event(LEDGER.load(row))) for row in rows])
            followers = {row["followerId"] for row in rows}
            told = {"_id": {"$in": [row["_id"] for row in rows]}, "followerId": {"$in": [*followers]}}
            await self._database.usage_ledger.update_many(told, {"$unset": dict.fromkeys(UNTOLD, "")}, session=session)
        return len(rows)
