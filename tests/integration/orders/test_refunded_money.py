"""What is refunded is what was paid: the same in the documents, by REST, in GraphQL and in the events."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from models.orders.lines import line_amounts
from models.orders.order import Order
from models.values.money import from_number
from tests.support.api import ADMIN, Api, unique
from tests.support.orders import events_of, make_order, order_payments, read_order

REFUNDS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 20)) | st.just("whole"), max_size=8)
REFUND = """mutation ($input: RefundOrderInput!) {
    refundOrder(input: $input) { __typename ... on Problem { code } } }"""
REFUND_PRODUCT = """mutation ($input: RefundOrderProductInput!) {
    refundOrderProduct(input: $input) { __typename ... on Problem { code } } }"""
SHOWN = """query ($id: ID!) { order(id: $id) { totalPrice refunded products {
    productId quantity price isRefunded refundedQuantity amount refundedAmount } } }"""


async def refund(api: Api, order: Order, step: Any, by_rest: bool) -> None:
    """Refund by either transport, whether it is granted or refused."""
    if by_rest and step == "whole":
        answer = await api.http.post(f"/api/order/refundOrder/{order.id}", headers=ADMIN)
    elif by_rest:
        query = {"productId": step[0], "quantity": step[1]}
        path = f"/api/order/refundProductFromOrder/{order.id}"
        answer = await api.http.post(path, params=query, headers=ADMIN)
    else:
        document = REFUND if step == "whole" else REFUND_PRODUCT
        given = {} if step == "whole" else {"productId": step[0], "quantity": step[1]}
        await api.data(document, {"input": {"id": order.id, **given}}, ADMIN)
        return
    assert answer.status_code in (200, 404, 409), answer.text


async def announced(api: Api, order: Order) -> tuple[dict[str, Decimal], Decimal | None]:
    """What the events tell: for each product, and of the whole order."""
    parts, whole = Counter[str](), None
    for topic, value in await events_of(api.services, order.id):
        if topic == "orderService-productFromOrderRefunded":
            parts[value["productId"]] += from_number(value["price"])  # type: ignore[assignment]
        elif topic == "orderService-orderRefunded":
            assert whole is None
            whole = from_number(value["totalPrice"])
    return {product: Decimal(price) for product, price in parts.items()}, whole


async def check(api: Api, order: Order) -> None:
    """That every form of the order says the same, and that it agrees with the events."""
    now = await read_order(api.services, order.id)
    parts, whole = await announced(api, order)
    assert sum(parts.values()) + (whole or 0) <= now.total_price
    amounts = line_amounts(now.products, now.total_price)
    if whole is None:
        for product, price in parts.items():
            assert price == sum(line.refunded_amount for line in now.products if line.product_id == product)
    else:
        assert (whole, parts) == (now.total_price, {})
        assert [line.refunded_amount for line in now.products] == amounts
    stored = await api.services.database.orders.find_one({"_id": ObjectId(order.id)})
    assert stored is not None
    rest = (await api.http.get(f"/api/order/findOrder/{order.id}", headers=ADMIN)).json()
    graphql = (await api.data(SHOWN, {"id": order.id}, ADMIN))["order"]
    every_unit = all(line.refunded_quantity == line.quantity for line in now.products)
    assert now.refunded == stored["refunded"] == rest["refunded"] == graphql["refunded"] == every_unit
    assert from_number(rest["totalPrice"]) == Decimal(graphql["totalPrice"]) == now.total_price
    for line, kept, by_rest, shown, amount in zip(
        now.products, stored["products"], rest["products"], graphql["products"], amounts, strict=True
    ):
        assert line.price == kept["price"].to_decimal() == from_number(by_rest["price"]) == Decimal(shown["price"])
        assert line.refunded_amount == kept["refundedAmount"].to_decimal() == Decimal(shown["refundedAmount"])
        assert Decimal(shown["amount"]) == amount >= line.refunded_amount
        for form in (kept, by_rest, shown):
            assert form["refundedQuantity"] == line.refunded_quantity
            assert form["isRefunded"] == (line.refunded_quantity > 0)


@settings(max_examples=30, deadline=None)
@given(paid=order_payments(), steps=REFUNDS, by_rest=st.booleans())
async def test_any_payment_and_any_refunds_agree_in_every_form(
    api: Api, paid: dict[str, Any], steps: list[Any], by_rest: bool
) -> None:
    order = await make_order(api.services, **paid | {"_id": unique("payment")})
    for step in steps:
        await refund(api, order, step, by_rest)
    await check(api, order)


@pytest.mark.parametrize(
    ("price", "written"),
    [("33.3333", b"33.3333"), ("0.005", b"0.005"), ("0.000001", b"1e-6"), ("999999999.999999", b"999999999.999999")],
)
async def test_a_price_is_a_json_number_as_it_came(api: Api, price: str, written: bytes) -> None:
    order = await make_order(api.services, products=[{"productId": "p", "quantity": 1, "price": Decimal(price)}])
    answer = await api.http.get(f"/api/order/findOrder/{order.id}", headers=ADMIN)
    assert b'"price":' + written + b"," in answer.content
    line = answer.json()["products"][0]
    again = await api.http.patch(
        f"/api/order/{order.id}",
        content=b'{"products": [{"productId": "p", "quantity": 1, "price": ' + price.encode() + b"}]}",
        headers=ADMIN | {"content-type": "application/json"},
    )
    assert again.json()["products"] == [line]


async def test_lines_that_an_admin_sets_anew_keep_what_is_refunded(api: Api) -> None:
    order = await make_order(api.services)
    path = f"/api/order/{order.id}"
    await refund(api, order, ("p1", 2), by_rest=True)
    lines = [{"productId": "p1", "quantity": 3, "price": 19.9}, {"productId": "p2", "quantity": 2, "price": 10}]
    for refunded in ({}, {"refundedQuantity": 2}, {"isRefunded": True}, {"refundedQuantity": None}):
        answer = await api.http.patch(path, json={"products": [lines[0] | refunded, lines[1]]}, headers=ADMIN)
        assert answer.status_code == 200, answer.text
        assert [line["refundedQuantity"] for line in answer.json()["products"]] == [2, 0]
    await check(api, order)
    more = [lines[0] | {"refundedQuantity": 3}, lines[1] | {"refundedQuantity": 2}]
    answer = await api.http.patch(path, json={"products": more, "refunded": True}, headers=ADMIN)
    assert (answer.status_code, answer.json()["refunded"]) == (200, True)
    assert (await api.http.post(f"/api/order/refundOrder/{order.id}", headers=ADMIN)).status_code == 409
    assert sum((await announced(api, order))[0].values()) == Decimal("39.8")


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"totalPrice": 79.71}, ["totalPrice cannot be changed once units are refunded"]),
        ({"refunded": True}, ["refunded must say whether every unit of every product is refunded"]),
        (
            {"products": [{"productId": "p1", "quantity": 3, "price": 19.9}]},
            ["products can be neither added nor left out once units are refunded"],
        ),
        (
            {
                "products": [
                    {"productId": "p2", "quantity": 2, "price": 10},
                    {"productId": "p2", "quantity": 2, "price": 10, "isRefunded": True},
                ]
            },
            [
                "products.0.productId cannot be changed once units are refunded",
                "products.0.quantity cannot be changed once units are refunded",
                "products.0.price cannot be changed once units are refunded",
                "products.1.isRefunded must say whether refundedQuantity is more than zero",
            ],
        ),
        (
            {
                "products": [
                    {"productId": "p1", "quantity": 3, "price": 19.9, "refundedQuantity": 0},
                    {"productId": "p2", "quantity": 2, "price": 10, "refundedQuantity": 3},
                ]
            },
            [
                "products.0.refundedQuantity must be at least 1, which are refunded",
                "products.1.refundedQuantity must be at most 2",
            ],
        ),
    ],
)
async def test_what_was_bought_and_paid_is_settled_once_units_are_refunded(
    api: Api, change: dict[str, Any], errors: list[str]
) -> None:
    order = await make_order(api.services)
    await refund(api, order, ("p1", 1), by_rest=True)
    answer = await api.http.patch(f"/api/order/{order.id}", json=change, headers=ADMIN)
    assert (answer.status_code, answer.json()["code"], answer.json()["errors"]) == (400, "BAD_USER_INPUT", errors)
    assert answer.json()["refunded"] is False
    assert [line["refundedQuantity"] for line in answer.json()["products"]] == [1, 0]
    await check(api, order)
