"""Every verb, by every transport, for every role: a route or a root field without its row in a table fails.

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
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    build_schema,
    get_named_type,
    is_leaf_type,
)
from starlette.routing import Route

from models.principal import Role
from rest.routes import admin_routes, public_routes
from server.app import create_app
from tests.integration.admin_keys.support import new_key, shown
from tests.integration.graphql.conftest import served
from tests.support.api import ADMIN, Api, bearer
from tests.support.processes import ROOT

EVERYONE = None
"""The row of what is open to all; a key makes no difference to it."""

REST: dict[str, Role | None] = {
    "POST /api/coupon": EVERYONE,
    "GET /api/coupon": EVERYONE,
    "POST /api/redeem": EVERYONE,
    "GET /api/access-code/validate/{code}": EVERYONE,
    "POST /api/access-code/redeem": EVERYONE,
    "GET /api/access-code/user/{username}": EVERYONE,
    "GET /api/order/find/{userId}": Role.VIEWER,
    "GET /api/order/findOrder/{orderId}": Role.VIEWER,
    "GET /api/order/refundOrder/{orderId}": Role.SUPPORT,
    "POST /api/order/refundOrder/{orderId}": Role.SUPPORT,
    "GET /api/order/refundProductFromOrder/{orderId}": Role.SUPPORT,
    "POST /api/order/refundProductFromOrder/{orderId}": Role.SUPPORT,
    "PATCH /api/order/{orderId}": Role.ADMIN,
    "POST /api/usageFollower/check-availability": Role.ADMIN,
    "POST /api/usageFollower/add-usage": Role.ADMIN,
    "POST /api/usageFollower/remove-usage": Role.SUPPORT,
    "POST /api/usageFollower/redeem-follower": Role.ADMIN,
    "POST /api/usageFollower/get-availability/{id}": Role.VIEWER,
    "POST /api/usageFollower/create-follower": Role.ADMIN,
    "PATCH /api/usageFollower/update-follower/{usageFollowerId}": Role.ADMIN,
    "DELETE /api/usageFollower/delete-follower/{usageFollowerId}": Role.ADMIN,
    "GET /admin/coupons": Role.VIEWER,
    "GET /admin/stats": Role.VIEWER,
    "DELETE /admin/coupon/{couponId}": Role.ADMIN,
    "POST /admin/access-code": Role.ADMIN,
    "GET /admin/access-codes": Role.VIEWER,
    "GET /admin/access-code-stats": Role.VIEWER,
    "GET /admin/access-code/{code}": Role.VIEWER,
    "DELETE /admin/access-code/{code}": Role.ADMIN,
    "PATCH /admin/access-code/{code}/activate": Role.SUPPORT,
    "PATCH /admin/access-code/{code}/deactivate": Role.SUPPORT,
}
GRAPHQL: dict[str, Role | None] = {
    "node": EVERYONE,
    "nodes": EVERYONE,
    "viewer": EVERYONE,
    "coupon": EVERYONE,
    "coupons": Role.VIEWER,
    "couponStats": Role.VIEWER,
    "redemptions": Role.VIEWER,
    "accessCodeValidity": EVERYONE,
    "accessCodeRedemptions": EVERYONE,
    "accessCode": Role.VIEWER,
    "accessCodes": Role.VIEWER,
    "accessCodeStats": Role.VIEWER,
    "accessCodeUses": Role.VIEWER,
    "usageFollower": Role.VIEWER,
    "usageFollowers": Role.VIEWER,
    "usageAvailability": Role.VIEWER,
    "usageMoves": Role.VIEWER,
    "order": Role.VIEWER,
    "orders": Role.VIEWER,
    "audit": Role.VIEWER,
    "adminKeys": Role.ADMIN,
    "createCoupon": EVERYONE,
    "redeemCoupon": EVERYONE,
    "deleteCoupon": Role.ADMIN,
    "setCouponActive": Role.SUPPORT,
    "createAccessCode": Role.ADMIN,
    "createAccessCodes": Role.ADMIN,
    "redeemAccessCode": EVERYONE,
    "activateAccessCode": Role.SUPPORT,
    "deactivateAccessCode": Role.SUPPORT,
    "deleteAccessCode": Role.ADMIN,
    "createUsageFollower": Role.ADMIN,
    "updateUsageFollower": Role.ADMIN,
    "deleteUsageFollower": Role.ADMIN,
    "checkUsage": Role.ADMIN,
    "addUsage": Role.ADMIN,
    "removeUsage": Role.SUPPORT,
    "redeemUsage": Role.ADMIN,
    "updateOrder": Role.ADMIN,
    "refundOrder": Role.SUPPORT,
    "refundOrderProduct": Role.SUPPORT,
    "repairCounters": Role.ADMIN,
    "createAdminKey": Role.ADMIN,
    "revokeAdminKey": Role.ADMIN,
    "usageAvailabilityChanged": Role.VIEWER,
    "orderChanged": Role.VIEWER,
}
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


def test_every_route_has_its_row() -> None:
    routes = set()
    for prefix, listed in (("/api", public_routes), ("/admin", admin_routes)):
        for route in listed:
            assert isinstance(route, Route)
            routes |= {f"{method} {prefix}{route.path}" for method in (route.methods or set()) - {"HEAD"}}
    assert routes == set(REST)


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
    return {"Int": "1", "Boolean": "true"}.get(str(kind), f'"{"a" * 24}"')


def document(operation: OperationType, name: str, field: GraphQLField) -> str:
    required = {key: one.type for key, one in field.args.items() if isinstance(one.type, GraphQLNonNull)}
    given = ", ".join(f"{key}: {value_of(kind)}" for key, kind in required.items())
    arguments = ARGUMENTS.get(name) or (f"({given})" if given else "")
    selection = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
    return f"{operation.value} {{ {name}{arguments} {selection} }}"


FIELDS = {name: (operation, document(operation, name, field)) for operation, name, field in fields(SCHEMA)}


def test_every_root_field_has_its_row() -> None:
    assert set(FIELDS) == set(GRAPHQL)
    assert isinstance(SCHEMA.mutation_type, GraphQLObjectType)


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
