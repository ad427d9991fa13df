"""Waiting for what happens in another process."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(condition: Callable[[], bool | Awaitable[bool]], *, within: float, every: float = 0.05) -> None:
    """Wait until `condition()`; fails after `within` seconds."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + within
    while True:
        outcome = condition()
        if outcome if isinstance(outcome, bool) else await outcome:
            return
        assert clock() < deadline, f"it did not happen within {within:g} s"
        await asyncio.sleep(every)
