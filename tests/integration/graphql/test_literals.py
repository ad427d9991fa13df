"""Documents that differ only in their literals are one document: many of them; the unit tests take a few."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.graphql_engine.lifted import LITERALS, TEMPLATES, VARIABLES, assert_lifted_alike


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(TEMPLATES), LITERALS, LITERALS, VARIABLES)
@example(TEMPLATES[5], '"a"', '"b"', None)
@example(TEMPLATES[5], '"a"', '"a"', None)
@example(TEMPLATES[6], '"a longer text than before"', "13", None)
@example(TEMPLATES[2], "-0", "1", None)
async def test_an_answer_is_the_same_whether_literals_are_lifted_or_not(
    template: str, first: str, second: str, variables: dict[str, Any] | None
) -> None:
    await assert_lifted_alike(template, first, second, variables)
