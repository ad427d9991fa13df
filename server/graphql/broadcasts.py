"""Subscriptions that tell everyone the same: run once for all who ask the same, and written once for all of them.

Of thousands who watch one campaign each needs but a frame with an id of its own; to run the operation for each of them
would take a worker seconds.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from contextvars import Context
from copy import copy
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from models.principal import Principal, Transport
from resolvers.context import permitted
from server.graphql.engine import RequestContext, TesseraEngine
from services.kit.rate_limit import RateLimitPermit

SHARED = frozenset({"publicAvailabilityChanged"})
"""The root fields whose results do not depend on who asks; each judges and counts the one who does by `permit`."""

Key: TypeAlias = tuple[str, str | None, str]
"""A document, the name of its operation, and its variables."""


@dataclass(slots=True)
class Broadcast:
    """One operation that runs for all who listen. `payload` is what it told last, as JSON."""

    context: RequestContext
    listeners: int = 0
    payload: str = ""
    told: int = 0
    """How often it has told something."""
    refusal: list[GraphQLError] | None = None
    """Why nothing ran."""
    has_ended: bool = False
    task: asyncio.Task[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, result: ExecutionResult) -> None:
        """Wakes all who listen with a result."""
        shown: dict[str, object] = {"data": result.data}
        if result.errors:
            shown["errors"] = [error.formatted for error in result.errors]
        self.payload, self.told = orjson.dumps(shown).decode(), self.told + 1
        self._wake()

    def end(self, refusal: list[GraphQLError] | None = None) -> None:
        """Wakes all who listen: no more is told."""
        self.refusal, self.has_ended = refusal, True
        self._wake()

    async def after(self, told: int) -> bool:
        """Waits for what comes after so many results; returns whether anything does."""
        while self.told == told and not self.has_ended:
            await self._news.wait()
        return self.told > told

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Broadcasts:
    """The broadcasts of one process, each for as long as anyone listens."""

    def __init__(self, engine: TesseraEngine) -> None:
        self._engine = engine
        self._running: dict[Key, Broadcast] = {}

    def key_of(
        self, text: str, name: str | None, variables: Mapping[str, object] | None, context: RequestContext
    ) -> Key | None:
        """Returns what an operation has in common with all that are the same; None where it is for one alone."""
        if not any(shared in text for shared in SHARED):
            return None
        if self._engine.followed(text, name, context) not in SHARED:
            return None
        return text, name, orjson.dumps(variables or {}, option=orjson.OPT_SORT_KEYS).decode()

    async def join(self, key: Key, context: RequestContext) -> Broadcast:
        """Listens to what this operation tells, which begins with the first who does and ends after the last: until
        `leave`. No context manager, which would cost each listener as much as the rest of its waiting.

        Raises the refusal of a caller who is turned down, and `RateLimited`: each who joins is counted once.
        """
        permit = await context.permit()
        broadcast = self._running.get(key)
        if broadcast is None or broadcast.has_ended:
            broadcast = self._running[key] = Broadcast(_for_all(context))
            broadcast.task = asyncio.create_task(self._run(key, broadcast, permit), context=Context())
        broadcast.listeners += 1
        self._engine.metrics.subscriptions.inc()
        return broadcast

    def leave(self, key: Key, broadcast: Broadcast) -> None:
        """Ends what `join` began."""
        self._engine.metrics.subscriptions.dec()
        broadcast.listeners -= 1
        if not broadcast.listeners:
            if self._running.get(key) is broadcast:
                del self._running[key]
            assert broadcast.task is not None
            broadcast.task.cancel()

    async def _run(self, key: Key, broadcast: Broadcast, permit: RateLimitPermit) -> None:
        text, name, variables = key
        refusal: list[GraphQLError] | None = None
        # Those who listen are counted, and not the run that they share.
        self._engine.metrics.subscriptions.dec()
        try:
            # What the first is let in by: everyone who joins is counted by their own.
            with permitted(permit):
                stream = await self._engine.stream(text, orjson.loads(variables), broadcast.context, None, name)
                async with aclosing(stream) as results:
                    async for result in results:
                        if isinstance(result, PreExecutionError):
                            refusal = result.errors
                            break
                        broadcast.tell(result)
        finally:
            self._engine.metrics.subscriptions.inc()
            broadcast.end(refusal)


def _for_all(context: RequestContext) -> RequestContext:
    """The context of nobody in particular, who need not be counted again."""
    shared = copy(context)
    shared.principal = Principal(transport=Transport.GRAPHQL, request_id=context.principal.request_id)
    shared.response_headers = {}
    shared.leaving = None
    return shared
