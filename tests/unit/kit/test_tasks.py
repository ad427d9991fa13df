"""A task in the background ends, whatever becomes of its first cancellation."""

import asyncio

from pymongo.errors import AutoReconnect

from services.kit.tasks import end


async def test_a_loop_that_takes_a_cancellation_for_an_error_is_ended_too() -> None:
    errors: list[AutoReconnect] = []

    async def command() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise AutoReconnect("operation cancelled") from None

    async def renew() -> None:
        while not errors:
            try:
                await command()
            except AutoReconnect as fault:
                errors.append(fault)
        await asyncio.sleep(60)

    task = asyncio.create_task(renew())
    await asyncio.sleep(0)
    await asyncio.wait_for(end(task), 10)
    assert (len(errors), task.cancelled()) == (1, True)


async def test_one_that_has_ended_is_left_alone() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    await task
    await end(task)
    assert task.result() == "done"
