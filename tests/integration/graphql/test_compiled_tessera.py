"""The schema that is served, over a real database: the whole application answers the same with and without plans."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random
from uuid import uuid4

import pytest

from server.graphql.schema import tessera_schema
from tests.support.api import ADMIN, Api, running_api, settings_for
from tests.support.uris import with_database
from tests.unit.graphql_engine.writer import Writer


@pytest.fixture(scope="module")
async def doors(mongo_uri: str) -> AsyncIterator[tuple[Api, Api]]:
    """One database behind two applications: with compiled operations and without."""
    uri = with_database(mongo_uri, f"test_{uuid4().hex[:16]}")
    async with AsyncExitStack() as stack:
        apis = [
            await stack.enter_async_context(running_api(settings_for(uri, compiled_operations=compiled)))
            for compiled in (True, False)
        ]
        for _ in range(6):
            await apis[0].coupon()
        made = "mutation { createAccessCodes(input: {count: 3, maxUses: 2, expiryDays: 3}) { __typename } }"
        await apis[0].data(made, headers=ADMIN)
        yield apis[0], apis[1]
        await apis[0].services.database.client.drop_database(apis[0].services.database.name)


async def ids(api: Api) -> dict[str, list[str]]:
    """Literals and values that find something, beside some that do not."""
    found = await api.data(
        "{ coupons { nodes { id databaseId twitterId couponCode username } } accessCodes { nodes { id code } } }",
        headers=ADMIN,
    )
    nodes = found["coupons"]["nodes"] + found["accessCodes"]["nodes"]
    known = [value for node in nodes for value in node.values()]
    return {"String": [*known, "", "unknown"], "ID": [*known, "unknown"]}


async def test_generated_queries_are_answered_with_the_same_bytes(doors: tuple[Api, Api]) -> None:
    known = await ids(doors[0])
    schema = tessera_schema()._schema
    ran = 0
    for number in range(200):
        random = Random(number)
        writer = Writer(schema, random, known=known)
        written = writer.operation("query")
        body = {"query": written.text, "variables": written.variables, "operationName": written.operation_name}
        headers = {"x-request-id": "the-same", **(ADMIN if random.random() < 0.7 else {})}
        answers = [await api.http.post("/graphql", json=body, headers=headers) for api in doors]
        assert answers[0].content == answers[1].content, written.text
        assert answers[0].status_code == answers[1].status_code
        ran += b'"data":' in answers[0].content
    assert ran > 160


async def test_refusals_of_mutations_are_the_same_union_members(doors: tuple[Api, Api]) -> None:
    text = """mutation ($input: RedeemCouponInput!) { redeemCoupon(input: $input) {
        __typename ... on Problem { code message } ... on RedeemCouponPayload { creatorPoints newCoupon { points } }
        ... on InvalidInput { fields { path message } } } }"""
    for sent in (
        {"redeemerTwitterId": "", "couponCode": " "},
        {"redeemerTwitterId": "1", "couponCode": "ABCD-EFGH"},
    ):
        answers = [await api.graphql(text, {"input": sent}) for api in doors]
        assert answers[0] == answers[1]
        assert answers[0]["data"]["redeemCoupon"]["__typename"] in ("InvalidInput", "NotFound")
