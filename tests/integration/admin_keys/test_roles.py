"""Every verb, by every transport, for every role.

A caller is judged before what was sent, so nothing sound needs to be sent: who may call is told that it is malformed,
or that there is no such thing, and everyone else that they may not.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationType,
    build_schema,
    get_named_type,
    is_leaf_type,
)

from models.principal import Role
from server.app import create_app
from tests.integration.admin_keys.support import new_key, shown
from tests.integration.graphql.conftest import served
from tests.support.api import ADMIN, Api, bearer
from tests.support.processes import ROOT
from tests.support.roles import EVERYONE, GRAPHQL, REST

SCHEMA = build_schema((ROOT / "schema.graphql").read_text())
ARGUMENTS = dict.fromkeys(("usageAvailability", "usageAvailabilityChanged"), f'(campaignId: "{"a" * 24}", userId: "u")')
"""Of fields that need one of several arguments, none of which is required."""


@pytest.fixture(scope="module")
async def callers(api: Api) -> dict[str, tuple[dict[str, str], Role | None]]:
    """Who calls, by what they show, with their roles."""
    keys = {role: (shown((await new_key(api.services, role))[0]), role) for role in Role}
    return {
        **{f"a key of {role}": of_role for role, of_role in keys.items()},
        "ADMIN_KEY": (ADMIN, Role.ADMIN),
        "a token of an admin": (bearer("grace", "admin"), Role.ADMIN),
        "nobody": ({}, None),
    }


def may(role: Role | None, needed: Role | None) -> bool:
    return needed is EVERYONE or (role is not None and role.includes(needed))


@pytest.mark.parametrize("route", REST)
async def test_a_route_lets_in_just_who_may(
    api: Api, callers: Mapping[str, tuple[dict[str, str], Role | None]], route: str
) -> None:
    method, path = route.split()
    content = b"{" if method in ("POST", "PATCH") else None
    for prefix in ("", "/api") if path.startswith("/admin") else ("",):
        for who, (headers, role) in callers.items():
            sent = {"content-type": "application/json"} | headers
            answer = await api.http.request(
                method, prefix + re.sub(r"\{\w+\}", "a" * 24, path), content=content, headers=sent
            )
            if may(role, REST[route]):
                assert answer.status_code not in (401, 403), (who, answer.text)
                assert answer.status_code < 500, (who, answer.text)
            else:
                assert answer.status_code == (401 if role is None else 403), (who, answer.text)
                assert answer.json()["code"] == ("UNAUTHENTICATED" if role is None else "FORBIDDEN"), who


async def test_a_role_that_does_not_suffice_is_refused_under_an_idempotency_key_too(api: Api) -> None:
    key, _ = await new_key(api.services, Role.SUPPORT)
    for headers in (shown(key), shown(key) | {"idempotency-key": "k"}):
        answer = await api.http.post("/admin/access-code", json={}, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (403, "NOT_ALLOWED")


def fields(schema: GraphQLSchema) -> Iterator[tuple[OperationType, str, GraphQLField]]:
    for operation in OperationType:
        root = schema.get_root_type(operation)
        for name, one in root.fields.items() if root else ():
            yield operation, name, one


def value_of(kind: GraphQLInputType) -> str:
    """Something of this type, for whom it may concern."""
    match kind:
        case GraphQLNonNull(of_type=inner):
            return value_of(inner)
        case GraphQLList(of_type=inner):
            return f"[{value_of(inner)}]"
        case GraphQLEnumType(values=values):
            return str(next(iter(values)))
        case GraphQLInputObjectType(fields=given):
            required = {name: one.type for name, one in given.items() if isinstance(one.type, GraphQLNonNull)}
            return "{" + ", ".join(f"{name}: {value_of(inner)}" for name, inner in required.items()) + "}"
    return {"Int": "1", "Boolean": "true", "DateTime": '"2026-01-01"'}.get(str(kind), f'"{"a" * 24}"')


def document(operation: OperationType, name: str, field: GraphQLField) -> str:
    required = {key: one.type for key, one in field.args.items() if isinstance(one.type, GraphQLNonNull)}
    given = ", ".join(f"{key}: {value_of(kind)}" for key, kind in required.items())
    arguments = ARGUMENTS.get(name) or (f"({given})" if given else "")
    selection = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
    return f"{operation.value} {{ {name}{arguments} {selection} }}"


FIELDS = {name: (operation, document(operation, name, field)) for operation, name, field in fields(SCHEMA)}


@pytest.mark.parametrize("name", [name for name in GRAPHQL if FIELDS[name][0] is not OperationType.SUBSCRIPTION])
async def test_a_field_lets_in_just_who_may(
    api: Api, callers: Mapping[str, tuple[dict[str, str], Role | None]], name: str
) -> None:
    for who, (headers, role) in callers.items():
        judge(await api.graphql(FIELDS[name][1], headers=headers), who, name, role)


@pytest.fixture(scope="module")
async def address(api: Api) -> AsyncIterator[str]:
    """An application over a socket, because a subscription does not end."""
    async with served(create_app(api.settings), lifespan="on") as host:
        yield host


@pytest.mark.parametrize("name", [name for name in GRAPHQL if FIELDS[name][0] is OperationType.SUBSCRIPTION])
async def test_a_subscription_lets_in_just_who_may(
    address: str, callers: Mapping[str, tuple[dict[str, str], Role | None]], name: str
) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://{address}", timeout=10) as client:
        for who, (headers, role) in callers.items():
            sent = {"accept": "text/event-stream"} | headers
            judge(await first_of(client, FIELDS[name][1], sent), who, name, role)


async def first_of(client: httpx.AsyncClient, query: str, headers: dict[str, str]) -> dict[str, Any]:
    """The first result of a subscription; nothing where it lets in and has nothing to tell."""
    async with client.stream("POST", "/graphql", json={"query": query}, headers=headers) as answer:
        try:
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    found: dict[str, Any] = httpx.Response(200, text=line.removeprefix("data: ")).json()
                    return found
        except httpx.ReadTimeout:
            pass
    return {}


def judge(body: Mapping[str, Any], who: str, name: str, role: Role | None) -> None:
    codes = {error["extensions"]["code"] for error in body.get("errors", ())}
    if may(role, GRAPHQL[name]):
        assert not codes & {"FORBIDDEN", "UNAUTHENTICATED", "GRAPHQL_VALIDATION_FAILED"}, (who, body)
    else:
        assert codes == {"UNAUTHENTICATED" if role is None else "FORBIDDEN"}, (who, body)
