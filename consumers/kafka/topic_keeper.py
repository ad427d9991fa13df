"""Keeps the topics there: what is deleted while the process runs is made again, with our settings."""

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress

from consumers.kafka.admin import Broker

log = logging.getLogger("tessera.kafka")

INTERVAL = 5.0
_QUIET = 60.0


class TopicKeeper:
    """Looks again and again; `run` returns after `stop`.

    A topic is made again once it was missing at two looks, so that who deletes one to make another in its place has
    the time to.
    """

    def __init__(self, broker: Broker, topics: Collection[str], *, interval: float = INTERVAL) -> None:
        self._broker = broker
        self._topics = topics
        self._interval = interval
        self._missing: set[str] = set()
        self._stopping = asyncio.Event()
        self._logged_at: float | None = None

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._interval)
                return
            try:
                async with asyncio.timeout(6 * self._interval):
                    await self._look()
                self._logged_at = None
            except Exception as fault:
                self._log(fault)

    async def _look(self) -> None:
        missing = await self._broker.missing(self._topics)
        again, self._missing = missing & self._missing, missing
        there = set(self._topics) - missing
        await self._broker.ensure_topics(there | again, within=0)

    def _log(self, fault: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if self._logged_at is None or now - self._logged_at >= _QUIET:
            self._logged_at = now
            log.warning("the topics cannot be looked after: %s", str(fault) or type(fault).__name__)
