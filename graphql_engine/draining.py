"""The drain: what would go on without end ends when its caller is to go elsewhere."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Any, TypeVar

Item = TypeVar("Item")


class Drained(Exception):
    """A subscription ended because its caller is to go elsewhere: there would have been more."""


async def until_drain(items: AsyncIterator[Item], leaving: asyncio.Event) -> AsyncGenerator[Item, None]:
    """The items until there are no more. Raises `Drained` once `leaving` is set; what is being made is cancelled."""
    begun = asyncio.ensure_future(leaving.wait())
    following: asyncio.Future[Item] | None = None
    try:
        while True:
            following = asyncio.ensure_future(anext(items))
            await asyncio.wait({begun, following}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                raise Drained
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
