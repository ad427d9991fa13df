"""Hits on their way to be counted: what arrives together is asked for together, a busy worker asks for more than that.

While one addition is under way the next gathers. A client's hits are answered in the order of their numbers.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextvars import Context
from datetime import datetime

from pymongo.errors import PyMongoError

from services.kit.database import Database
from services.kit.tasks import end
from services.kit.windows.reservations import Hit, Reservations
from services.kit.windows.rows import Asked, Given, WindowRows

BUSY_HITS = 8
"""So many hits with one addition, and again with the next, make a worker busy; those of one client in turn do not."""
BUSY_SECONDS = 1.0
"""For how long a worker reserves ahead after it was busy, and after which it gives back what it has."""
ROUND_SECONDS = 0.1
"""How often a worker that holds numbers looks whether another needs them."""
ROUND_ADDRESSES = 250
"""Of how many clients an idle worker gives numbers back in a round."""
CLOSING_SECONDS = 1.0
"""How long a worker that ends gives numbers back: some 8,000 clients'. The others' count as used."""
QUIET_TURNS, FULL = 3, 1_000
"""A busy worker gathers clients until so many turns of the event loop have brought none, or so many wait."""

log = logging.getLogger("tessera.rate_limit")


class HitCounter:
    """Counts hits of client addresses in windows of `amount` hits and so many seconds."""

    def __init__(self, database: Database, amount: int, window_seconds: int) -> None:
        self._rows = WindowRows(database, amount, window_seconds)
        self._reservations = Reservations(amount)
        self._waiting: dict[str, list[asyncio.Future[Hit]]] = {}
        self._reclaiming: dict[str, list[asyncio.Future[Hit]]] = {}
        self._hits = 0
        self._had_many = False
        self._busy_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False
        self._rounds: asyncio.Task[None] | None = None

    def take(self, address: str, now: float) -> Hit | None:
        """Counts one hit at once, where this worker has a number for it."""
        self._hits += 1
        return self._reservations.take(address, now)

    def count(self, address: str) -> asyncio.Future[Hit]:
        """Counts one hit that could not be taken at once. Beyond the limit its number is, too."""
        future: asyncio.Future[Hit] = asyncio.get_running_loop().create_future()
        self._queue(address, [future])
        return future

    async def close(self) -> None:
        """Waits until everything is counted, and gives back what this worker holds, as much as can be in a second."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._rounds is not None:
            await end(self._rounds)
        clock = asyncio.get_running_loop().time
        deadline = clock() + CLOSING_SECONDS
        try:
            while self._reservations and clock() < deadline:
                await self._give_back(self._reservations.oldest(ROUND_ADDRESSES))
        except PyMongoError as fault:
            log.warning("hits that were reserved could not be given back: %s", fault)

    def _queue(self, address: str, hits: Iterable["asyncio.Future[Hit]"]) -> None:
        (self._reclaiming if address in self._reclaiming else self._waiting).setdefault(address, []).extend(hits)
        if self._waiting and not self._draining:
            self._draining = True
            self._start(self._drain())

    def _start(self, work: Coroutine[None, None, None]) -> None:
        # A context of its own: it carries on nothing of the request that happened to be the first.
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                if self._busy():
                    await self._gather()
                batch, self._waiting = self._waiting, {}
                try:
                    await self._ask(batch)
                except Exception as fault:
                    for hits in batch.values():
                        _reject(hits, fault)
        finally:
            self._draining = False

    async def _gather(self) -> None:
        """Let those in that come as others are answered, as long as more of them come: fuller additions are fewer."""
        quiet = waiting = 0
        while quiet < QUIET_TURNS and waiting < FULL:
            quiet = 0 if len(self._waiting) > waiting else quiet + 1
            waiting = len(self._waiting)
            await asyncio.sleep(0)

    async def _ask(self, batch: Mapping[str, list["asyncio.Future[Hit]"]]) -> None:
        """Have the hits of a batch counted, and ahead what this worker may reserve; answer those that came since."""
        before, now, busy = self._hits, asyncio.get_running_loop().time(), self._busy()
        asked = {address: self._asked(address, len(hits), now, busy=busy) for address, hits in batch.items()}
        given = await self._rows.add(asked)
        self._notice(sum(map(len, batch.values())) + self._hits - before)
        for address, hits in batch.items():
            self._answer(address, hits, given[address], ahead=asked[address].ahead > 0)
        for address in self._waiting.keys() & given.keys():
            self._take_for(address, self._waiting.pop(address))

    def _busy(self) -> bool:
        return asyncio.get_running_loop().time() < self._busy_until

    def _notice(self, hits: int) -> None:
        """Take in how many hits came with an addition and during it."""
        many = hits >= BUSY_HITS
        if many and self._had_many:
            self._busy_until = asyncio.get_running_loop().time() + BUSY_SECONDS
        self._had_many = many

    def _take_for(self, address: str, hits: Sequence["asyncio.Future[Hit]"]) -> None:
        """Answer hits that came while their address was asked for, as far as there are numbers; others wait on."""
        now = asyncio.get_running_loop().time()
        for place, future in enumerate(hits):
            if (hit := self._reservations.take(address, now)) is None:
                self._queue(address, hits[place:])
                return
            _resolve(future, hit)

    def _asked(self, address: str, hits: int, now: float, *, busy: bool) -> Asked:
        ahead = self._reservations.ahead(address, hits, now) if busy else 0
        return Asked(hits, ahead, new=not self._reservations.knows(address, now))

    def _answer(self, address: str, hits: Sequence["asyncio.Future[Hit]"], given: Given, *, ahead: bool) -> None:
        block = given.block
        admitted = max(0, min(len(hits), block.last - block.used)) if given.others else len(hits)
        for number, future in enumerate(hits[:admitted], block.used + 1):
            _resolve(future, Hit(number, block.ends))
        block.used = min(block.used + len(hits), block.last)
        self._reservations.keep(address, block, ahead=ahead)
        if ahead and self._rounds is None:
            self._rounds = asyncio.get_running_loop().create_task(self._go_round(), context=Context())
        if hits[admitted:]:
            self._reclaiming[address] = list(hits[admitted:])
            self._start(self._reclaim(address, block.window))

    async def _reclaim(self, address: str, window: datetime) -> None:
        """Ask others for what they hold before hits are refused."""
        try:
            await self._rows.reclaim(address, window)
        except Exception as fault:
            _reject(self._reclaiming.pop(address), fault)
        else:
            self._queue(address, self._reclaiming.pop(address))

    async def _go_round(self) -> None:
        """Give back what others ask for and, when there is less to do, all, until nothing is held any more."""
        while self._reservations:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                addresses = await self._rows.asked_for()
                if not self._busy():
                    addresses += self._reservations.oldest(ROUND_ADDRESSES)
                await self._give_back(addresses)
            except PyMongoError as fault:
                log.warning("hits that are reserved could not be given back: %s", fault)
        self._rounds = None

    async def _give_back(self, addresses: Iterable[str]) -> None:
        unused = self._reservations.give_back(addresses, asyncio.get_running_loop().time())
        await self._rows.give_back(unused)


def _resolve(future: "asyncio.Future[Hit]", hit: Hit) -> None:
    if not future.done():  # Else its caller has gone.
        future.set_result(hit)


def _reject(futures: Iterable["asyncio.Future[Hit]"], fault: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(fault)
