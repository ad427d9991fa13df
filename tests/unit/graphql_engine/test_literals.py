"""Documents that differ only in their literals are one document, and nobody can tell."""

from typing import Any

import pytest

from graphql_engine.literals import shape_of
from tests.support.sample import sample_schema
from tests.unit.graphql_engine.lifted import answer, any_literals, assert_lifted_alike


async def test_documents_that_differ_only_in_literals_are_validated_once() -> None:
    schema = sample_schema()
    for number in range(5):
        text = (
            f'{{ echo(text: "t{number}", number: {number}, ratio: {number}.5, id: "i{number}", ids: [{number}, "x"]) }}'
        )
        expected = repr((f"t{number}", number, number + 0.5, f"i{number}", [str(number), "x"], None))
        assert (await answer(schema, text))["data"] == {"echo": expected}
    assert (schema.documents.parses, schema.documents.validations, len(schema.documents)) == (1, 1, 1)


async def test_literals_of_inputs_in_fragments_beside_variables_are_lifted() -> None:
    schema = sample_schema()
    for name in ("Ann", "Ben"):
        text = f"""
          query ($greeted: String!) {{ greeting(name: $greeted) ...rest }}
          fragment rest on Query {{ painted(given: {{name: "{name}", count: 3, colour: GREEN}}) }}
        """
        found = await answer(schema, text, {"greeted": "you", "__0": "not this"})
        assert found["data"] == {"greeting": "Hello, you", "painted": f"3 green {name}"}
    assert schema.documents.validations == 1


@any_literals(10)
async def test_an_answer_is_the_same_whether_literals_are_lifted_or_not(
    template: str, first: str, second: str, variables: dict[str, Any] | None
) -> None:
    await assert_lifted_alike(template, first, second, variables)


async def test_errors_point_into_the_text_that_was_sent() -> None:
    schema = sample_schema()
    await answer(schema, '{ echo(text: "x") forbidden }')
    text = '{ echo(text: "a text that is' + " very" * 20 + ' long") forbidden }'
    [error] = (await answer(schema, text))["errors"]
    assert error["locations"] == [{"line": 1, "column": text.index("forbidden") + 1}]
    assert schema.documents.validations == 1


@pytest.mark.parametrize(
    "text",
    ["{ greeting }", '{ a(b: "\\n") }', '{ a(b: """x""") }', "{ a(b: 01) }", "{ a(b: 1x) }", "{ a(b: -) }", '{ a(b: "'],
)
def test_what_only_the_lexer_understands_has_no_shape(text: str) -> None:
    assert shape_of(text) is None


def test_the_kind_of_a_literal_is_part_of_the_shape() -> None:
    keys = {shape.key for literal in ("5", "5.0", '"5"') if (shape := shape_of(f"{{ a(b: {literal}) }}"))}
    assert len(keys) == 3
