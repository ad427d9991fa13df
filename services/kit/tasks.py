"""Ending what runs in the background."""

import asyncio
from typing import Any

AGAIN_SECONDS = 0.5


async def end(task: "asyncio.Task[Any]") -> None:
    """Cancels a task, and again until it has ended.

    A driver may turn a cancellation in the middle of a command into an error of its own, which a loop that goes on
    after errors survives.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_SECONDS)
