"""The way out: who is told to go elsewhere, and when."""

import asyncio
from contextlib import ExitStack

from server.draining import NOTICE, Drain

DELAY = 0.6


async def test_live_connections_are_told_evenly_once_load_balancers_have_noticed() -> None:
    drain, told = Drain(), list[float]()
    clock = asyncio.get_running_loop().time
    with ExitStack() as live:
        for _ in range(100):
            live.enter_context(drain.live(lambda: told.append(clock())))
        begin = clock()
        drain.leave(DELAY)
        assert (drain.leaving, drain.begun) == (True, False)
        await asyncio.sleep(DELAY)
        while len(told) < 100:  # noqa: ASYNC110  # a busy machine is late
            await asyncio.sleep(0.01)
    assert min(told) - begin >= DELAY * NOTICE
    assert max(told) - min(told) > DELAY * (1 - NOTICE) / 2


async def test_who_comes_while_it_leaves_is_told_within_what_is_left() -> None:
    drain, told = Drain(), asyncio.Event()
    drain.leave(DELAY)
    with drain.live(told.set):
        assert not told.is_set()
        await asyncio.wait_for(told.wait(), 30)


async def test_the_drain_tells_all_at_once_and_whoever_comes_then() -> None:
    drain, told = Drain(), list[str]()
    with drain.live(lambda: told.append("before")):
        drain.begin()
        assert told == ["before"]
        with drain.live(lambda: told.append("after")):
            assert told == ["before", "after"]
    assert drain.leaving


async def test_who_has_gone_is_told_nothing() -> None:
    drain, told = Drain(), list[str]()
    with drain.live(lambda: told.append("gone")):
        drain.leave(0.01)
    await asyncio.sleep(0.05)
    drain.begin()
    assert told == []
