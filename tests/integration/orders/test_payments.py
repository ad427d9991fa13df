"""Orders are made from payments alone, one for each."""

import asyncio
import json
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
import pytest
from bson import Decimal128, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from consumers.kafka.records import read_json
from models.errors import InvalidInput
from models.payment import bare_payment_id, parse_payment
from models.values.money import from_number, to_number
from tests.support.api import Api
from tests.support.orders import events_of, make_order, pay, payment


async def test_a_payment_becomes_a_pending_order_with_three_events_in_order(own_api: Api) -> None:
    order = await make_order(own_api.services)
    assert (order.status, order.refunded, order.card_last4) == ("Pending", False, "0042")
    products = [
        {"productId": "p1", "quantity": 3, "price": 19.9, "isRefunded": False, "refundedQuantity": 0, "sellerId": "s1"},
        {"productId": "p2", "quantity": 2, "price": 10, "isRefunded": False, "refundedQuantity": 0, "sellerId": None},
    ]
    assert await events_of(own_api.services, order.id) == [
        ("orderService-orderCreated", {"products": products}),
        ("orderService-basketClear", {"basketId": order.basket_id, "userId": order.user_id, "setUsage": True}),
        ("orderService-orderCreated-checkoutActive", {"checkout": {"_id": order.checkout_id, "isActive": False}}),
    ]
    stored = await own_api.services.database.orders.find_one({"_id": ObjectId(order.id)})
    assert stored is not None
    assert stored["totalPrice"] == Decimal128("79.70")
    assert [line["price"] for line in stored["products"]] == [Decimal128("19.90"), Decimal128("10.00")]


async def test_a_payment_that_comes_again_makes_no_second_order_and_no_events(own_api: Api) -> None:
    first, second = payment(), payment()
    (one, other) = await pay(own_api.services, [first, second, first])
    assert {one.payment_id, other.payment_id} == {first["_id"], second["_id"]}
    assert await pay(own_api.services, [second, first]) == []
    (third,) = await pay(own_api.services, [first, third_payment := payment()])
    assert third.payment_id == third_payment["_id"]
    assert await own_api.services.database.orders.count_documents({}) == 3
    assert await own_api.services.database.outbox.count_documents({}) == 9


async def test_the_same_payment_in_many_transactions_at_once_makes_one_order(own_api: Api) -> None:
    raw = payment()
    made = await asyncio.gather(*(pay(own_api.services, [raw, payment()]) for _ in range(10)))
    assert sum(order.payment_id == raw["_id"] for orders in made for order in orders) == 1
    assert await own_api.services.database.orders.count_documents({}) == 11
    assert await own_api.services.database.outbox.count_documents({}) == 33


async def test_a_transaction_that_fails_leaves_neither_orders_nor_events(own_api: Api) -> None:
    services = own_api.services

    async def fail(session: Any) -> None:
        await services.orders.create_from_payments(session, [parse_payment(payment())])
        raise RuntimeError("the inbox is full")

    with pytest.raises(RuntimeError):
        await services.database.transaction(fail)
    assert await services.database.orders.count_documents({}) == 0
    assert await services.database.outbox.count_documents({}) == 0


def test_the_payment_id_may_stand_for_the_id_and_unknown_fields_are_dropped() -> None:
    raw = payment(paymentId="the-payment", color="red")
    del raw["_id"]
    assert parse_payment(raw).id == "the-payment"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (4_111_111_111_110_042, "0042"),
        ("4111 1111 1111 0042", "0042"),
        ("4111-1111-1111-0042", "0042"),
        ("**** **** **** 0042", "0042"),
        (42, "0042"),
        (1234, "1234"),
    ],
)
def test_a_card_number_is_cut_to_four_digits_with_its_zeros(given: Any, kept: str) -> None:
    assert parse_payment(payment(cardNumber=given)).card_last4 == kept


