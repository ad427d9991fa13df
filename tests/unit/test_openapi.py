"""The OpenAPI document: kept, valid, whole, and true to its own examples."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import validator_for
from openapi_spec_validator import validate
from starlette.routing import Mount, Route

from models.errors import MEANINGS
from rest.routes import routes as rest_routes
from server.health import health_routes
from server.openapi import openapi, openapi_text
from tests.support.processes import ROOT
from tests.support.roles import REST


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation by its method and path."""
    for path, item in openapi()["paths"].items():
        yield from ((f"{method.upper()} {path}", operation) for method, operation in item.items())


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each media type of every body that is sent or answered, with its place."""
    for name, operation in operations():
        for media_type, told in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} {media_type}", told
        for status, response in operation["responses"].items():
            for media_type, told in response.get("content", {}).items():
                yield f"{name} {status} {media_type}", told
    for name, response in openapi()["components"]["responses"].items():
        yield from ((f"{name} {media_type}", told) for media_type, told in response["content"].items())


def test_the_document_is_the_one_that_is_kept() -> None:
    assert openapi_text() == (ROOT / "openapi.json").read_text(), "`make schema` writes it"


def test_the_document_is_openapi() -> None:
    validate(json.loads(openapi_text()))


def test_every_route_is_told_of() -> None:
    health = {f"GET {route.path}" for route in health_routes if isinstance(route, Route)}
    assert {name for name, _ in operations()} == set(REST) | health


def test_the_paths_under_api_admin_are_those_under_admin() -> None:
    admin = {route.path: route.routes for route in rest_routes if isinstance(route, Mount)}
    assert admin["/api/admin"] == admin["/admin"]


def test_every_operation_has_an_id_of_its_own() -> None:
    ids = [operation["operationId"] for _, operation in operations()]
    assert len(ids) == len(set(ids))
    assert all(operation["summary"] and operation["tags"] for _, operation in operations())


def test_every_example_is_as_its_schema_says() -> None:
    components = openapi()["components"]
    for name, told in contents():
        validator = validator_for(told["schema"] | {"components": components})
        examples = [example["value"] for example in told.get("examples", {}).values()]
        for example in [*examples, *([told["example"]] if "example" in told else [])]:
            assert [str(error) for error in validator.iter_errors(example)] == [], name
    for name, schema in components["schemas"].items():
        validator = validator_for(schema | {"components": components})
        assert all(validator.is_valid(example) for example in schema.get("examples", [])), name


def test_every_body_has_an_example() -> None:
    schemas = openapi()["components"]["schemas"]
    without = [
        name
        for name, told in contents()
        if not {"example", "examples"} & told.keys()
        and "examples" not in schemas[told["schema"]["$ref"].rpartition("/")[2]]
    ]
    assert without == []


@pytest.mark.parametrize("name", ["GET /api/coupon", "GET /admin/stats", "POST /api/order/refundOrder/{orderId}"])
def test_what_may_be_refused_depends_on_who_may_call(name: str) -> None:
    operation = dict(operations())[name]
    statuses = set(operation["responses"])
    is_public = name == "GET /api/coupon"
    assert ("429" in statuses) == is_public
    assert ({"401", "403"} <= statuses) == (not is_public)
    assert (operation["security"] == []) == is_public
    assert ({"adminKeyInQuery": []} in operation["security"]) == name.startswith("GET /admin")


def test_every_code_that_a_path_answers_is_a_known_one() -> None:
    codes: set[str] = set()
    for response in openapi()["components"]["responses"].values():
        for told in response["content"].values():
            codes |= set(told["schema"]["allOf"][1]["properties"]["code"]["enum"])
    assert codes <= MEANINGS.keys()
    assert {"COUPON_NOT_FOUND", "USAGE_LIMIT_REACHED", "RATE_LIMITED", "IDEMPOTENCY_KEY_REUSED"} <= codes
