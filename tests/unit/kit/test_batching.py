"""Batching: what arrives together goes together, and nobody's fault or absence harms the others."""

import asyncio
from collections.abc import Sequence

import pytest

from services.kit.batching import Coalescer, GroupCommit


async def test_keys_gather_while_finds_are_in_flight() -> None:
    finds: list[list[int]] = []
    gate = asyncio.Event()

    async def find(keys: Sequence[int]) -> dict[int, str]:
        finds.append(list(keys))
        await gate.wait()
        return {key: f"value {key}" for key in keys if key >= 0}

    loader: Coalescer[int, str] = Coalescer(find, limit=3, concurrency=1)
    first = asyncio.create_task(loader.load(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(loader.load(key)) for key in (1, 2, 2, -1, 4)]
    await asyncio.sleep(0)
    gate.set()
    assert await first == "value 0"
    assert await asyncio.gather(*others) == ["value 1", "value 2", "value 2", None, "value 4"]
    assert finds == [[0], [1, 2, -1], [4]]


async def test_several_finds_are_in_flight_at_once_but_never_two_for_one_key() -> None:
    finds: list[str] = []
    gate = asyncio.Event()

    async def find(keys: Sequence[str]) -> dict[str, int]:
        finds.extend(keys)
        await gate.wait()
        return dict.fromkeys(keys, len(finds))

    loader: Coalescer[str, int] = Coalescer(find, limit=1, concurrency=4)
    asked = []
    for key in ("a", "a", "b", "a", "b", "c"):
        asked.append(asyncio.create_task(loader.load(key)))
        for _ in range(3):
            await asyncio.sleep(0)
    assert finds == ["a", "b", "c"]
    gate.set()
    await asyncio.gather(*asked)
    assert finds == ["a", "b", "c", "a", "b"]


async def test_an_answer_is_never_older_than_its_question() -> None:
    version, gate = 0, asyncio.Event()

    async def find(keys: Sequence[str]) -> dict[str, int]:
        seen = version
        await gate.wait()
        return dict.fromkeys(keys, seen)

    loader: Coalescer[str, int] = Coalescer(find)
    early = asyncio.create_task(loader.load("x"))
    for _ in range(3):
        await asyncio.sleep(0)
    version = 1
    late = asyncio.create_task(loader.load("x"))
    await asyncio.sleep(0)
    gate.set()
    assert (await early, await late) == (0, 1)


async def test_a_find_that_fails_fails_its_own_keys_only() -> None:
    async def find(keys: Sequence[str]) -> dict[str, int]:
        if "bad" in keys:
            raise ConnectionError("away")
        return dict.fromkeys(keys, 1)

    loader: Coalescer[str, int] = Coalescer(find)
    with pytest.raises(ConnectionError):
        await loader.load("bad")
    assert await loader.load("good") == 1


async def commit_sums(commands: Sequence[int]) -> list[int | Exception]:
    await asyncio.sleep(0.01)
    if 13 in commands:
        raise ConnectionError("away")
    return [ValueError("negative") if command < 0 else command * 10 for command in commands]


async def test_commands_are_answered_one_by_one_and_refused_one_by_one() -> None:
    group: GroupCommit[int, int] = GroupCommit(commit_sums, limit=4)
    answers = await asyncio.gather(*(group.submit(n) for n in (1, 2, -1, 3, 4, 5)), return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [10, 20, 30, 40, 50]
    assert isinstance(answers[2], ValueError)


async def test_a_batch_that_fails_does_not_stop_the_next() -> None:
    group: GroupCommit[int, int] = GroupCommit(commit_sums)
    with pytest.raises(ConnectionError):
        await group.submit(13)
    assert await group.submit(1) == 10


async def test_a_caller_that_goes_takes_nobody_along_and_its_command_is_carried_out() -> None:
    carried: list[int] = []

    async def commit(commands: Sequence[int]) -> list[int | Exception]:
        await asyncio.sleep(0.01)
        carried.extend(commands)
        return list(commands)

    group: GroupCommit[int, int] = GroupCommit(commit)
    tasks = [group.submit(n) for n in range(4)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[2].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert (results[1], results[3]) == (1, 3)
    await group.close()
    assert sorted(carried) == [0, 1, 2, 3]
