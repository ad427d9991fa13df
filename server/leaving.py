"""The server of a process, which on SIGTERM goes on for a while before it drains."""

import asyncio
import logging
import signal
from types import FrameType

import uvicorn
from typing_extensions import override

from server.draining import DRAIN, Drain

log = logging.getLogger("tessera.serve")


class LeavingServer(uvicorn.Server):
    """Serves on for `delay` seconds after SIGTERM, and `/readyz` answers 503; SIGINT drains at once, then or later."""

    def __init__(self, config: uvicorn.Config, delay: float) -> None:
        super().__init__(config)
        self._delay = delay
        self._at_once = delay == 0
        self._ends: float | None = None

    def is_hurried(self) -> bool:
        """Whether there is a reason not to wait, now that a signal has come. To be overridden."""
        return False

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        was_at_once = self._at_once
        self._at_once = was_at_once or sig == signal.SIGINT or self.is_hurried()
        # While it waits, SIGINT ends the wait; only after that one more gives up what is in flight.
        if was_at_once or not self.should_exit:
            super().handle_exit(sig, frame)

    @override
    async def on_tick(self, counter: int) -> bool:
        if not await super().on_tick(counter):
            return False
        if self._at_once or self.force_exit:
            return True
        now = asyncio.get_running_loop().time()
        if self._ends is None:
            self._ends = now + self._delay
            log.info("leaving", extra={"seconds": self._delay})
            drain: Drain | None = self.lifespan.state.get(DRAIN)
            if drain is not None:
                drain.leave(self._delay)
        return now >= self._ends
