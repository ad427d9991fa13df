"""What a WebSocket leaves in the log: its life, and its operations under ids of their own."""

import logging

import pytest

from tests.support.eventually import eventually
from tests.support.talk import talk


async def test_a_websocket_is_told_of_from_its_begin_to_its_end(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tessera.access")
    async with talk(address) as one:
        await one.begin()
        await one.ask("query Greet { greeting }")
        await one.ask("{ nothing }")
    await eventually(lambda: caplog.messages.count("websocket closed") == 1, within=10)
    opened, greeted, refused, closed = map(vars, caplog.records)
    assert [record["message"] for record in (opened, greeted, refused, closed)] == [
        "websocket opened", "operation", "operation", "websocket closed",
    ]  # fmt: skip
    assert opened["client"] == "127.0.0.1"
    assert (greeted["request_id"], greeted["operation"]) == (f"{opened['request_id']}.1", "Greet")
    assert "code" not in greeted
    assert (refused["request_id"], refused["code"]) == (f"{opened['request_id']}.2", "GRAPHQL_VALIDATION_FAILED")
    assert (closed["request_id"], closed["code"]) == (opened["request_id"], 1000)
    assert closed["milliseconds"] >= greeted["milliseconds"]
