"""What a key means: whose it is, how long it holds, and what it does not keep."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models.orders.commands import FindOrders
from models.orders.order import Order
from models.principal import SYSTEM
from services.kit.rate_limit import REMEMBERED_SECONDS
from services.registry import utc_now
from tests.support.api import ADMIN, Api, bearer, running_api, settings_for, unique
from tests.support.orders import CARD_NUMBER, events_of, make_order
from tests.support.workers import workers

REFUND_UNITS = """mutation ($input: RefundOrderProductInput!) { result: refundOrderProduct(input: $input) {
    ... on Problem { __typename code message } ... on InvalidInput { fields { path } }
    ... on RefundOrderProductPayload { order { products { refundedQuantity } } } } }"""


def refund_path(order: Order, quantity: int = 1) -> str:
    return f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity={quantity}"


async def refund(api: Api, order: Order, key: str, quantity: int = 1, **headers: str) -> Any:
    caller = bearer(order.user_id) | {"idempotency-key": key} | headers
    return await api.http.post(refund_path(order, quantity), headers=caller)


async def refunded_units(api: Api, order: Order) -> int:
    found = await api.services.orders.find_by_user(SYSTEM, FindOrders(order.user_id))
    return sum(line.refunded_quantity for one in found for line in one.products)


async def test_a_refusal_is_kept_too(api: Api) -> None:
    order = await make_order(api.services)
    refused = await refund(api, order, "k", 9)
    assert refused.status_code == 409
    await api.http.patch(
        f"/api/order/{order.id}", json={"products": [{"productId": "p1", "quantity": 99, "price": 1}]}, headers=ADMIN
    )
    again = await refund(api, order, "k", 9)
    assert (again.status_code, again.content) == (409, refused.content)
    assert (await refund(api, order, "another", 9)).status_code == 200


async def test_a_refusal_is_kept_with_all_it_knows_by_graphql(api: Api) -> None:
    order = await make_order(api.services)
    for given in ({"quantity": 0}, {"quantity": 9}, {"quantity": 1, "productId": "p9"}):
        variables = {"input": {"id": order.id, "productId": "p1", "idempotencyKey": unique("k"), **given}}
        first = await api.data(REFUND_UNITS, variables, bearer(order.user_id))
        assert first["result"]["code"] in ("QUANTITY_NOT_POSITIVE", "NOT_ENOUGH_QUANTITY", "PRODUCT_NOT_FOUND")
        assert await api.data(REFUND_UNITS, variables, bearer(order.user_id)) == first


async def test_a_key_is_its_callers_own(api: Api) -> None:
    order = await make_order(api.services)
    key = unique("key")
    assert (await refund(api, order, key)).status_code == 200
    by_admin = await api.http.post(refund_path(order), headers=ADMIN | {"idempotency-key": key})
    by_stranger = await api.http.post(refund_path(order), headers=bearer(unique()) | {"idempotency-key": key})
    assert (by_admin.status_code, by_stranger.status_code) == (200, 403)
    assert await refunded_units(api, order) == 2


async def test_the_anonymous_are_told_by_their_address(api: Api) -> None:
    body = {"twitterId": unique("t"), "username": unique("name"), "followers": 1500}
    key = {"idempotency-key": unique("key")}
    first = await api.http.post("/api/coupon", json=body, headers=key)
    signed_in = await api.http.post("/api/coupon", json=body, headers=key | bearer(unique()))
    assert signed_in.content == first.content, "public paths ignore tokens, so this is the same caller"


async def test_a_key_stands_for_one_request_by_whichever_door(api: Api) -> None:
    order = await make_order(api.services)
    key = unique("key")
    assert (await refund(api, order, key)).status_code == 200
    given = {"id": order.id, "productId": "p1", "quantity": 1, "idempotencyKey": key}
    data = await api.data(REFUND_UNITS, {"input": given}, bearer(order.user_id))
    assert data["result"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert await refunded_units(api, order) == 1


async def test_the_documented_get_refunds_take_no_key(api: Api) -> None:
    order = await make_order(api.services)
    headers = bearer(order.user_id) | {"idempotency-key": unique("key")}
    for units in (1, 2, 3):
        answer = await api.http.get(refund_path(order), headers=headers)
        assert answer.json()["products"][0]["refundedQuantity"] == units


async def test_many_at_once_under_one_key_change_once(api: Api) -> None:
    order = await make_order(api.services)
    answers = await asyncio.gather(*(refund(api, order, "once") for _ in range(20)))
    done = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.content for answer in done}) == 1
    for answer in answers:
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_KEY_IN_USE")
            assert answer.headers["retry-after"] == "1"
    assert await refunded_units(api, order) == 1
    assert len(await events_of(api.services, order.id)) == 5


async def test_after_a_day_a_key_is_new_even_before_it_is_swept(own_api: Api) -> None:
    order = await make_order(own_api.services)
    rows = own_api.services.database.idempotency_keys
    assert (await refund(own_api, order, "k")).status_code == 200
    (row,) = await rows.find({}).to_list(None)
    left = row["expiresAt"] - utc_now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    assert (await refund(own_api, order, "k", 2)).status_code == 422
    await rows.update_one({}, {"$set": {"expiresAt": utc_now()}})
    assert (await refund(own_api, order, "k", 2)).json()["products"][0]["refundedQuantity"] == 3
    index = (await rows.index_information())["expiresAt"]
    assert index["expireAfterSeconds"] == 60


@pytest.mark.parametrize("key", ["", "   ", "k" * 256, "schlüssel", "a\tb"])
async def test_a_bad_key_is_refused_and_nothing_changed(api: Api, key: str) -> None:
    order = await make_order(api.services)
    headers: Any = [*bearer(order.user_id).items(), ("idempotency-key", key.encode("latin-1"))]
    answer = await api.http.post(refund_path(order), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_USER_INPUT")
    assert answer.json()["errors"][0].startswith("Idempotency-Key must")
    given = {"id": order.id, "productId": "p1", "quantity": 1, "idempotencyKey": key}
    data = await api.data(REFUND_UNITS, {"input": given}, bearer(order.user_id))
    assert data["result"]["code"] == "BAD_USER_INPUT"
    assert data["result"]["fields"] == [{"path": "idempotencyKey"}]
    assert await refunded_units(api, order) == 0


async def test_a_key_given_twice_is_refused(api: Api) -> None:
    order = await make_order(api.services)
    headers: Any = [*bearer(order.user_id).items(), ("idempotency-key", "a"), ("idempotency-key", "a")]
    assert (await api.http.post(refund_path(order), headers=headers)).status_code == 400
    assert await refunded_units(api, order) == 0


async def test_who_may_not_call_leaves_no_key_behind(own_api: Api) -> None:
    order = await make_order(own_api.services)
    key = {"idempotency-key": "k"}
    assert (await own_api.http.post(refund_path(order), headers=key)).status_code == 401
    assert (await own_api.http.post("/admin/access-code", json={}, headers=key)).status_code == 401
    assert (await own_api.http.delete("/admin/nowhere", headers=key | bearer("u"))).status_code == 403
    given = {"id": order.id, "productId": "p1", "quantity": 1, "idempotencyKey": "k"}
    answer = await own_api.graphql(REFUND_UNITS, {"input": given})
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await own_api.services.database.idempotency_keys.count_documents({}) == 0


async def test_each_replay_of_a_public_change_counts_against_the_rate_limit(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="4/15minutes")) as api:
        body = {"twitterId": "1", "username": "1", "followers": 1500}
        mutation = """mutation ($input: CreateCouponInput!) { result: createCoupon(input: $input) {
            ... on CreateCouponPayload { coupon { couponCode } } ... on Problem { code } } }"""
        headers = {"idempotency-key": "k"}
        first = [await api.http.post("/api/coupon", json=body, headers=headers) for _ in range(2)]
        assert [answer.headers["ratelimit-remaining"] for answer in first] == ["3", "2"]
        assert first[0].content == first[1].content
        variables = {"input": body | {"twitterId": "2", "idempotencyKey": "graphql"}}
        made = [(await api.data(mutation, variables))["result"] for _ in range(3)]
        assert made[0] == made[1]
        assert made[0]["coupon"]
        assert made[2]["code"] == "RATE_LIMITED"
        assert (await api.http.post("/api/coupon", json=body, headers=headers)).status_code == 429


async def test_what_failed_or_was_over_the_limit_is_not_kept(database_uri: str) -> None:
    mutation = """mutation ($input: CreateCouponInput!) { result: createCoupon(input: $input) {
        ... on CreateCouponPayload { coupon { couponCode } } ... on Problem { code } } }"""
    async with running_api(settings_for(database_uri, rate_limit="1/15minutes")) as api:
        variables = {"input": {"twitterId": "1", "username": "1", "followers": 1500, "idempotencyKey": "k"}}
        await api.http.get("/api/coupon", params={"twitterId": "nobody"})
        assert (await api.data(mutation, variables))["result"] == {"code": "RATE_LIMITED"}
        await api.services.database.rate_limits.delete_many({})
        await asyncio.sleep(REMEMBERED_SECONDS + 0.1)
        assert (await api.data(mutation, variables))["result"]["coupon"]


async def test_card_numbers_do_not_stand_in_the_rows_of_keys(own_api: Api) -> None:
    order = await make_order(own_api.services)
    for number, status in ((CARD_NUMBER, 200), (f"{CARD_NUMBER} and more", 400)):
        headers = ADMIN | {"idempotency-key": unique("key")}
        answer = await own_api.http.patch(f"/api/order/{order.id}", json={"cardNumber": number}, headers=headers)
        assert answer.status_code == status
        assert str(CARD_NUMBER)[:12] not in answer.text
    rows = await own_api.services.database.idempotency_keys.find({}).to_list(None)
    assert len(rows) == 2
    assert str(CARD_NUMBER)[:12] not in str(rows)


async def test_a_key_holds_over_workers_and_restarts(database_uri: str) -> None:
    async with running_api(settings_for(database_uri)) as api:
        order = await make_order(api.services)
        headers = bearer(order.user_id) | {"idempotency-key": "over-all"}
        graphql = {
            "query": REFUND_UNITS,
            "variables": {"input": {"id": order.id, "productId": "p1", "quantity": 1, "idempotencyKey": "graphql"}},
        }
        async with workers(database_uri, 2) as (one, two):
            first = await one.http.post(refund_path(order), headers=headers)
            by_graphql = await two.http.post("/graphql", json=graphql, headers=bearer(order.user_id))
            assert (await two.http.post(refund_path(order), headers=headers)).content == first.content
            one.kill()
            await one.start()
            assert (await one.http.post(refund_path(order), headers=headers)).content == first.content
            again = await one.http.post("/graphql", json=graphql, headers=bearer(order.user_id))
            assert again.content == by_graphql.content
        assert await refunded_units(api, order) == 2
