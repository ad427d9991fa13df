"""The outbox: events written in the transaction of the change they tell of. A relay takes them to Kafka later."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from models.events import Event
from services.kit.database import Database

if TYPE_CHECKING:
    from services.kit.database import Session


class Outbox:
    """Writes events beside the change. Where no Kafka is configured nobody would take them, so none is written."""

    def __init__(self, database: Database, *, enabled: bool) -> None:
        self._rows = database.outbox
        self._enabled = enabled

    async def put(self, session: "Session", events: Iterable[tuple[datetime, Event]]) -> None:
        """Add events, each with its instant, in order.

        The relay sends by (`at`, `n`). That keeps the order of a key because the events of one aggregate are written by
        transactions that conflict on the aggregate, each with an instant later than the one before.
        """
        if not self._enabled:
            return
        rows = [
            {"_id": str(uuid.uuid4()), "topic": e.topic, "key": e.key, "value": e.value, "at": at, "n": n}
            for n, (at, e) in enumerate(events)
        ]
        if rows:
            await self._rows.insert_many(rows, session=session)
