"""Every change of every room, by either door: again under its key it answers the same and changes nothing."""

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from starlette.routing import Route

from rest.routes import admin_routes, public_routes
from tests.integration.idempotency.changes import CHANGES, GRAPHQL_ALONE, Request
from tests.support.api import ADMIN, Api, unique

Prepare = Callable[[Api], Awaitable[Request]]
READS_BY_POST = {"/api/usageFollower/get-availability/[^/]+"}
KEPT_APART = ("idempotencykeys", "attempts", "leases")


async def contents(api: Api) -> dict[str, Any]:
    """Everything that stands in the database, but for the keys, the counts of the rate limit and the signs of life."""
    database = api.services.database
    names = await database.collection("any").database.list_collection_names()
    return {
        name: await database.collection(name).find({}).sort("_id", 1).to_list(None)
        for name in names
        if name not in KEPT_APART
    }


def mutation_of(change: Request) -> str:
    kind = change.mutation[0].upper() + change.mutation[1:]
    return (
        f"mutation ($input: {kind}Input!) {{ result: {change.mutation}(input: $input) "
        f"{{ __typename ... on Problem {{ code message }} ... on {kind}Payload {{ {SELECTED[change.mutation]} }} }} }}"
    )


COUPON = "coupon { id couponCode points active role createdAt updatedAt lastUsedAt }"
CODE = "accessCode { id code active expiresAt createdAt }"
ORDER = "order { id address status totalPrice refunded updatedAt products { price refundedQuantity } }"
FOLLOWER = "usageFollower { id maxTotalLimit totalUsageCount }"
SELECTED = {
    "createCoupon": COUPON,
    "redeemCoupon": "creatorPoints redeemerPoints newUser newCoupon { id couponCode createdAt }",
    "deleteCoupon": COUPON,
    "setCouponActive": COUPON,
    "setAccessCodePublic": CODE,
    "repairCounters": "report { driftCount drifts { field stored expected } }",
    "createAccessCode": CODE,
    "createAccessCodes": "accessCodes { id code active expiresAt createdAt }",
    "deactivateAccessCodeBatch": "changed",
    "activateAccessCodeBatch": "changed full expired",
    "redeemAccessCode": CODE,
    "deactivateAccessCode": CODE,
    "activateAccessCode": CODE,
    "deleteAccessCode": CODE,
    "updateOrder": ORDER,
    "refundOrder": ORDER,
    "refundOrderProduct": ORDER,
    "createUsageFollower": FOLLOWER,
    "updateUsageFollower": FOLLOWER,
    "deleteUsageFollower": FOLLOWER,
    "checkUsage": f"granted {FOLLOWER}",
    "addUsage": FOLLOWER,
    "removeUsage": FOLLOWER,
    "redeemUsage": FOLLOWER,
    "createAdminKey": "adminKey { id name role createdAt createdBy }",
    "revokeAdminKey": "adminKey { id revokedAt }",
}


@pytest.mark.parametrize(
    "prepare", [one for one in CHANGES if one not in GRAPHQL_ALONE], ids=lambda prepare: prepare.__name__
)
async def test_by_rest(own_api: Api, prepare: Prepare) -> None:
    change = await prepare(own_api)
    headers = change.headers | {"idempotency-key": unique("key")}
    before = await contents(own_api)
    first = await own_api.http.request(change.method, change.path, json=change.body, headers=headers)
    assert first.status_code in (200, 201), first.text
    after = await contents(own_api)
    assert after != before
    for _ in range(2):
        again = await own_api.http.request(change.method, change.path, json=change.body, headers=headers)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["content-type"] == first.headers["content-type"]
    assert await contents(own_api) == after
    other_body: dict[str, Any] = (
        {"json": {"color": "red"}} if change.body else {"params": {"color": "red", "productId": "x"}}
    )
    other = await own_api.http.request(change.method, change.path, headers=headers, **other_body)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await contents(own_api) == after


@pytest.mark.parametrize("prepare", CHANGES, ids=lambda prepare: prepare.__name__)
async def test_by_graphql(own_api: Api, prepare: Prepare) -> None:
    change = await prepare(own_api)
    given = change.input | {"idempotencyKey": unique("key")}
    body = {"query": mutation_of(change), "variables": {"input": given}}
    before = await contents(own_api)
    first = await own_api.http.post("/graphql", json=body, headers=change.headers)
    assert first.json()["data"]["result"]["__typename"].endswith("Payload"), first.text
    after = await contents(own_api)
    assert after != before
    for _ in range(2):
        again = await own_api.http.post("/graphql", json=body, headers=change.headers)
        assert again.content == first.content
    assert await contents(own_api) == after
    (field, value) = next((name, value) for name, value in given.items() if name != "idempotencyKey")
    another: Any = value + "x" if isinstance(value, str) else value + 1 if isinstance(value, int) else []
    body["variables"] = {"input": given | {field: another}}
    other = (await own_api.http.post("/graphql", json=body, headers=change.headers)).json()["data"]["result"]
    assert (other["__typename"], other["code"]) == ("Conflict", "IDEMPOTENCY_KEY_REUSED")
    assert await contents(own_api) == after


async def test_no_mutation_is_left_out(api: Api) -> None:
    query = """{ __type(name: "Mutation") { fields {
        name args { name type { ofType { inputFields { name type { kind } } } } }
        type { ofType { possibleTypes { name } } } } } }"""
    fields = (await api.data(query, headers=ADMIN))["__type"]["fields"]
    assert {field["name"] for field in fields} == set(SELECTED)
    assert {prepare.__name__ for prepare in CHANGES} == {re.sub("([A-Z])", r"_\1", name).lower() for name in SELECTED}
    for field in fields:
        (argument,) = field["args"]
        keys = [one for one in argument["type"]["ofType"]["inputFields"] if one["name"] == "idempotencyKey"]
        assert [one["type"]["kind"] for one in keys] == ["SCALAR"], field["name"]
        assert {"Conflict", "InvalidInput"} <= {one["name"] for one in field["type"]["ofType"]["possibleTypes"]}


def changing_paths() -> Iterator[tuple[str, str]]:
    """Each method and path of the documents that changes something."""
    for prefix, routes in (("", public_routes), ("/admin", admin_routes)):
        for route in routes:
            assert isinstance(route, Route)
            for method in {"POST", "PUT", "PATCH", "DELETE"} & (route.methods or set()):
                yield method, prefix + re.sub(r"\{\w+\}", "[^/]+", route.path)


async def test_no_changing_path_is_left_out(api: Api) -> None:
    requests = [await prepare(api) for prepare in CHANGES]
    paths = list(changing_paths())
    assert len(paths) > 10
    for method, path in paths:
        if path in READS_BY_POST:
            continue
        tried = [one for one in requests if one.method == method and re.fullmatch(path, one.path.partition("?")[0])]
        assert tried, f"{method} {path}"
