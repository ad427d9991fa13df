"""graphql-transport-ws, spoken message by message."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PROTOCOL = "graphql-transport-ws"


class Talk:
    """A connection on which JSON messages are sent and awaited."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, message: object) -> None:
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        raw = await asyncio.wait_for(self.connection.recv(), 5)
        assert isinstance(raw, str), "graphql-transport-ws speaks in text frames"
        message: dict[str, Any] = json.loads(raw)
        return message

    async def begin(self, **payload: str) -> None:
        await self.say({"type": "connection_init", "payload": payload})
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, identifier: str, query: str, **more: Any) -> None:
        await self.say({"id": identifier, "type": "subscribe", "payload": {"query": query, **more}})

    async def ask(self, query: str) -> dict[str, Any]:
        """The one message that answers an operation."""
        await self.subscribe("ask", query)
        answer = await self.hear()
        if answer["type"] == "next":
            assert await self.hear() == {"id": "ask", "type": "complete"}
        return answer

    async def close_code(self) -> int:
        """The code that the server closes with, once it does."""
        with suppress(ConnectionClosed):
            while True:
                await asyncio.wait_for(self.connection.recv(), 5)
        assert self.connection.close_code is not None
        return self.connection.close_code


@asynccontextmanager
async def talk(address: str, **options: Any) -> AsyncIterator[Talk]:
    given = {"subprotocols": [PROTOCOL], "proxy": None} | options
    async with connect(f"ws://{address}/graphql", **given) as connection:
        yield Talk(connection)
