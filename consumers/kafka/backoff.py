"""How long to wait before another try, and how often to tell of what goes on failing."""

import asyncio
import random
from contextlib import suppress

LONGEST = 15.0
QUIET = 60.0


def backoff(attempt: int, *, shortest: float = 0.1, longest: float = LONGEST) -> float:
    """Seconds before try number `attempt` + 1: doubling from `shortest` up to `longest`, half of it by chance."""
    full = min(longest, shortest * 2 ** min(attempt, 20))
    return random.uniform(full / 2, full)


async def pause(seconds: float, stopping: asyncio.Event) -> bool:
    """Wait, or until `stopping` is set; returns whether it is."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
    return stopping.is_set()


class Reminder:
    """Says when to log what goes on failing: at once, and then every `QUIET` seconds until it is over."""

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self._due_at: float | None = None

    def is_due(self) -> bool:
        """Whether to log it now; then not again for a while."""
        now = self._clock()
        if self._due_at is not None and now < self._due_at:
            return False
        self._due_at = now + QUIET
        return True

    def over(self) -> None:
        """It works again: the next failure is news."""
        self._due_at = None
