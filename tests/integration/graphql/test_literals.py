"""Documents that differ only in their literals are one document: many of them; the unit tests take a few."""

from typing import Any

from tests.unit.graphql_engine.lifted import any_literals, assert_lifted_alike


@any_literals(500)
async def test_an_answer_is_the_same_whether_literals_are_lifted_or_not(
    template: str, first: str, second: str, variables: dict[str, Any] | None
) -> None:
    await assert_lifted_alike(template, first, second, variables)
