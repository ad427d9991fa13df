"""How much a document may ask for. No clock is read: what is counted is the work."""

from typing import Any

import pytest
from graphql import get_introspection_query, parse
from graphql.language import Node, OperationDefinitionNode, Visitor, visit

from graphql_engine.limits import CostWalk, Limits
from models.principal import MAIN_KEY, Principal
from tests.support.sample import Context, sample_schema

ADMIN = Context(Principal(key=MAIN_KEY), "r1")


async def codes(document: str, limits: Limits | None = None) -> list[tuple[str, str]]:
    """The code and message of each error of a document."""
    result = await sample_schema(limits).execute(document, context_value=ADMIN)
    return [((error.extensions or {})["code"], error.message) for error in result.errors or ()]


def nested(levels: int) -> str:
    return "{ thing { " + "itself { " * (levels - 2) + "name" + " }" * (levels - 2) + " } }"


def spread_bomb(levels: int) -> str:
    """Fragments that each spread the next one twice: 2 to the power of `levels` fields in a few lines."""
    fragments = [
        f"fragment f{level} on Thing {{ a: itself {{ ...f{level + 1} }} b: itself {{ ...f{level + 1} }} }}"
        for level in range(levels)
    ]
    return "\n".join(["{ thing { ...f0 } }", *fragments, f"fragment f{levels} on Thing {{ name }}"])


class NodeCounter(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def enter(self, node: Node, *_: Any) -> None:
        self.count += node.kind in ("field", "fragment_spread", "inline_fragment")


@pytest.mark.parametrize("levels", [2, 8, 20, 26])
def test_each_selection_is_visited_once_however_often_its_fragment_is_spread(levels: int) -> None:
    document = parse(spread_bomb(levels))
    counter, walk = NodeCounter(), CostWalk(document)
    visit(document, counter)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    cost = walk.measure(operation.selection_set)
    assert walk.visits == counter.count
    assert cost.fields == 2 ** (levels + 1) - 1 + 2**levels
    assert cost.aliases == 2 ** (levels + 1) - 2


async def test_a_fragment_bomb_is_refused_before_validation_and_execution() -> None:
    schema = sample_schema()
    result = await schema.execute(spread_bomb(12), context_value=ADMIN)
    assert result.errors is not None
    assert [error.extensions for error in result.errors] == [{"code": "QUERY_TOO_COMPLEX"}]
    assert schema.documents.validations == 0


async def test_fragments_that_spread_themselves_are_measured_once_and_refused_by_validation() -> None:
    cyclic = "{ thing { ...a } } fragment a on Thing { itself { ...b } } fragment b on Thing { itself { ...a } }"
    found = await codes(cyclic)
    assert found[0][0] == "GRAPHQL_VALIDATION_FAILED"
    assert "itself" in found[0][1]


async def test_a_chain_of_fragments_as_long_as_the_tokens_allow_is_refused_calmly() -> None:
    chain = "{ thing { ...f0 } }" + "".join(f"fragment f{n} on Thing {{ itself {{ ...f{n + 1} }} }}" for n in range(45))
    assert (await codes(chain + "fragment f45 on Thing { name }"))[0][0] == "QUERY_TOO_COMPLEX"


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (nested(17), "levels of nesting"),
        ("{ " + " ".join(f"a{n}: greeting" for n in range(51)) + " }", "root fields"),
        ("{ thing { " + " ".join(f"a{n}: name" for n in range(51)) + " } }", "aliases"),
        ("{ " + "greeting " * 31 + "}", "root fields"),
        ("mutation { " + " ".join(f'a{n}: paint(given: {{name: "x"}})' for n in range(21)) + " }", "root fields"),
        ("{ thing { " + "name " * 500 + "} }", "tokens"),
        ("#\n" * 101 + "{ greeting }", "comments"),
        ("{ thing " * 201 + "}" * 201, "nested too deeply"),
    ],
)
async def test_a_document_over_a_limit_is_too_complex_and_says_of_what(document: str, word: str) -> None:
    roomy = Limits(tokens=10_000) if "deeply" in word else Limits()
    [(code, message)] = await codes(document, roomy)
    assert code == "QUERY_TOO_COMPLEX"
    assert word in message


@pytest.mark.parametrize(
    "document",
    [
        nested(16),
        "{ " + " ".join(f"a{n}: greeting" for n in range(30)) + " }",
        "{ thing { " + " ".join(f"a{n}: name" for n in range(50)) + " } }",
        "mutation { " + " ".join(f'a{n}: paint(given: {{name: "x"}})' for n in range(20)) + " }",
    ],
)
async def test_a_document_at_a_limit_runs(document: str) -> None:
    assert await codes(document) == []


async def test_root_fields_hidden_in_fragments_are_counted() -> None:
    hidden = "query { ...q ... on Query { ...q } } fragment q on Query { " + "greeting " * 16 + "}"
    assert (await codes(hidden))[0][0] == "QUERY_TOO_COMPLEX"


async def test_the_limits_hold_for_each_operation_of_a_document() -> None:
    both = f"query small {{ greeting }} query large {nested(17)}"
    result = await sample_schema().execute(both, context_value=ADMIN, operation_name="small")
    assert result.errors is not None
    assert result.errors[0].extensions == {"code": "QUERY_TOO_COMPLEX"}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "specified_by_url": True,
            "directive_is_repeatable": True,
            "schema_description": True,
            "input_value_deprecation": True,
            "one_of": True,
        },
    ],
)
async def test_the_standard_introspection_query_passes_every_limit(options: dict[str, bool]) -> None:
    assert await codes(get_introspection_query(**options)) == []


async def test_the_list_of_errors_is_capped() -> None:
    wrong = "{ " + " ".join(f"wrong{n}" for n in range(29)) + " }"
    assert len(await codes(wrong)) == Limits().errors
    assert len(await codes("{ greeting " + "@aa" * 10 + " }")) == Limits().errors < 10
    assert len(await codes("{ allBroken { part } }")) == Limits().field_errors
