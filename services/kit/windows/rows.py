"""The rows of the windows in MongoDB: a count for each client address, exact over all worker processes.

A row counts what hits have used and what workers have reserved. It begins with a client's first hit and ends by the
database's clock.
"""

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, Self

from bson import encode
from bson.raw_bson import RawBSONDocument
from pymongo import ReadPreference, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from models.values.instants import to_milliseconds
from services.kit.database import Database, Document
from services.kit.transactions import doubled
from services.kit.windows.reservations import Block, Unused

RECLAIM_SECONDS = 1.0
"""How long a worker is given to give back what it holds, before it is taken to be dead."""
CLOCK_SECONDS = 60.0
"""How long the time that has passed by the event loop is taken for that of the database."""
GONE = datetime.fromtimestamp(0, UTC)
"""The window of a row that is no more."""


class Asked(NamedTuple):
    """How many numbers are asked for: of hits that are there, and beyond them. `new`: it may be the first of a row."""

    hits: int
    ahead: int
    new: bool

    @property
    def number(self) -> int:
        return self.hits + self.ahead

    def of_row_found(self) -> Self:
        """The same of a row that is there: nothing ahead where this worker did not know that."""
        return self._replace(ahead=0) if self.new else self


@dataclass(frozen=True, slots=True)
class Given:
    """The numbers that a row has counted, after `block.used` up to `block.last`.

    `others`: they are fewer than were asked for, and other workers may give back what they hold.
    """

    block: Block
    others: bool = False


