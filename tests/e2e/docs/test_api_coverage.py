"""`docs/api` leaves nothing out: every route and every root field of the schema has an example that is run."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from graphql import OperationDefinitionNode, OperationType, build_schema, parse
from graphql.language import FieldNode
from starlette.routing import BaseRoute, Mount, Route, compile_path

from graphql_engine.errors import GraphQLCode
from graphql_engine.limits import Limits
from models.access_codes.batches import BatchChanged
from models.errors import MEANINGS, ErrorReason
from models.inputs import field_names
from rest.routes import routes as rest_routes
from server.health import health_routes
from services.exports.families import FAMILIES
from tests.support.api import Api
from tests.support.examples import Example, curl_request, read_examples

ROOT = Path(__file__).parents[3]
EXAMPLES = [example for page in sorted((ROOT / "docs" / "api").glob("*.md")) for example in read_examples(page)]


def routes_of(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route below."""
    for route in routes:
        if isinstance(route, Mount):
            yield from routes_of(route.routes, prefix + route.path)
        elif isinstance(route, Route):
            yield from ((method, prefix + route.path) for method in (route.methods or set()) - {"HEAD"})


def requests_of(examples: Iterable[Example]) -> Iterator[tuple[str, str]]:
    """Method and path of every curl command."""
    for example in examples:
        if example.kind == "console":
            request = curl_request(example.request)
            yield request.method, urlsplit(str(request.url)).path


def test_every_documented_route_has_an_example(api: Api) -> None:
    routes = set(routes_of([*rest_routes, *health_routes]))
    # The paths of admins are served twice; one example will do.
    wanted = {(method, path) for method, path in routes if not path.startswith("/api/admin/")}
    assert len(wanted) > 30
    asked = set(requests_of(EXAMPLES))
    missing = {
        f"{method} {path}"
        for method, path in wanted
        if not any(method == m and compile_path(path)[0].match(p) for m, p in asked)
    }
    assert missing == set()


def fields_of(document: str, operation: OperationType) -> set[str]:
    """The root fields that a document asks for by operations of this kind."""
    definitions = parse(document).definitions
    operations = [d for d in definitions if isinstance(d, OperationDefinitionNode) and d.operation is operation]
    return {
        selection.name.value
        for one in operations
        for selection in one.selection_set.selections
        if isinstance(selection, FieldNode)
    }


def documents_of(example: Example) -> list[str]:
    if example.kind == "graphql":
        return [example.request]
    quoted = re.findall(r'"query": "((?:[^"\\]|\\.)*)"', example.request) if example.kind == "websocket" else []
    return [text.replace('\\"', '"') for text in quoted]


def test_every_root_field_of_the_schema_has_an_example() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    documents = [document for example in EXAMPLES for document in documents_of(example)]
    for operation in OperationType:
        root = schema.get_root_type(operation)
        wanted = set(root.fields) if root else set()
        shown = {field for document in documents for field in fields_of(document, operation)}
        assert wanted - shown == set(), operation


def test_every_code_of_an_error_is_told_of() -> None:
    text = "".join(page.read_text() for page in (ROOT / "docs" / "api").glob("*.md"))
    # That a batch was begun with other values is told by the command line alone.
    codes = {*MEANINGS, *(code.value for code in GraphQLCode)} - {BatchChanged.code}
    assert {code for code in codes if f"{code}`" not in text and f'"{code}"' not in text} == set()


def test_every_reason_of_a_refusal_is_told_of() -> None:
    text = (ROOT / "docs" / "api" / "index.md").read_text()
    assert [reason.value for reason in ErrorReason if f"| `{reason.value}` |" not in text] == []


def test_the_limits_of_a_document_are_the_limits() -> None:
    limits = Limits()
    shown = (
        f"{limits.tokens} tokens, depth {limits.depth}, {limits.fields} fields, {limits.aliases} aliases, "
        f"{limits.root_fields} root fields ({limits.root_mutations} in a mutation)"
    )
    assert shown in (ROOT / "docs" / "api" / "index.md").read_text()


def test_every_export_is_told_of_with_its_filters() -> None:
    text = (ROOT / "docs" / "api" / "exports.md").read_text()
    rows = re.findall(r"^\| `(\S+)` \|.*\|(.*)\|$", text, re.MULTILINE)
    told = {name: frozenset(re.findall("`(.+?)`", filters)) for name, filters in rows}
    assert {name: field_names(family.filter) for name, family in FAMILIES.items()} == told
