"""Compiled operations answer what graphql-core answers: the same bytes, the same calls in the same order."""

import asyncio
import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import strawberry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphql_engine.compiled import MAX_VARIANTS, CompiledOperations
from models.principal import Principal
from server.graphql.engine import TesseraEngine
from server.metrics.api import Ended
from tests.unit.graphql_engine.alike import (
    DOCUMENTS,
    SCHEMA,
    Counted,
    assert_alike,
    assert_most_are_compiled,
    assert_operation_alike,
    parsed,
    untidy,
)
from tests.unit.graphql_engine.writer import Written


@pytest.fixture(autouse=True)
def _leftovers(request: pytest.FixtureRequest) -> Iterator[None]:
    """What faulty resolvers left is collected here, not while another test runs."""
    yield
    if request.node.get_closest_marker("filterwarnings"):
        gc.collect()


@untidy
@settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 2**64), kind=st.sampled_from(["query", "query", "mutation"]))
async def test_generated_operations_with_faulty_resolvers_are_answered_alike(number: int, kind: str) -> None:
    await assert_operation_alike(number, kind)


@untidy
async def test_most_generated_operations_are_valid_compiled_and_faulty() -> None:
    await assert_most_are_compiled(20)


async def run_both(text: str, variables: dict[str, Any] | None = None, seed: Any = "seed") -> tuple[bytes, int]:
    """The answer to a document, alike both ways, and how often graphql-core was asked for it."""
    document = parsed(text)
    assert document is not None
    counted = Counted()
    answer = await assert_alike(
        CompiledOperations(SCHEMA, counted), document, Written(text, None, variables or {}), seed
    )
    return answer, counted.count


@pytest.mark.parametrize(
    "text",
    [
        "{ __schema { queryType { name } } }",
        '{ ...F } fragment F on Query { __type(name: "Thing") { name } }',
    ],
)
async def test_what_is_unknown_goes_to_graphql_core(text: str) -> None:
    answer, asked = await run_both(text)
    assert asked == 1
    assert b'"errors":[]' in answer


@pytest.mark.parametrize(
    "variables",
    [{}, {"given": None}, {"given": {"count": "1"}}, {"given": {"count": 1, "unknown": 2}}, {"given": [1]}],
)
async def test_variables_that_do_not_fit_are_refused_by_graphql_core_before_anything_ran(
    variables: dict[str, Any],
) -> None:
    answer, asked = await run_both("query ($given: Given!) { outcome(given: $given) { __typename } }", variables)
    assert asked == 1
    assert answer.startswith(b'{"data":null')
    assert b"Variable '$given'" in answer


async def test_conditions_have_a_plan_each_and_too_many_of_them_are_left_to_graphql_core() -> None:
    names = [f"v{number}" for number in range(7)]
    fields = " ".join(f"{name}: __typename @include(if: ${name})" for name in names)
    document = parsed(f"query ({', '.join(f'${name}: Boolean!' for name in names)}) {{ {fields} }}")
    assert document is not None
    counted = Counted()
    compiled = CompiledOperations(SCHEMA, counted)
    for number in range(2 ** len(names)):
        variables = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        answer = await assert_alike(compiled, document, Written("", None, variables), 1)
        assert answer.count(b"Query") == number.bit_count()
    assert counted.count == 2 ** len(names) - MAX_VARIANTS


async def test_a_condition_that_is_null_is_refused_as_graphql_core_does() -> None:
    text = "query ($if: Boolean = true) { sureThing { __typename } __typename @skip(if: $if) }"
    answer, asked = await run_both(text, {"if": None})
    assert asked == 1
    assert b"Argument 'if'" in answer


@untidy
async def test_a_condition_that_is_null_deep_inside_fails_where_it_stands() -> None:
    text = """query ($if: Boolean = true) { thing { name friend { id @skip(if: $if) } }
        things { id @include(if: $if) } named { ... on Thing { children @include(if: $if) { id } } } }"""
    for variables in ({}, {"if": None}, {"if": False}):
        answers = [(await run_both(text, variables, seed))[0] for seed in range(20)]
        assert any(b"Argument 'if'" in answer for answer in answers) == (variables == {"if": None})


