"""How many documents a collection has: a total that moves with them, so that `totalCount` is exact and flat."""

from typing import TYPE_CHECKING

from services.counters import Counters
from services.database import Database

if TYPE_CHECKING:
    from services.database import Collection, Session


class RowCounts:
    """The total of one collection, by the collection's name. Whoever makes or removes its documents calls `add`."""

    def __init__(self, database: Database, rows: "Collection") -> None:
        self._database = database
        self._rows = rows
        self._name = rows.name
        self._totals = Counters(database, rows.name)

    async def add(self, session: "Session", number: int) -> None:
        """Follow that so many documents were made, less those that were removed, within their transaction."""
        await self._totals.add(session, {self._name: number})

    async def read(self) -> int:
        """How many there are."""
        return (await self._totals.read()).get(self._name, 0)

    async def kept(self, session: "Session") -> dict[str, int]:
        """The total by its name, as it is kept."""
        return await self._totals.read(session)

    async def counted(self, session: "Session") -> dict[str, int]:
        """The total by its name, as the documents make it."""
        # The index is a fraction of the documents, and alone it tells their number.
        return {self._name: await self._rows.count_documents({}, session=session, hint="_id_")}

    async def recount(self, session: "Session") -> None:
        """Count all documents anew, in place of what was counted."""
        await self._totals.clear(session)
        await self._totals.add(session, await self.counted(session))

    async def catch_up(self, *, recount: bool) -> None:
        """Count anew where it is asked for, or where the total is not what the collection says in constant time."""
        if recount or not await self._totals.agrees(self._name, self._rows):
            await self._database.transaction(self.recount)