class WindowRows:
    """The rows as one worker sees them. `amount` is the limit of a window."""

    def __init__(self, database: Database, amount: int, window_seconds: int) -> None:
        self._rows = database.rate_limits.with_options(read_preference=ReadPreference.PRIMARY)
        self._amount = amount
        self._window = timedelta(seconds=window_seconds)
        self._worker = secrets.token_hex(4)
        self._clock: tuple[datetime, float] | None = None
        """An instant of the database, and by the event loop one that is not later."""
        # Encoded once: nearly every addition is one of a few.
        self._addition = lru_cache(1_024)(self._addition_of)

    async def add(self, asked: Mapping[str, Asked]) -> dict[str, Given]:
        """Adds to the counts of these addresses and returns what each was given. One round trip, or two in sequence.

        The first rows of several addresses are inserted, which answers at once for all; others are added to and read.
        Nothing is reserved of a row that is there and that this worker does not know: it may be near the limit.
        """
        alone, inserts = len(asked) == 1, self._can_insert()
        new = {a: each for a, each in asked.items() if inserts and each.new and (each.ahead or not alone)}
        rest = {a: each.of_row_found() for a, each in asked.items() if a not in new}
        if alone and rest:
            return await self._add_to_one(*rest.popitem())
        if rest:
            inserted, added = await asyncio.gather(self._insert(new), self._add_to_all(rest))
        else:
            inserted, added = await self._insert(new), dict[str, Given]()
        there = {address: each.of_row_found() for address, each in new.items() if address not in inserted}
        return inserted | added | await self._add_to_all(there)

    async def give_back(self, unused: Iterable[Unused]) -> None:
        """Takes what is unused off the counts, where they still are what this worker left, and tells that it is."""
        mine = f"held.{self._worker}"
        updates = [
            UpdateOne(
                {"_id": each.address, "expiresAt": each.window, f"last.{self._worker}": {"$gte": each.last}},
                {"$inc": {"count": -each.number}, "$unset": {mine: ""}},
            )
            for each in unused
        ]
        if updates:
            await self._rows.bulk_write(updates, ordered=False)

    async def asked_for(self) -> list[str]:
        """Returns the addresses whose numbers other workers have asked this one for."""
        bell = {"_id": self._bell(self._worker)}
        if await self._rows.find_one(bell) is None:
            return []
        row = await self._rows.find_one_and_delete(bell)
        return list(row["addresses"]) if row is not None else []

    async def reclaim(self, address: str, window: datetime) -> None:
        """Returns once no other worker holds numbers of a window; of one that does not answer they count as used."""
        loop = asyncio.get_running_loop()
        deadline, rung = loop.time() + RECLAIM_SECONDS, set[str]()
        while holders := await self._holders(address, window):
            if loop.time() > deadline:
                await self._rows.update_one({"_id": address, "expiresAt": window}, {"$unset": {"held": ""}})
                return
            for holder in holders - rung:
                asking = {"$addToSet": {"addresses": address}, "$max": {"expiresAt": window}}
                await self._rows.update_one({"_id": self._bell(holder)}, asking, upsert=True)
            rung |= holders
            await asyncio.sleep(RECLAIM_SECONDS / 20)

    async def _holders(self, address: str, window: datetime) -> set[str]:
        row = await self._rows.find_one({"_id": address, "expiresAt": window}, {"held": 1, "expiresAt": 1})
        return self._others(row) if row is not None else set()

    async def _add_to_one(self, address: str, asked: Asked) -> dict[str, Given]:
        sent = asyncio.get_running_loop().time()
        with suppress(DuplicateKeyError):  # Another worker inserted it at the same time: the bulk finds it.
            row = await self._rows.find_one_and_update(
                {"_id": address},
                self._addition(asked.number, asked.ahead > 0),
                self._shown(),
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
            return {address: self._given(row, asked, sent)}
        return await self._add_to_all({address: asked})

    async def _add_to_all(self, asked: Mapping[str, Asked]) -> dict[str, Given]:
        if not asked:
            return {}
        updates = [
            UpdateOne({"_id": address}, self._addition(each.number, each.ahead > 0), upsert=True)
            for address, each in asked.items()
        ]
        try:
            await self._rows.bulk_write(updates, ordered=False)
        except BulkWriteError as fault:
            # Two workers inserted the same address at once: the loser's updates find the row on a second try.
            await self._rows.bulk_write([updates[place] for place in sorted(doubled(fault))], ordered=False)
        sent = asyncio.get_running_loop().time()
        found = await self._rows.find({"_id": {"$in": list(asked)}}, self._shown()).to_list(None)
        rows: dict[str, Document] = {row["_id"]: row for row in found}
        return {address: self._given(rows.get(address), each, sent) for address, each in asked.items()}

    async def _insert(self, asked: Mapping[str, Asked]) -> dict[str, Given]:
        """Returns what was given to those that had no row."""
        now = asyncio.get_running_loop().time()
        if not asked or self._clock is None:
            return {}
        instant, then = self._clock
        expires_at = to_milliseconds(instant + timedelta(seconds=now - then) + self._window)
        rows = [self._first(address, each, expires_at) for address, each in asked.items()]
        there: set[int] = set()
        try:
            await self._rows.insert_many(rows, ordered=False)
        except BulkWriteError as fault:
            there = doubled(fault)
        ends = now + self._window.total_seconds()
        return {
            address: Given(Block(0, min(each.number, self._amount), expires_at, ends))
            for place, (address, each) in enumerate(asked.items())
            if place not in there
        }

    def _can_insert(self) -> bool:
        """Whether the clock of the database is known: it is the one by which a window ends."""
        return self._clock is not None and asyncio.get_running_loop().time() < self._clock[1] + CLOCK_SECONDS

    def _given(self, row: Document | None, asked: Asked, sent: float) -> Given:
        """What a row gave; a window that ended between the two round trips has forgotten this worker."""
        if row is None:
            return Given(Block(0, min(asked.hits, self._amount), GONE, sent + self._window.total_seconds()))
        left = timedelta(milliseconds=row["left"])
        self._clock = row["expiresAt"] - left, sent
        last, number = row["last"].get(self._worker), asked.number
        if last is None:
            last = number = asked.hits
        block = Block(last - number, min(last, self._amount), row["expiresAt"], sent + left.total_seconds())
        freed = row["count"] < self._amount or bool(self._others(row))
        return Given(block, others=last > self._amount and freed)

    def _others(self, row: Document) -> set[str]:
        """Returns which other workers may hold numbers of the window that a row is in."""
        held: dict[str, datetime] = row.get("held", {})
        return {worker for worker, window in held.items() if window == row["expiresAt"]} - {self._worker}

    def _first(self, address: str, asked: Asked, expires_at: datetime) -> Document:
        row = {"_id": address, "count": min(asked.number, self._amount), "expiresAt": expires_at}
        row["last"] = {self._worker: asked.number}
        return row | {"held": {self._worker: expires_at}} if asked.ahead else row

    def _shown(self) -> Document:
        """What an answer shows of a row; `left` is in milliseconds."""
        left = {"$subtract": ["$expiresAt", "$$NOW"]}
        return {"count": 1, "expiresAt": 1, "held": 1, f"last.{self._worker}": 1, "left": left}

    def _addition_of(self, number: int, ahead: bool) -> list[RawBSONDocument]:
        """Adds to the count, to the limit at most, or begins a new window, by the server's clock.

        `last.<worker>` is the number that this worker's own addition ends with, whatever others add before it reads;
        beyond the limit it is given none. `held` tells others in which window it may hold some.
        """
        running = {"$gt": ["$expiresAt", "$$NOW"]}
        before = {"$cond": [running, "$count", 0]}
        last = {"$add": [before, number]}
        ends = {"$cond": [running, "$expiresAt", {"$add": ["$$NOW", self._window // timedelta(milliseconds=1)]}]}
        held = {self._worker: ends if ahead else None}
        added = {
            "count": {"$max": [before, {"$min": [self._amount, last]}]},
            "last": {"$mergeObjects": [{"$cond": [running, "$last", {}]}, {self._worker: last}]},
            "held": {"$mergeObjects": [{"$cond": [running, "$held", {}]}, held]},
            "expiresAt": ends,
        }
        return [RawBSONDocument(encode({"$set": added}))]

    @staticmethod
    def _bell(worker: str) -> str:
        """The row by which others ask a worker for what it holds."""
        return f"worker/{worker}"
