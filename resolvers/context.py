"""What every resolver gets: the verbs, and who is calling."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias, TypeVar

import strawberry
from strawberry.types.base import get_object_definition, has_object_definition
from strawberry.types.unset import UNSET
from strawberry.utils.str_converters import to_camel_case

from models.errors import InvalidToken, ServiceUnavailable
from models.inputs import Input, parse
from models.principal import Principal, Role
from resolvers.loaders import RequestLoaders
from services.kit.rate_limit import Permit, RateLimitExceeded, RateLimitPermit
from services.registry import Services

Found = TypeVar("Found")
Command = TypeVar("Command", bound=Input)

_permit: ContextVar[RateLimitPermit | None] = ContextVar("permit", default=None)


@contextmanager
def permitted(permit: RateLimitPermit) -> Iterator[None]:
    """Lets the field within run under this permit: it is counted already."""
    token = _permit.set(permit)
    try:
        yield
    finally:
        _permit.reset(token)


@dataclass(slots=True)
class Context:
    """One request, or one WebSocket connection. `response_headers` go out with the answer over HTTP.

    `refused` is the code of the first refusal that became a member of the result's union, `ended` what the transport
    notes of the operation.
    """

    services: Services
    principal: Principal
    connection_params: dict[str, object] | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    refused: str | None = None
    ended: Any = None
    leaving: asyncio.Event | None = None
    """Set once an event stream is to end, because its process does."""

    @property
    def request_id(self) -> str:
        """The id under which the access log and the faults of this request are found."""
        return self.principal.request_id

    @property
    def loaders(self) -> RequestLoaders:
        """What the types ask for in the caller's name."""
        return RequestLoaders(self.services, self.caller())

    def caller(self) -> Principal:
        """Returns who is calling. Raises on open fields too: `InvalidToken` (403), or 503 where nobody can say who."""
        if isinstance(self.principal.refusal, InvalidToken | ServiceUnavailable):
            raise self.principal.refusal
        return self.principal

    def admin(self, role: Role) -> Principal:
        """Returns the caller, an admin of this role for certain: judged before what was sent is read."""
        caller = self.caller()
        caller.require_role(role)
        return caller

    def signed_in(self, role: Role) -> Principal:
        """Returns the caller, a user or an admin of this role for certain: judged before what was sent is read."""
        caller = self.caller()
        caller.require_signed_in(role)
        return caller

    async def permit(self) -> RateLimitPermit:
        """Counts one public operation before anything else is done, unless it is. Raises `RateLimited`."""
        if (already := _permit.get()) is not None:
            return already
        try:
            return await self._counted(self.services.rate_limit.hit(self.caller()))
        except RateLimitExceeded as refused:
            self.response_headers.update(refused.headers)
            raise

    async def public(self, verb: Callable[[Permit], Awaitable[Found]]) -> Found:
        """Returns what a public verb does, a hit that is counted while it reads. Raises `RateLimited` instead."""
        if (already := _permit.get()) is not None:
            return await verb(already)
        try:
            pending = self.services.rate_limit.hit(self.caller())
            try:
                found = await verb(pending)
            except Exception:
                await self._counted(pending)
                raise
            await self._counted(pending)
        except RateLimitExceeded as refused:
            self.response_headers.update(refused.headers)
            raise
        return found

    async def _counted(self, pending: Permit) -> RateLimitPermit:
        permit = await pending
        self.response_headers.update(permit.stats.headers)
        return permit


KEY = "idempotencyKey"
"""The field of every mutation's input that no verb takes."""

Info: TypeAlias = strawberry.Info[Context, None]


def as_mapping(given: object) -> Mapping[str, object]:
    """Returns a GraphQL input by the names of the documents, without the key and what was not given."""
    if given is None or given is UNSET:
        return {}
    input_type: type = type(given)
    values = ((name, getattr(given, attribute)) for attribute, name in _names(input_type))
    return {name: _plain(value) for name, value in values if value is not UNSET}


def command_of(shape: type[Command], given: object) -> Command:
    """Returns a GraphQL input as the command of a verb. Raises `InvalidInput` with every fault."""
    return parse(shape, as_mapping(given))


@cache
def _names(input_type: type) -> list[tuple[str, str]]:
    """The attributes of an input type, each with its name in the documents, but the key."""
    fields = get_object_definition(input_type, strict=True).fields
    names = [(one.python_name, one.graphql_name or to_camel_case(one.python_name)) for one in fields]
    return [pair for pair in names if pair[1] != KEY]


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return as_mapping(value) if has_object_definition(value) else value
