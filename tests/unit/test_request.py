"""A body is had whole, in however many pieces it comes and however often it is asked for."""

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from rest.request import WholeRequest


def request_of(*messages: Message) -> WholeRequest:
    coming = iter(messages)

    async def receive() -> Message:
        return next(coming)

    return WholeRequest({"type": "http", "method": "POST", "headers": []}, receive)


def piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_is_had_whole_and_read_once() -> None:
    whole = request_of(piece(b'{"a":', more=True), piece(b"", more=True), piece(b"1}", more=False))
    assert [await whole.body(), await whole.body()] == [b'{"a":1}', b'{"a":1}']
    assert await request_of({"type": "http.request"}).body() == b""


async def test_a_client_that_goes_in_between_has_sent_no_body() -> None:
    left = request_of(piece(b'{"a":', more=True), {"type": "http.disconnect"})
    with pytest.raises(ClientDisconnect):
        await left.body()
