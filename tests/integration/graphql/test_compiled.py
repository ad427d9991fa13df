"""Compiled operations answer what graphql-core answers, a thousand times over; the unit tests do it a few times."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.graphql_engine.alike import assert_most_are_compiled, assert_operation_alike, untidy


@pytest.fixture(autouse=True)
def _leftovers() -> Iterator[None]:
    """What faulty resolvers left is collected here, not while another test runs."""
    yield
    gc.collect()


@untidy
@settings(max_examples=1_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 2**64), kind=st.sampled_from(["query", "query", "mutation"]))
async def test_a_thousand_generated_operations_with_faulty_resolvers_are_answered_alike(number: int, kind: str) -> None:
    await assert_operation_alike(number, kind)


@untidy
async def test_most_generated_operations_are_valid_compiled_and_faulty() -> None:
    """Else the test above would show little."""
    await assert_most_are_compiled(200)
