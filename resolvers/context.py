"""What every resolver gets: the verbs, and who is calling."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import strawberry
from strawberry.types.base import has_object_definition
from strawberry.types.unset import UNSET

from models.errors import InvalidToken
from models.inputs import DataclassLike, parse
from models.principal import Principal
from resolvers.links import RequestLinks
from services.kit.rate_limit import PendingPermit, PermitToRead, RateLimitExceeded, RateLimitPermit
from services.registry import Services

Found = TypeVar("Found")
Command = TypeVar("Command", bound=DataclassLike)

_counted: ContextVar[RateLimitPermit | None] = ContextVar("counted", default=None)


@contextmanager
def counted(permit: RateLimitPermit) -> Iterator[None]:
    """The field within has been counted already, with this permit."""
    token = _counted.set(permit)
    try:
        yield
    finally:
        _counted.reset(token)


@dataclass(slots=True)
class Context:
    """One request, or one WebSocket connection. `response_headers` go out with the answer over HTTP."""

    services: Services
    principal: Principal
    request_id: str = ""
    connection_params: dict[str, Any] | None = None
    response_headers: dict[str, str] = field(default_factory=dict)

    @property
    def links(self) -> RequestLinks:
        """What the fields between nouns ask."""
        return RequestLinks(self)

    def caller(self) -> Principal:
        """Who is calling. An invalid token is refused on open fields too (403)."""
        if isinstance(self.principal.refusal, InvalidToken):
            raise self.principal.refusal
        return self.principal

    def admin(self) -> Principal:
        """Who is calling, an admin for certain: judged before what was sent is read."""
        caller = self.caller()
        caller.require_admin()
        return caller

    async def permit(self) -> RateLimitPermit:
        """Count one public operation; every aliased field calls this for itself. Raises `RateLimited`."""
        if (already := _counted.get()) is not None:
            return already
        with self._telling_refusal():
            return await self._counted(self.services.rate_limit.hit(self.caller()))

    async def read(self, find: Callable[[PermitToRead], Awaitable[Found]]) -> Found:
        """What a public query finds, a hit that is counted while it looks. Raises `RateLimited` in its place."""
        with self._telling_refusal():
            pending = self.services.rate_limit.hit(self.caller())
            try:
                found = await find(pending)
            except Exception:
                await self._counted(pending)
                raise
            await self._counted(pending)
            return found

    async def _counted(self, pending: PendingPermit) -> RateLimitPermit:
        permit = await pending
        self.response_headers.update(permit.stats.headers)
        return permit

    @contextmanager
    def _telling_refusal(self) -> Iterator[None]:
        try:
            yield
        except RateLimitExceeded as refused:
            self.response_headers.update(refused.headers)
            raise


KEY = "idempotencyKey"
"""The field of every mutation's input that no verb takes."""

Info: TypeAlias = strawberry.Info[Context, None]


def as_mapping(given: Any) -> Mapping[str, Any]:
    """A GraphQL input with the names of the documents, as verbs take it; but what was not given and the key."""
    if given is None or given is UNSET:
        return {}
    fields = type(given).__strawberry_definition__.fields
    values = ((f.graphql_name or _camel(f.python_name), getattr(given, f.python_name)) for f in fields)
    return {name: _plain(v) for name, v in values if v is not UNSET and name != KEY}


def command_of(shape: type[Command], given: Any) -> Command:
    """A GraphQL input as the command of a verb. Raises `InvalidInput` with every fault."""
    return parse(shape, as_mapping(given))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return as_mapping(value) if has_object_definition(value) else value


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
