"""Rows of refusals on their way: gathered in memory and written together, never waited for, and never too many."""

import asyncio
import logging
from collections import Counter as Multiset
from collections import deque
from contextlib import suppress
from contextvars import Context
from datetime import datetime
from itertools import islice

from prometheus_client import Counter
from pymongo.errors import BulkWriteError, PyMongoError

from services.kit.database import Collection, Document
from services.kit.tasks import end

log = logging.getLogger("tessera.activity")

FROM_ONE_ADDRESS = 100
"""How many rows an hour a worker keeps of the refusals of one client address."""
IN_ALL = 50_000
"""The same of all addresses together."""
MOST_WAITING = 10_000
WRITTEN_AT_ONCE = 1_000
GATHERING_SECONDS = 0.5
AGAIN_SECONDS = 2.0
"""After how long MongoDB is tried again."""
CLOSING_SECONDS = 3.0
LOG_SECONDS = 60.0
DUPLICATE_KEY = 11000


class HourlyCap:
    """Counts what it lets through in each hour of the clock, by address and in all. An address is held no longer."""

    def __init__(self, each: int, total: int) -> None:
        self._each = each
        self._total = total
        self._hour: datetime | None = None
        self._by_address: Multiset[str] = Multiset()
        self._passed = 0

    def admits(self, address: str | None, at: datetime) -> bool:
        """Whether one more may pass; without an address only the total counts."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._passed = hour, 0
            self._by_address.clear()
        if self._passed >= self._total or (address is not None and self._by_address[address] >= self._each):
            return False
        self._passed += 1
        if address is not None:
            self._by_address[address] += 1
        return True


class RefusedRows:
    """Writes rows behind the answers. `dropped` and `capped` are how many are written nowhere: `lost` counts them."""

    def __init__(self, rows: Collection, lost: Counter) -> None:
        self._rows = rows
        self._lost_away, self._lost_capped = lost.labels("away"), lost.labels("capped")
        self._waiting: deque[Document] = deque()
        self._cap = HourlyCap(FROM_ONE_ADDRESS, IN_ALL)
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._told_at = float("-inf")
        self._told = (0, 0)
        self.dropped = 0
        self.capped = 0

    @property
    def waiting(self) -> int:
        """How many rows are not written yet."""
        return len(self._waiting)

    def admits(self, address: str | None, at: datetime) -> bool:
        """Whether a row may be put: its address has not had its share of the hour. The address goes nowhere."""
        admitted = self._cap.admits(address, at)
        if not admitted:
            self.capped += 1
            self._lost_capped.inc()
            self._tell()
        return admitted

    def put(self, row: Document) -> None:
        """Take a row."""
        if len(self._waiting) >= MOST_WAITING:
            self._drop(1)
        else:
            self._waiting.append(row)
            if self._task is None:
                # A context of its own: it serves all requests, and carries on none of theirs.
                self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    async def close(self) -> None:
        """Write what waits, for as long as `CLOSING_SECONDS`, and count the rest as dropped."""
        self._closing.set()
        if (task := self._task) is not None:
            await asyncio.wait([task], timeout=CLOSING_SECONDS)
            await end(task)
        if self._waiting:
            self._drop(len(self._waiting))
            self._waiting.clear()
        self._tell(at_once=True)

    async def _run(self) -> None:
        try:
            answered = True
            while self._waiting and (answered or not self._closing.is_set()):
                with suppress(TimeoutError):
                    seconds = GATHERING_SECONDS if answered else AGAIN_SECONDS
                    await asyncio.wait_for(self._closing.wait(), seconds)
                answered = await self._write()
        finally:
            self._task = None

    async def _write(self) -> bool:
        """Write the oldest rows; returns whether MongoDB answered."""
        batch = list(islice(self._waiting, WRITTEN_AT_ONCE))
        try:
            await self._rows.insert_many(batch, ordered=False)
        except BulkWriteError as fault:
            # What is there already was written by an earlier try, whose answer was lost.
            self._drop(sum(error["code"] != DUPLICATE_KEY for error in fault.details["writeErrors"]))
        except PyMongoError:
            return False
        except Exception:
            log.exception("rows of refusals cannot be written")
            self._drop(len(batch))
        for _ in batch:
            self._waiting.popleft()
        return True

    def _drop(self, number: int) -> None:
        self.dropped += number
        self._lost_away.inc(number)
        self._tell()

    def _tell(self, *, at_once: bool = False) -> None:
        """Log what was left out since the last time, once a minute at most."""
        now = asyncio.get_running_loop().time()
        if (at_once or now - self._told_at >= LOG_SECONDS) and self._told != (self.dropped, self.capped):
            dropped, capped = self.dropped - self._told[0], self.capped - self._told[1]
            self._told_at, self._told = now, (self.dropped, self.capped)
            log.warning("refusals without a row: %d while MongoDB was away, %d over the cap", dropped, capped)
