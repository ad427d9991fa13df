"""One timer ends every block that runs for too long, and no other."""

import asyncio

import pytest

from graphql_engine.deadlines import Deadlines


async def sleeper(deadlines: Deadlines, seconds: float) -> str:
    try:
        with deadlines.begin():
            await asyncio.sleep(seconds)
    except TimeoutError:
        return "late"
    return "in time"


async def lateness(deadlines: Deadlines) -> float:
    """After how long a block that would never end is ended."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    assert await sleeper(deadlines, 3_600) == "late"
    return clock() - begun


async def test_each_block_has_its_own_time() -> None:
    deadlines = Deadlines(0.1)
    first = [asyncio.create_task(lateness(deadlines)) for _ in range(2)]
    quick = [asyncio.create_task(sleeper(deadlines, 0)) for _ in range(2)]
    assert await asyncio.gather(*quick) == ["in time", "in time"]
    await asyncio.sleep(0.06)
    later = [asyncio.create_task(lateness(deadlines)) for _ in range(2)]
    assert await sleeper(deadlines, 0) == "in time"
    # Those that came later are not ended with the first. How late a busy machine is shows nothing.
    assert min(await asyncio.gather(*first, *later)) > 0.099
    assert await sleeper(deadlines, 3_600) == "late"


async def test_who_cancels_from_outside_sees_a_cancellation() -> None:
    task = asyncio.create_task(sleeper(Deadlines(5), 5))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_a_block_raises_passes() -> None:
    deadlines = Deadlines(5)
    with pytest.raises(KeyError), deadlines.begin():
        raise KeyError
    assert not deadlines._running


def test_another_loop_has_another_timer() -> None:
    deadlines = Deadlines(0.02)
    for _ in range(2):
        assert asyncio.run(sleeper(deadlines, 5)) == "late"
        assert asyncio.run(sleeper(deadlines, 0)) == "in time"
