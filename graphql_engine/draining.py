"""The drain: what would go on without end ends when it begins."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Any, TypeVar

Item = TypeVar("Item")


async def until_drain(items: AsyncIterator[Item], draining: asyncio.Event) -> AsyncGenerator[Item, None]:
    """The items until there are no more or the drain begins; what is being made then is cancelled."""
    begun = asyncio.ensure_future(draining.wait())
    following: asyncio.Future[Item] | None = None
    try:
        while True:
            following = asyncio.ensure_future(anext(items))
            await asyncio.wait({begun, following}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                return
            try:
                item = following.result()
            except StopAsyncIteration:
                return
            yield item
    finally:
        await _cancel(begun, following)


async def _cancel(*waits: asyncio.Future[Any] | None) -> None:
    for wait in waits:
        if wait is not None and not wait.done():
            wait.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await wait
