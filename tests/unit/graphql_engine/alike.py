"""One operation, run compiled and by graphql-core: the same bytes, the same calls in the same order."""

import asyncio
import re
from collections.abc import Mapping
from random import Random
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode

from graphql_engine.compiled import CompiledOperations
from graphql_engine.documents import Document, Documents
from graphql_engine.execution import Execute
from graphql_engine.limits import Limits
from tests.unit.graphql_engine.faulty import Context, faulty_schema
from tests.unit.graphql_engine.writer import Writer, Written

SCHEMA = faulty_schema()
DOCUMENTS = Documents(SCHEMA._schema, Limits(tokens=100_000, depth=100, fields=100_000, aliases=10_000))
SEEDS = 2
"""Each operation runs so often, with other things going wrong."""


def parsed(text: str) -> Document | None:
    """The document, where it is valid."""
    try:
        document = DOCUMENTS.parse(text)
    except GraphQLError:
        return None
    return None if DOCUMENTS.validate(document, hide_suggestions=True) else document


def shown(result: ExecutionResult) -> bytes:
    """Everything of a result: its data in their order, its errors with what caused them; no addresses of objects."""
    errors = [(error.formatted, repr(type(error.original_error))) for error in result.errors or ()]
    return re.sub(rb" at 0x[0-9a-f]+", b"", orjson.dumps({"data": result.data, "errors": errors}, default=repr))


async def outcome(run: Execute, document: Document, written: Written, seed: Any) -> tuple[bytes, list[str]]:
    """What is answered, and what the resolvers were called with."""
    context = Context(seed)
    operation = document.operation(written.operation_name)
    result = await run(document, operation, written.variables, context, trusted=bool(Random(repr(seed)).getrandbits(1)))
    for _ in range(10):
        # What an error left behind runs on in the background; it may call resolvers, too.
        await asyncio.sleep(0)
    return shown(result), context.calls


async def assert_alike(compiled: Execute, document: Document, written: Written, seed: Any) -> bytes:
    expected = await outcome(SCHEMA.interpreter, document, written, seed)
    assert await outcome(compiled, document, written, seed) == expected
    return expected[0]


class Counted:
    """graphql-core, which counts what came to it."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
        context: Any,
        *,
        trusted: bool,
    ) -> ExecutionResult:
        self.count += 1
        return await SCHEMA.interpreter(document, operation, variables, context, trusted=trusted)


async def assert_operation_alike(number: int, kind: str) -> None:
    """A generated operation is answered alike, if it is valid."""
    written = Writer(SCHEMA._schema, Random(number)).operation(kind)
    document = parsed(written.text)
    if document is None:
        return
    compiled = CompiledOperations(SCHEMA, SCHEMA.interpreter)
    for seed in range(SEEDS):
        await assert_alike(compiled, document, written, (number, seed))


async def assert_most_are_compiled(number_of_operations: int) -> None:
    """Most generated operations are valid, compiled and faulty; else they would show little."""
    counted = Counted()
    compiled = CompiledOperations(SCHEMA, counted)
    valid = faulty = 0
    for number in range(number_of_operations):
        written = Writer(SCHEMA._schema, Random(number)).operation(("query", "query", "mutation")[number % 3])
        document = parsed(written.text)
        if document is not None:
            answer = await assert_alike(compiled, document, written, number)
            valid += 1
            faulty += not answer.endswith(b'"errors":[]}')
    assert valid > 0.8 * number_of_operations
    assert counted.count < 0.2 * valid
    assert faulty > 0.5 * valid


# Faulty resolvers leave awaitables that nobody awaits, graphql-core's as well as ours.
untidy = pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning"
)
