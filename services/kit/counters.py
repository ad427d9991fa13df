"""Totals that move in the transactions of the rows they count, so that statistics and lists count exactly and flat.

A total is spread over shards because a single document would make all writers of all processes wait for each other;
each addition goes to one at random. A shard alone means nothing (it can be negative); the sum is the total.
"""

import asyncio
import random
import secrets
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

from pymongo import UpdateOne
from typing_extensions import override

from services.kit.database import Collection, Database, Document, Session

SHARDS = 64
LOOKS = 20
"""How often numbers may disagree before a total is held to be wrong: half a second, in which batches come and go."""


def within(family: str) -> Document:
    """The query for the rows of a family and of its parts, whose families are `family/part`."""
    return {"family": {"$regex": f"^{family}(/|$)"}}


def of_part(family: str, named: str) -> str:
    """How the name of a total goes on that is one of a part of a family."""
    return "" if named == family else f" of {named.removeprefix(f'{family}/')}"


async def add_totals(database: Database, session: Session, changes: Mapping[str, Mapping[str, int]]) -> None:
    """Moves the totals of several families within a transaction, in one round trip."""
    if updates := updates_of(changes):
        await database.counters.bulk_write(updates, session=session, ordered=False)


def updates_of(changes: Mapping[str, Mapping[str, int]]) -> list[UpdateOne]:
    """Returns the writes that move the totals of several families."""
    shard, updates = secrets.randbelow(SHARDS), []
    for family, numbers in changes.items():
        if moved := {name: change for name, change in numbers.items() if change}:
            update = {"$inc": moved, "$setOnInsert": {"family": family}}
            updates.append(UpdateOne({"_id": f"{family}/{shard}"}, update, upsert=True))
    return updates


async def read_totals(
    database: Database, query: Document, session: Session | None = None
) -> defaultdict[str, dict[str, int]]:
    """Every total of the families that a query finds; within a transaction, those of its snapshot."""
    sums: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in await database.counters.find(query, session=session).to_list(None):
        totals = sums[row["family"]]
        for name, number in row.items():
            if name not in ("_id", "family"):
                totals[name] = totals.get(name, 0) + number
    return sums


class Counters:
    """The totals of one family, such as `coupons`: named numbers."""

    def __init__(self, database: Database, family: str) -> None:
        self._database = database
        self._family = family

    async def add(self, session: Session, changes: Mapping[str, int]) -> None:
        """Moves the totals within a transaction."""
        await add_totals(self._database, session, {self._family: changes})

    async def read(self, session: Session | None = None) -> dict[str, int]:
        """Every total of the family; within a transaction, those of its snapshot."""
        return (await read_totals(self._database, {"family": self._family}, session))[self._family]

    async def clear(self, session: Session) -> None:
        """Forgets all totals, to be counted anew.

        Whoever moves one meanwhile conflicts and waits. So this comes before the counting: the other way round the
        count would be in vain for as long as others write.
        """
        await self._database.counters.delete_many({"family": self._family}, session=session)


async def agrees(read: Callable[[], Awaitable[int]], rows: Collection) -> bool:
    """Whether a total is the number of a collection's documents, in constant time where it is quickly read.

    Others may write meanwhile: the total is read before and after the number, which counts what is not committed yet,
    so only numbers that never agree, however often one looks, show that a total is wrong.
    """
    for _ in range(LOOKS):
        before = await read()
        number = await rows.estimated_document_count()
        after = await read()
        if min(before, after) <= number <= max(before, after):
            return True
        await asyncio.sleep(random.uniform(0.005, 0.03))
    return False


class Counts(ABC):
    """What is counted of a collection: the totals as they are kept, and as its documents make them.

    `number` names the total that is the number of documents.
    """

    def __init__(self, database: Database, family: str, rows: Collection, number: str) -> None:
        self._database = database
        self._rows = rows
        self._number = number
        self._totals = Counters(database, family)

    async def kept(self, session: Session) -> dict[str, int]:
        """Every total by its name, as it is kept."""
        return await self._totals.read(session)

    @abstractmethod
    async def counted(self, session: Session) -> dict[str, int]:
        """Every total by its name, as the documents make it."""

    async def recount(self, session: Session) -> None:
        """Counts all documents anew, in place of what was counted."""
        await self._totals.clear(session)
        await self._totals.add(session, await self.counted(session))

    async def agree(self) -> bool:
        """Returns whether the totals know as many documents as there are, in constant time."""

        async def read() -> int:
            return (await self._totals.read()).get(self._number, 0)

        return await agrees(read, self._rows)

    async def catch_up(self, *, recount: bool) -> None:
        """Counts anew where it is asked for, or where the totals do not agree."""
        if recount or not await self.agree():
            await self._database.transaction(self.recount)


class RowCounts(Counts):
    """The total of one collection, by the collection's name. Whoever makes or removes its documents calls `add`."""

    def __init__(self, database: Database, rows: Collection) -> None:
        super().__init__(database, rows.name, rows, rows.name)

    async def add(self, session: Session, number: int) -> None:
        """Adds the number of documents that were made, less those that were removed, within their transaction."""
        await self._totals.add(session, {self._number: number})

    async def read(self) -> int:
        """How many there are."""
        return (await self._totals.read()).get(self._number, 0)

    @override
    async def counted(self, session: Session) -> dict[str, int]:
        # The index is a fraction of the documents, and their number is in it.
        return {self._number: await self._rows.count_documents({}, session=session, hint="_id_")}
