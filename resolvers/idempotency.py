"""`idempotencyKey` in GraphQL: every mutation under a key has one result, whatever is selected of it."""

from typing import Any

from strawberry.extensions import FieldExtension
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.union import StrawberryUnion
from strawberry.types.unset import UNSET
from typing_extensions import override

from models.errors import DomainError, RateLimited
from models.idempotency import fingerprint, read_key
from resolvers.context import KEY, Info, as_mapping, counted
from schema.problems import RateLimited as RateLimitedProblem
from services.kit.idempotency import REPLAY


class OncePerKey(FieldExtension):
    """Gives a mutation that comes again under its key the first result, refusals included.

    A mutation that is open to everyone, as its result with `RateLimited` says, is counted each time; the others know
    who is calling before a key is looked at.
    """

    def __init__(self) -> None:
        self._is_open = False

    @override
    def apply(self, field: StrawberryField) -> None:
        self._is_open = isinstance(field.type, StrawberryUnion) and RateLimitedProblem in field.type.types

    @override
    async def resolve_async(self, next_: Any, source: Any, info: Info, **arguments: Any) -> Any:
        given = arguments["input"]
        if given.idempotency_key is None or given.idempotency_key is UNSET:
            return await next_(source, info, **arguments)
        if not self._is_open:
            info.context.caller().require_signed_in()
            return await self._once(next_, source, info, arguments)
        with counted(await info.context.permit()):
            return await self._once(next_, source, info, arguments)

    async def _once(self, next_: Any, source: Any, info: Info, arguments: dict[str, Any]) -> Any:
        given, context = arguments["input"], info.context
        key = read_key(KEY, given.idempotency_key)

        async def run() -> Any:
            try:
                return await next_(source, info, **arguments)
            except DomainError as refusal:
                return refusal

        operation = fingerprint(f"mutation {info.field_name}", as_mapping(given))
        answer = await context.services.idempotency.once(context.caller(), key, operation, run, keep=_keep)
        if isinstance(answer, DomainError):
            raise answer
        return answer


def _keep(answer: Any) -> Any:
    if not isinstance(answer, DomainError):
        return REPLAY
    return None if isinstance(answer, RateLimited) or answer.status >= 500 else answer


def once_per_key(mutation: type) -> None:
    """Let every field of the root type of mutations take a key, and say of its input what the input's type says."""
    definition = get_object_definition(mutation, strict=True)
    for field in definition.fields:
        field.extensions.append(OncePerKey())
        for argument in field.arguments:
            argument.description = get_object_definition(argument.type, strict=True).description