@pytest.mark.parametrize(
    ("written", "total", "price"),
    [
        ("19.9", "19.90", "19.90"),
        ("0.30000000000000004", "0.30", "0.30"),
        ("1.005", "1.01", "1.005"),
        ("33.3333", "33.33", "33.3333"),
        ("0.0000015", "0.00", "0.000002"),
        ("0.0000025", "0.00", "0.000002"),
        ("1000000000.123456", "1000000000.12", "1000000000.12346"),
        ("2e3", "2000.00", "2000.00"),
        ("125E-3", "0.13", "0.125"),
        ("-0", "0.00", "0.00"),
        ("-0.0e7", "0.00", "0.00"),
        ("0e999999", "0.00", "0.00"),
        ("1e-999999", "0.00", "0.00"),
        ("9999999999999.99", "9999999999999.99", "9999999999999.99"),
    ],
)
def test_a_total_is_kept_to_the_cent_and_a_price_as_it_came_to_six_decimals(
    written: str, total: str, price: str
) -> None:
    products = f'[{{"productId": "p", "quantity": 1, "price": {written}}}]'
    raw = read_json(f'{{"totalPrice": {written}, "products": {products}}}'.encode())
    parsed = parse_payment(payment(**raw))
    assert (str(parsed.total_price), str(parsed.products[0].price)) == (total, price)


@given(st.decimals(0, 999_999_999, places=6) | st.decimals(0, 9_999_999_999_999, places=2))
def test_a_price_is_the_same_in_every_form(price: Decimal) -> None:
    parsed = parse_payment(payment(products=[{"productId": "p", "quantity": 1, "price": price}]))
    assert parsed.products[0].price == price
    for reader in (orjson.loads, json.loads, partial(json.loads, parse_float=Decimal)):
        assert from_number(reader(orjson.dumps(to_number(price)))) == price
    assert Decimal128(parsed.products[0].price).to_decimal() == price
    assert Decimal(str(parsed.products[0].price)) == price
    assert "E" not in str(parsed.products[0].price)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"_id": None}, "_id"),
        ({"userId": ""}, "userId"),
        ({"products": []}, "products"),
        ({"products": [{"productId": "p", "quantity": 0, "price": 1}]}, "products.0.quantity"),
        ({"products": [{"productId": "p", "quantity": 1, "price": "1"}]}, "products.0.price"),
        ({"totalPrice": True}, "totalPrice"),
        ({"totalPrice": float("nan")}, "totalPrice"),
        ({"totalPrice": 1e300}, "totalPrice"),
        ({"totalPrice": Decimal("1e400")}, "totalPrice"),
        ({"totalPrice": Decimal("-0.001")}, "totalPrice"),
        ({"products": [{"productId": "p", "quantity": 1, "price": Decimal("sNaN")}]}, "products.0.price"),
        ({"products": [{"productId": "p", "quantity": 1, "price": -0.0000001}]}, "products.0.price"),
        ({"products": [{"productId": "p", "quantity": 1, "price": Decimal("1e13")}]}, "products.0.price"),
        ({"cardNumber": 4.5}, "cardNumber"),
        ({"cardNumber": -4_111_111_111_110_042}, "cardNumber"),
        ({"cardNumber": "4111111111110042 please"}, "cardNumber"),
        ({"address": "a\x00b"}, "address"),
    ],
)
def test_a_bad_payment_is_refused_with_its_faults_and_without_its_values(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_payment(payment(**change))
    assert [fault.path for fault in refusal.value.faults] == [path]
    assert "11111" not in str(refusal.value) + str(refusal.value.faults)


@pytest.mark.parametrize("raw", [None, 5, "x", [], [payment()]])
def test_what_is_no_object_is_no_payment(raw: Any) -> None:
    with pytest.raises(InvalidInput):
        parse_payment(raw)
    with pytest.raises(InvalidInput):
        bare_payment_id(raw)


@pytest.mark.parametrize(
    "number", ["1e99999999999999999999", "1.5e-99999999999999999999", "NaN", "Infinity", "-Infinity"]
)
def test_a_number_that_nothing_can_hold_is_no_json(number: str) -> None:
    with pytest.raises(InvalidInput):
        read_json(f'{{"price": {number}}}'.encode())


def test_an_event_that_brings_only_the_id_is_told_from_a_whole_payment() -> None:
    assert bare_payment_id({"paymentId": "p"}) == "p"
    assert bare_payment_id(payment()) is None
    with pytest.raises(InvalidInput):
        bare_payment_id({"color": "red"})
