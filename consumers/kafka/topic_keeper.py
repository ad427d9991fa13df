"""Keeps the topics there: what is deleted while the process runs is made again, with our settings."""

import asyncio
import logging
from collections.abc import Collection

from consumers.faults import reason_of
from consumers.kafka.admin import Broker
from consumers.kafka.backoff import Reminder, pause

log = logging.getLogger("tessera.kafka")

INTERVAL = 5.0


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
        self._reminder = Reminder()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            if await pause(self._interval, self._stopping):
                return
            try:
                async with asyncio.timeout(6 * self._interval):
                    await self._look()
                self._reminder.over()
            except Exception as fault:
                if self._reminder.is_due():
                    log.warning("the topics cannot be looked after: %s", reason_of(fault))

    async def _look(self) -> None:
        self._missing = await self._broker.look_after(self._topics, self._missing)