@untidy
async def test_a_plan_serves_other_variables_as_well() -> None:
    text = """query ($count: Int = 1, $colour: Colour = GREEN, $ids: [ID!] = ["a"], $text: String, $given: Given) {
        things(ids: $ids, count: $count) { plain(text: "text", count: $count, colours: [RED, $colour]) }
        sureThings(colour: $colour) { strict(odd: [$text, 1]) children(first: 1) { plain(text: $text) } }
        red: sureThings(colour: RED) { name } outcomeNow(given: $given) { __typename } }"""
    document = parsed(text)
    assert document is not None
    compiled = CompiledOperations(SCHEMA, SCHEMA.interpreter)
    filled = {"count": 1, "inner": {"text": "in"}, "inners": [{"text": "ins", "colours": ["RED"]}], "limit": 5}
    cases: list[dict[str, Any]] = [
        {},
        {"count": 3, "colour": "AZURE", "ids": ["b", "c"], "text": "some", "given": filled},
        {"count": None, "colour": "RED", "ids": None, "text": None, "given": None},
        {"colour": None, "ids": "single", "given": {"count": 2, "name": None, "limit": None}},
        {"unknown": True, "text": "more", "given": {"count": 2}},
        {"count": "wrong"},
    ]
    for number, variables in enumerate(cases):
        for seed in range(5):
            await assert_alike(compiled, document, Written("", None, variables), (number, seed))


@dataclass
class Turns:
    """Two slow mutations and two slow queries note when they begin and end."""

    notes: list[str] = field(default_factory=list)
    principal: Principal = field(default_factory=Principal)
    request_id: str = ""
    refused: str | None = None
    ended: Ended | None = None


async def step(info: strawberry.Info[Turns, None], name: str) -> str:
    info.context.notes.append(f"{name} begins")
    await asyncio.sleep(0)
    info.context.notes.append(f"{name} ends")
    return name


@strawberry.type
class Query:
    step: str = strawberry.field(resolver=step)


@strawberry.type
class Mutation:
    step: str = strawberry.mutation(resolver=step)


async def test_queries_run_side_by_side_and_mutations_in_turn() -> None:
    schema = TesseraEngine(query=Query, mutation=Mutation)
    schema.run = CompiledOperations(schema, schema.interpreter)
    fields = '{ a: step(name: "a") b: step(name: "b") }'
    for kind, expected in (
        ("query", ["a begins", "b begins", "a ends", "b ends"]),
        ("mutation", ["a begins", "a ends", "b begins", "b ends"]),
    ):
        context = Turns()
        result = await schema.execute(f"{kind} {fields}", None, context)
        assert result.data == {"a": "a", "b": "b"}
        assert context.notes == expected


async def test_a_timeout_ends_a_compiled_operation() -> None:
    @strawberry.type
    class Sleepy:
        @strawberry.field
        async def sleep(self) -> str:
            await asyncio.sleep(60)
            return "never"

    schema = TesseraEngine(query=Sleepy, request_timeout=0.01)
    schema.run = CompiledOperations(schema, schema.interpreter)
    result = await schema.execute("{ sleep }", None, Turns())
    assert result.errors is not None
    assert result.errors[0].extensions == {"code": "SERVICE_UNAVAILABLE"}


async def test_a_document_that_is_forgotten_takes_its_plans_along() -> None:
    compiled = CompiledOperations(SCHEMA, SCHEMA.interpreter)
    document = DOCUMENTS.parse("{ forgotten: __typename }")
    written = Written("", None, {})
    await assert_alike(compiled, document, written, 1)
    assert len(compiled._operations) == 1
    del document
    gc.collect()
    assert len(compiled._operations) == 0
