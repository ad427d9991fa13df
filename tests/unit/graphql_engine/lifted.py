"""Documents whose literals may be lifted, run with and without that."""

import json
from collections.abc import Callable, Coroutine
from itertools import product
from typing import Any, TypeAlias

from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphql_engine.documents import Documents
from graphql_engine.engine import Engine
from graphql_engine.limits import Limits
from models.principal import Principal
from tests.support.sample import Context, sample_schema

ANYONE = Context(Principal(), "r1")


def plain_schema() -> Engine:
    """A schema that keeps no document, so every text is parsed and run as it is."""
    schema = sample_schema()
    schema.documents = Documents(schema._schema, Limits(), longest=0)
    return schema


LIFTING, PLAIN = sample_schema(), plain_schema()


async def answer(schema: Engine, text: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    result = await schema.execute(text, variables, ANYONE)
    errors = [dict(error.formatted) for error in result.errors or ()]
    return {"data": result.data, "errors": errors}


# Each has two places for literals; what stands in them may fit, or not.
TEMPLATES = [
    "{{ echo(text: {0}, number: {1}) }}",
    "{{ echo(ratio: {0}) again: echo(ratio: {1}) }}",
    "{{ echo(id: {0}, ids: [{1}, 5]) }}",
    "{{ echo(ids: {0}) other: echo(many: {{name: {1}}}) }}",
    '{{ echo(many: [{{name: {0}, count: {1}}}, {{name: "b"}}]) }}',
    "{{ echo(text: {0}) echo(text: {1}) }}",
    "{{ a: echo(text: {0}) forbidden\n b: echo(number: {1}) malformed }}",
    '{{ echo(text: {0}) # a comment with "quotes" and 5\n echo2: echo(number: {1}) forbidden }}',
    "query ($n: Int = {1}) {{ echo(text: {0}, number: $n) forbidden }}",
    "query ($__0: Int) {{ echo(text: {0}, number: $__0) b: echo(number: {1}) }}",
    "{{ ...f }} fragment f on Query {{ echo(text: {0}, number: {1}) broken }}",
    "query a {{ echo(text: {0}) }} query b {{ echo(number: {1}) }}",
    "mutation {{ paint(given: {{name: {0}}}) b: paint(given: {{name: {1}}}) }}",
    "{{ echo(text: {0}) @skip(if: {1}) }}",
    "{{ painted(given: {{name: {0}, colour: {1}}}) }}",
    "{{ echo(text: {0}, number: {1}, nothing: 5) }}",
    "query ($n: Int!) {{ echo(text: {0}) b: echo(number: $n) c: echo(number: {1}) }}",
    "{{ echo(text: {0}{1}) }}",
    "{{ echo(text: {0} number: {1}x) }}",
]
STRINGS = st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=False))
NUMBERS = st.one_of(
    st.integers(-20, 20).map(str),
    st.integers(-(2**80), 2**80).map(str),
    st.floats().map(str),
    st.sampled_from(
        ["-0", "01", "1e400", "1E5", "-1.5e-3", "2147483647", "2147483648", "9" * 5000, "0x1F", "1.", ".5", "--1"]
    ),
)
ODD = st.sampled_from(
    [
        "null",
        "true",
        "RED",
        "[]",
        "{}",
        '""',
        '"""block"""',
        '""""""',
        r'"\u0041\n"',
        r'"\uD800"',
        '"open',
        "$n",
        "",
        "# gone",
        '"a""b"',
        "[1, 2]",
        '"\t"',
        '"\x7f\u2028' + '"',
    ]
)
KINDS = ('"warm"', "1", "1.5")
LITERALS = st.one_of(STRINGS, NUMBERS, ODD)


async def keep_every_shape() -> None:
    """So that what comes meets a kept document wherever there can be one."""
    if len(LIFTING.documents) == 0:
        for template, first, second in product(TEMPLATES, KINDS, KINDS):
            await LIFTING.execute(template.format(first, second), {"n": 1}, ANYONE)


VARIABLES = st.sampled_from([None, {"n": 3}, {"n": "x"}, {"__0": 5}])


Test: TypeAlias = Callable[[str, str, str, dict[str, Any] | None], Coroutine[Any, Any, None]]


def any_literals(number: int) -> Callable[[Test], Callable[..., None]]:
    """Has a test try so many templates with literals in their two places, and variables."""

    def tried(test: Test) -> Callable[..., None]:
        test = example(TEMPLATES[5], '"a"', '"b"', None)(test)
        test = example(TEMPLATES[5], '"a"', '"a"', None)(test)
        test = example(TEMPLATES[6], '"a longer text than before"', "13", None)(test)
        test = example(TEMPLATES[2], "-0", "1", None)(test)
        drawn = given(st.sampled_from(TEMPLATES), LITERALS, LITERALS, VARIABLES)(test)
        return settings(max_examples=number, deadline=None)(drawn)

    return tried


async def assert_lifted_alike(template: str, first: str, second: str, variables: dict[str, Any] | None) -> None:
    text = template.format(first, second)
    await keep_every_shape()
    lifted = await answer(LIFTING, text, variables)
    assert _without_ids(lifted) == _without_ids(await answer(PLAIN, text, variables))


def _without_ids(found: dict[str, Any]) -> dict[str, Any]:
    for error in found["errors"]:
        error.get("extensions", {}).pop("requestId", None)
    return found
