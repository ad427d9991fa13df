"""Server-sent events: the results of one operation as they come, until there are no more or the caller's token ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextvars import copy_context
from math import inf

import orjson
from strawberry.http import process_result
from strawberry.http.streaming import SSETransport
from strawberry.types import ExecutionResult

from models.errors import ExpiredToken

_FORM = SSETransport()
HEADERS = _FORM.headers


async def event_stream(
    results: AsyncGenerator[ExecutionResult, None],
    *,
    expires_at: float = inf,
    clock: Callable[[], float],
    heartbeat: float = _FORM.heartbeat_interval,
) -> AsyncGenerator[str, None]:
    """Yields an event `next` for each result, then `complete`; a comment after each `heartbeat` seconds of silence.

    At `expires_at` (by `clock`, POSIX seconds) what runs is cancelled, what waits to be sent is dropped, and the stream
    is complete. The clock is read at each beat, so that one which is set does not keep a stream alive.
    """
    # The steps run in tasks of their own, because only a task can be waited for without being cancelled.
    context = copy_context()
    step = asyncio.create_task(_next(results), context=context)
    try:
        while (left := expires_at - clock()) > 0:
            done, _ = await asyncio.wait({step}, timeout=min(heartbeat, left))
            if expires_at <= clock():
                continue
            if not done:
                yield _FORM.heartbeat_message(str)
                continue
            result = step.result()
            if result is None:
                break
            yield _FORM.encode_next(process_result(result), _encode)
            step = asyncio.create_task(_next(results), context=context)
        else:
            yield _FORM.encode_comment(ExpiredToken.message)
        yield _FORM.encode_complete()
    finally:
        step.cancel()
        await asyncio.wait({step})
        await results.aclose()


async def _next(results: AsyncGenerator[ExecutionResult, None]) -> ExecutionResult | None:
    return await anext(results, None)


def _encode(value: object) -> str:
    return orjson.dumps(value).decode()
