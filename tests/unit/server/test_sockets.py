"""The frames of WebSockets that are written by hand are those of the protocol."""

import asyncio

import pytest
from websockets.frames import Frame, Opcode

from server.sockets import _frame, _Messages


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_text_frame_is_that_of_the_library(size: int) -> None:
    text = ("ä" * size).encode()[:size]
    assert _frame(text) == Frame(Opcode.TEXT, text).serialize(mask=False)


async def test_messages_come_in_order_and_are_waited_for() -> None:
    messages = _Messages()
    assert messages.empty()
    reading = asyncio.create_task(messages.get())
    await asyncio.sleep(0)
    for number in range(3):
        messages.put_nowait({"type": "websocket.receive", "text": str(number)})
    assert not messages.empty()
    heard = [await reading, await messages.get(), await messages.get()]
    assert [message["text"] for message in heard if message["type"] == "websocket.receive"] == ["0", "1", "2"]
    assert messages.empty()
