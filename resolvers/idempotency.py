"""`idempotencyKey` in GraphQL: every mutation under a key has one result, whatever is selected of it."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from strawberry.extensions import FieldExtension
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.union import StrawberryUnion
from strawberry.types.unset import UNSET
from typing_extensions import override

from models.errors import DomainError, RateLimited
from models.idempotency import fingerprint, read_key
from models.principal import Role
from resolvers.context import KEY, Info, as_mapping, permitted
from schema.problems import RateLimited as RateLimitedProblem
from schema.relay import IdempotentInput
from services.kit.idempotency.keys import REPLAY

Resolve: TypeAlias = Callable[..., Awaitable[object]]


class IdempotentField(FieldExtension):
    """Gives a mutation that comes again under its key the stored result, refusals included.

    A mutation that is open to everyone, as its result with `RateLimited` says, is counted each time; the others know
    who is calling before a key is looked at.
    """

    def __init__(self) -> None:
        self._is_open = False

    @override
    def apply(self, field: StrawberryField) -> None:
        self._is_open = isinstance(field.type, StrawberryUnion) and RateLimitedProblem in field.type.types

    @override
    async def resolve_async(self, next_: Resolve, source: object, info: Info, **arguments: object) -> object:
        given = arguments["input"]
        assert isinstance(given, IdempotentInput)
        if given.idempotency_key is None or given.idempotency_key is UNSET:
            return await next_(source, info, **arguments)
        run = partial(next_, source, info, **arguments)
        if not self._is_open:
            info.context.signed_in(Role.VIEWER)
            return await _run_once(run, info, given)
        with permitted(await info.context.permit()):
            return await _run_once(run, info, given)


async def _run_once(run: Resolve, info: Info, given: IdempotentInput) -> object:
    context, key = info.context, read_key(KEY, given.idempotency_key or "")
    operation = fingerprint(f"mutation {info.field_name}", as_mapping(given))
    result = await context.services.idempotency.once(
        context.caller(), key, operation, partial(_result_or_refusal, run), keep=_to_store
    )
    if isinstance(result, DomainError):
        raise result
    return result


async def _result_or_refusal(run: Resolve) -> object:
    try:
        return await run()
    except DomainError as refusal:
        return refusal


def _to_store(result: object) -> object:
    """What is stored of a result: the refusal, or what its transactions did; nothing of what may go another way."""
    if not isinstance(result, DomainError):
        return REPLAY
    return None if isinstance(result, RateLimited) or result.status >= 500 else result


def make_idempotent(mutation: type) -> None:
    """Lets every field of the root type of mutations take a key, and says of its input what the input's type says."""
    definition = get_object_definition(mutation, strict=True)
    for field in definition.fields:
        field.extensions.append(IdempotentField())
        for argument in field.arguments:
            argument.description = get_object_definition(argument.type, strict=True).description
