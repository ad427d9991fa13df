"""Server-sent events: the results of one operation as they come, until there are no more or the caller's right ends."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import Any

import orjson
from strawberry.http import process_result
from strawberry.http.streaming import SSETransport
from strawberry.types import ExecutionResult

from graphql_engine.draining import Drained
from models.errors import DomainError

_FORM = SSETransport()
HEADERS = _FORM.headers
RETRY = (500, 2_000)
"""Milliseconds after which a client is to connect again, at random, so that not all do at once."""


async def event_stream(
    results: AsyncGenerator[ExecutionResult, None],
    *,
    expired: Callable[[], DomainError | None],
    until_end: Callable[[], Coroutine[None, None, DomainError]],
    live: AbstractContextManager[None] | None = None,
    heartbeat: float = _FORM.heartbeat_interval,
) -> AsyncGenerator[str, None]:
    """Yields an event `next` for each result, then `complete`; a comment after each `heartbeat` seconds of silence.

    As soon as `until_end` returns why the caller may no longer, what runs is cancelled, what waits is dropped, and the
    stream is complete; `expired` says the same by the clock, read at each beat, in case it is set. `live` is entered
    while it is open. At `Drained` it ends without `complete`, and clients connect again after the time of `retry`.
    """
    context = copy_context()
    step = asyncio.create_task(_next(results), context=context)
    end = asyncio.create_task(until_end())
    try:
        with live or nullcontext():
            while (refusal := expired()) is None and not end.done():
                done, _ = await asyncio.wait({step, end}, timeout=heartbeat, return_when=asyncio.FIRST_COMPLETED)
                if end.done() or expired() is not None:
                    continue
                if not done:
                    yield _FORM.heartbeat_message(str)
                    continue
                result = step.result()
                if isinstance(result, Drained):
                    yield f"retry: {random.randint(*RETRY)}\n\n"
                    return
                if result is None:
                    break
                yield _FORM.encode_next(process_result(result), _encode)
                step = asyncio.create_task(_next(results), context=context)
            else:
                yield _FORM.encode_comment((refusal or end.result()).message)
            yield _FORM.encode_complete()
    finally:
        await _stop(step, end)
        await results.aclose()


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _next(results: AsyncGenerator[ExecutionResult, None]) -> ExecutionResult | Drained | None:
    """A step, in a task of its own, because only a task can be waited for without being cancelled."""
    try:
        return await anext(results, None)
    except Drained as drained:
        return drained


def _encode(value: object) -> str:
    return orjson.dumps(value).decode()
