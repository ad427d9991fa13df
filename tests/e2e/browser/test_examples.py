"""The saved operations against the schema that is served."""

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate

from server.graphiql.examples import START, Example, examples
from server.graphql.schema import print_sdl
from tests.support.api import ADMIN, Api


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(print_sdl())


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_an_example_asks_for_what_the_schema_has(example: Example, schema: GraphQLSchema) -> None:
    document = parse(example.text)
    assert validate(schema, document) == []
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None, "the name is the title of its tab"


def test_the_first_tab_asks_for_what_the_schema_has(schema: GraphQLSchema) -> None:
    assert validate(schema, parse(START.read_text())) == []


def test_every_example_has_a_title_of_its_own() -> None:
    titles = [(example.group, example.title) for example in examples()]
    assert all(title and not title.startswith("{") for _, title in titles)
    assert len(set(titles)) == len(titles)


ANSWERED_ONCE = [example for example in examples() if "\nsubscription " not in example.text]


@pytest.mark.parametrize("example", ANSWERED_ONCE, ids=lambda example: example.title)
async def test_a_query_or_mutation_may_find_nothing_but_sends_nothing_malformed(example: Example, api: Api) -> None:
    body = await api.graphql(example.text, headers=ADMIN)
    assert "errors" not in body, body
    assert "BAD_USER_INPUT" not in str(body)
