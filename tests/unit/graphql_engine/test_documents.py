"""Parsing and validation are paid once for each text; who may introspect is judged each time."""

import pytest
from graphql import GraphQLError

from graphql_engine.documents import Documents
from graphql_engine.limits import Limits
from models.principal import MAIN_KEY, Principal
from tests.support.sample import Context, sample_schema

ANYONE = Context(Principal(), "r1")
ADMIN = Context(Principal(key=MAIN_KEY), "r2")


async def test_a_text_met_again_is_neither_parsed_nor_validated() -> None:
    schema = sample_schema()
    for name in ("Ann", "Ben", "Cid"):
        result = await schema.execute(
            "query ($name: String!) { greeting(name: $name) }", {"name": name}, context_value=ANYONE
        )
        assert result.data == {"greeting": f"Hello, {name}"}
    assert (schema.documents.parses, schema.documents.validations) == (1, 1)


async def test_an_invalid_text_is_judged_anew_and_takes_no_place() -> None:
    schema = sample_schema()
    answers = [await schema.execute("{ wrong }", context_value=ANYONE) for _ in range(2)]
    assert [len(answer.errors or ()) for answer in answers] == [1, 1]
    assert len(schema.documents) == 0


def test_the_least_used_text_leaves_first() -> None:
    documents = Documents(sample_schema()._schema, Limits(), size=2)
    for text in ("{ a: greeting }", "{ b: greeting }"):
        assert documents.validate(documents.parse(text), hide_suggestions=True) == []
    assert documents.find("{ a: greeting }") is not None
    assert documents.validate(documents.parse("{ c: greeting }"), hide_suggestions=True) == []
    assert documents.find("{ b: greeting }") is None
    assert documents.find("{ a: greeting }") is not None
    assert len(documents) == 2


def test_a_bulky_text_is_served_and_not_kept() -> None:
    documents = Documents(sample_schema()._schema, Limits(), longest=100)
    padded = "{ greeting }" + " " * 100
    assert documents.validate(documents.parse(padded), hide_suggestions=True) == []
    assert documents.find(padded) is None


async def test_what_an_admin_may_introspect_stays_closed_to_others_though_it_is_kept() -> None:
    schema = sample_schema()
    for document in ("{ __schema { queryType { name } } }", '{ greeting __type(name: "Thing") { name } }'):
        assert (await schema.execute(document, context_value=ADMIN)).errors is None
        assert schema.documents.find(document) is not None
        refused = await schema.execute(document, context_value=ANYONE)
        assert refused.data is None
        assert [error.extensions for error in refused.errors or ()] == [{"code": "UNAUTHENTICATED"}]


async def test_introspection_behind_fragments_is_found_and_typename_is_free() -> None:
    schema = sample_schema()
    hidden = "{ ...a } fragment a on Query { ...b } fragment b on Query { s: __schema { queryType { name } } }"
    refused = await schema.execute(hidden, context_value=ANYONE)
    assert [error.extensions for error in refused.errors or ()] == [{"code": "UNAUTHENTICATED"}]
    answer = await schema.execute("{ __typename thing { __typename } }", context_value=ANYONE)
    assert answer.data == {"__typename": "Query", "thing": {"__typename": "Thing"}}


async def test_a_mere_user_who_introspects_is_forbidden_and_open_tools_let_everyone() -> None:
    document = "{ __schema { queryType { name } } }"
    user = Context(Principal(user_id="u1"), "r3")
    refused = await sample_schema().execute(document, context_value=user)
    assert [error.extensions for error in refused.errors or ()] == [{"code": "FORBIDDEN", "reason": "NOT_ALLOWED"}]
    answer = await sample_schema(open_tools=True).execute(document, context_value=ANYONE)
    assert answer.data == {"__schema": {"queryType": {"name": "Query"}}}


MISSPELT = [
    "{ greetin }",
    '{ greeting(nam: "x") }',
    "query ($given: PaintInpu!) { painted(given: $given) }",
    '{ painted(given: {name: "x", colour: REDD}) }',
    '{ painted(given: {name: "x", coun: 1}) }',
    "{ thing { ... on Thin { name } } }",
    "subscription { countdow }",
]


@pytest.mark.parametrize("document", MISSPELT)
async def test_errors_suggest_names_to_admins_alone(document: str) -> None:
    for_anyone = await sample_schema().execute(document, context_value=ANYONE)
    for_admins = await sample_schema().execute(document, context_value=ADMIN)
    assert "Did you mean" not in str(for_anyone.errors)
    assert "Did you mean" in str(for_admins.errors)


async def test_variables_that_do_not_fit_suggest_names_to_admins_alone() -> None:
    document = "query ($given: PaintInput!) { painted(given: $given) }"
    for variables in ({"given": {"name": "x", "coun": 1}}, {"given": {"name": "x", "colour": "REDD"}}):
        for_anyone = await sample_schema().execute(document, variables, ANYONE)
        for_admins = await sample_schema().execute(document, variables, ADMIN)
        assert [error.extensions for error in for_anyone.errors or ()] == [{"code": "BAD_USER_INPUT"}]
        assert "Did you mean" not in str(for_anyone.errors)
        assert "Did you mean" in str(for_admins.errors)


async def test_one_of_several_operations_runs_only_by_its_name() -> None:
    schema = sample_schema()
    both = "query a { greeting } query b { a: greeting }"
    named = await schema.execute(both, context_value=ANYONE, operation_name="b")
    assert named.data == {"a": "Hello, you"}
    for name in (None, "c", ""):
        refused = await schema.execute(both, context_value=ANYONE, operation_name=name)
        assert [error.extensions for error in refused.errors or ()] == [{"code": "BAD_USER_INPUT"}]


def test_a_document_without_operations_names_none() -> None:
    documents = Documents(sample_schema()._schema, Limits())
    document = documents.parse("fragment f on Thing { name }")
    with pytest.raises(GraphQLError, match="Must provide an operation"):
        document.operation(None)
