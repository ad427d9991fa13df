"""A request as REST and GraphQL read it, where Starlette's way takes longer than a look-up can afford."""

from starlette.requests import ClientDisconnect, Request
from typing_extensions import override


class WholeRequest(Request):
    """A request whose body is wanted whole or not at all: it comes in one message, and Starlette streams it."""

    @override
    async def body(self) -> bytes:
        """Returns the body, however often it is asked for. Raises `ClientDisconnect`."""
        if not hasattr(self, "_body"):
            pieces, has_more = list[bytes](), True
            while has_more:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect()
                pieces.append(message.get("body", b""))
                has_more = message.get("more_body", False)
            self._body = b"".join(pieces)
        return self._body
