"""Refunds can be read: who refunded how many of what for how much, and they add up to what was refunded."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import Forbidden, Unauthenticated
from models.orders.commands import RefundOrder
from models.orders.lines import OrderLine
from models.orders.order import Order
from models.orders.refunds import NOTHING, Refund, RefundFilter, earlier_refunds, sums_of, with_recorded
from models.pagination import Window
from models.principal import SYSTEM, Principal
from services.migrations.m0006_history import run as bring_along
from services.migrations.options import Options
from services.orders.refunds import NOT_RECORDED, refunds_query
from services.orders.repository import LATEST_REFUND_FIRST, REFUNDS
from tests.integration.history.support import check_counts, check_flat, check_walks
from tests.support.api import ADMIN, Api, bearer
from tests.support.orders import make_order, order_payments, pay, read_order, refund_units
from tests.support.round_trips import round_trips

START = datetime(2026, 3, 1, tzinfo=UTC)
REFUND = "productId quantity amount by at order { databaseId }"
OF_ORDER = f"query($id: ID!) {{ order(id: $id) {{ refunds {{ {REFUND} }} }} }}"
LIST = f"query($filter: RefundFilter) {{ refunds(filter: $filter) {{ totalCount nodes {{ {REFUND} }} }} }}"
REFUND_PRODUCT = """
    mutation($id: ID!, $quantity: Int!) {
      refundOrderProduct(input: {id: $id, productId: "p1", quantity: $quantity}) {
        __typename ... on Problem { code message } ... on NotEnoughQuantity { left }
      }
    }
"""
Told = tuple[str | None, int, str, str | None]


async def told(api: Api, order: Order) -> list[Told]:
    """The refunds of an order as GraphQL shows them."""
    found = await api.data(OF_ORDER, {"id": order.id}, ADMIN)
    refunds = found["order"]["refunds"]
    assert {one["order"]["databaseId"] for one in refunds} <= {order.id}
    return [(one["productId"], one["quantity"], one["amount"], one["by"]) for one in refunds]


async def check_sums(api: Api, order: Order) -> None:
    """Assert that the refunds of an order add up to what was refunded of its products, and the audit agrees."""
    now = await read_order(api.services, order.id)
    refunds = await api.services.refunds.of_order(SYSTEM, now)
    units, amounts = 0, Decimal(0)
    for refund in refunds:
        units += refund.quantity
        amounts += refund.amount if refund.product_id is not None else 0
    assert units == sum(line.refunded_quantity for line in now.products)
    assert amounts == sum(line.refunded_amount for line in now.products)
    assert (await api.services.audit.audit(SYSTEM)).drift_count == 0


async def test_each_refund_tells_who_refunded_what_for_how_much(own_api: Api) -> None:
    order = await make_order(own_api.services)
    path = f"/api/order/refundProductFromOrder/{order.id}"
    user = bearer(order.user_id, "default")
    assert (await own_api.http.post(f"{path}?productId=p1&quantity=2", headers=user)).status_code == 200
    assert (await own_api.http.post(f"{path}?productId=p2&quantity=1", headers=ADMIN)).status_code == 200
    products = [
        {"productId": "p1", "quantity": 3, "price": 19.9, "refundedQuantity": 3},
        {"productId": "p2", "quantity": 2, "price": 10},
    ]
    change = {"products": products}
    assert (await own_api.http.patch(f"/api/order/{order.id}", json=change, headers=ADMIN)).status_code == 200
    assert await told(own_api, order) == [
        ("p1", 1, "19.90", "admin"),
        ("p2", 1, "10.00", "admin"),
        ("p1", 2, "39.80", order.user_id),
    ]
    await check_sums(own_api, order)


async def test_a_whole_order_is_refunded_product_by_product_and_with_what_was_paid_beyond(own_api: Api) -> None:
    order = await make_order(own_api.services, totalPrice=85)
    await own_api.services.orders.refund(SYSTEM, RefundOrder(order.id))
    assert await told(own_api, order) == [
        (None, 0, "5.30", "system"),
        ("p2", 2, "20.00", "system"),
        ("p1", 3, "59.70", "system"),
    ]
    await check_sums(own_api, order)


async def test_a_refusal_says_how_many_are_left_and_records_nothing(own_api: Api) -> None:
    order = await make_order(own_api.services)
    await refund_units(own_api.services, order.id, "p1", 1)
    path = f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity=3"
    answer = await own_api.http.post(path, headers=ADMIN)
    refused = {"status": "error", "message": "Not enough quantity!", "code": "NOT_ENOUGH_QUANTITY", "left": 2}
    assert (answer.status_code, answer.json()) == (409, refused)
    made = (await own_api.data(REFUND_PRODUCT, {"id": order.id, "quantity": 9}, ADMIN))["refundOrderProduct"]
    shown = {"code": "NOT_ENOUGH_QUANTITY", "message": "Not enough quantity!", "left": 2}
    assert made == {"__typename": "NotEnoughQuantity", **shown}
    assert len(await told(own_api, order)) == 1


async def test_the_same_refusal_under_a_key_says_the_same(own_api: Api) -> None:
    order = await make_order(own_api.services)
    path = f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity=4"
    answers = [await own_api.http.post(path, headers=ADMIN | {"idempotency-key": "k"}) for _ in "12"]
    assert [answer.json()["left"] for answer in answers] == [3, 3]
    # One that release 1.0.0 stored does not know how many.
    await own_api.services.database.idempotency_keys.update_many({}, {"$unset": {"outcomes.0.of.left": ""}})
    stored = await own_api.http.post(path, headers=ADMIN | {"idempotency-key": "k"})
    assert stored.json()["code"] == "NOT_ENOUGH_QUANTITY"


async def test_any_refunds_of_any_orders_add_up(own_api: Api) -> None:
    loop = asyncio.get_running_loop()

    async def run(payment: dict[str, Any], parts: list[tuple[str, int]]) -> None:
        (order,) = await pay(own_api.services, [payment])
        for product_id, quantity in parts:
            path = f"/api/order/refundProductFromOrder/{order.id}?productId={product_id}&quantity={quantity}"
            await own_api.http.post(path, headers=ADMIN)
        await own_api.http.post(f"/api/order/refundOrder/{order.id}", headers=ADMIN)
        await check_sums(own_api, order)

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(order_payments(), st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)), max_size=4))
    def check(payment: dict[str, Any], parts: list[tuple[str, int]]) -> None:
        asyncio.run_coroutine_threadsafe(run(payment, parts), loop).result(60)

    await asyncio.to_thread(check)


async def test_refunds_at_once_are_each_recorded_once(own_api: Api) -> None:
    products = [{"productId": "p1", "quantity": 30, "price": 0.1}]
    order = await make_order(own_api.services, products=products, totalPrice=3)
    path = f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity=2"
    answers = await asyncio.gather(*(own_api.http.post(path, headers=ADMIN) for _ in range(25)))
    assert sum(answer.status_code == 200 for answer in answers) == 15
    assert await told(own_api, order) == [("p1", 2, "0.20", "admin")] * 15
    await check_sums(own_api, order)


async def as_of_the_last_release(api: Api, order: Order, units: int) -> None:
    """Refund units of the first product as release 1.0.0 did: without the ledger."""
    orders = api.services.database.orders
    now = await read_order(api.services, order.id)
    line = now.products[0]
    refunded = line.refunded_quantity + units
    changes = {
        "products.0.refundedQuantity": refunded,
        "products.0.isRefunded": True,
        "products.0.refundedAmount": Decimal128(line.price * refunded),
    }
    await orders.update_one({"_id": ObjectId(order.id)}, {"$set": changes, "$unset": {"refundsRecorded": ""}})


@pytest.mark.parametrize("migrated", [False, True])
async def test_what_the_last_release_refunds_is_known_though_not_by_whom(own_api: Api, migrated: bool) -> None:
    order = await make_order(own_api.services)
    await refund_units(own_api.services, order.id, "p1", 1)
    await as_of_the_last_release(own_api, order, 1)
    assert sorted(await told(own_api, order), key=str) == [("p1", 1, "19.90", "system"), ("p1", 1, "19.90", None)]
    if migrated:
        assert await bring_along(own_api.services.database, Options()) == 1
        assert await bring_along(own_api.services.database, Options()) == 0
    await refund_units(own_api.services, order.id, "p1", 1)
    assert sorted(await told(own_api, order), key=str) == [
        ("p1", 1, "19.90", "system"),
        ("p1", 1, "19.90", "system"),
        ("p1", 1, "19.90", None),
    ]
    await check_sums(own_api, order)
    for query in NOT_RECORDED:
        ran = (await own_api.services.database.orders.find(query).explain())["executionStats"]
        assert ran["totalDocsExamined"] == 0
        assert ran["totalKeysExamined"] <= 1


async def test_what_one_of_an_order_and_its_ledger_does_not_know_it_is_told(own_api: Api) -> None:
    database = own_api.services.database
    orders = [await make_order(own_api.services) for _ in range(2)]
    for order in orders:
        await refund_units(own_api.services, order.id, "p2", 2)
    before = await database.orders.find_one({"_id": ObjectId(orders[0].id)})
    fewer = {"products.1.refundedQuantity": 0, "products.1.refundedAmount": Decimal128("0.00")}
    await database.orders.update_one({"_id": ObjectId(orders[0].id)}, {"$set": fewer})
    await database.refunds.delete_many({"orderId": ObjectId(orders[1].id)})
    report = await own_api.services.audit.repair(SYSTEM)
    found = {(drift.stored, drift.expected) for drift in report.drifts if drift.field == "refundedAmount"}
    assert found == {(0, 2_000), (2_000, 0)}
    assert await database.orders.find_one({"_id": ObjectId(orders[0].id)}) == before
    assert await told(own_api, orders[1]) == [("p2", 2, "20.00", None)]
    for order in orders:
        await check_sums(own_api, order)


LINES = st.builds(
    lambda product, quantity, price, refunded: OrderLine(product, quantity, price, min(quantity, refunded)),
    st.sampled_from("ab"),
    st.integers(1, 9),
    st.decimals(0, 100, places=2),
    st.integers(0, 9),
)


@given(st.lists(LINES, min_size=1, max_size=4), st.decimals(0, 500, places=2))
def test_lines_and_ledger_that_agree_are_left_alone(lines: list[OrderLine], total: Decimal) -> None:
    assert with_recorded(lines, total, sums_of(lines)) == tuple(lines)
    assert with_recorded(lines, total, {}) == tuple(lines)


def rows_of(number: int, seed: int) -> list[Refund]:
    """Refunds of a few orders, users and products, many at the same instant; the latest first."""
    draw = random.Random(seed)
    return [
        Refund(
            order_id=f"{draw.randrange(number // 3):024x}",
            user_id=draw.choice("abc"),
            product_id=draw.choice(("p1", "p2", None)),
            quantity=n,
            amount=Decimal("1.00"),
            by="system",
            at=START + timedelta(minutes=n // 7),
        )
        for n in range(number)
    ][::-1]


FILTERS: list[tuple[RefundFilter, Callable[[Refund], bool]]] = [
    (RefundFilter(), lambda _: True),
    (RefundFilter(order_id=f"{3:024x}"), lambda row: row.order_id == f"{3:024x}"),
    (RefundFilter(user_id="b"), lambda row: row.user_id == "b"),
    (RefundFilter(product_id="p2"), lambda row: row.product_id == "p2"),
    (
        RefundFilter(START + timedelta(minutes=2), START + timedelta(minutes=6), user_id="a"),
        lambda row: row.user_id == "a" and 2 <= (row.at - START).seconds / 60 < 6,
    ),
]


async def test_every_filter_is_walked_from_both_ends_and_is_a_walk_over_an_index(own_api: Api) -> None:
    rows = rows_of(90, seed=1)
    refunds = own_api.services.refunds.listing
    await refunds.collection.insert_many([*map(REFUNDS.dump, reversed(rows))])
    expected_counts = {wanted: len([row for row in rows if holds(row)]) for wanted, holds in FILTERS}
    await check_counts(own_api, partial(refunds.count, SYSTEM), expected_counts)
    for wanted, holds in FILTERS:
        expected = [row for row in rows if holds(row)]
        await check_walks(partial(refunds.window, SYSTEM, wanted), expected)
    await refunds.collection.insert_many([*map(REFUNDS.dump, rows_of(3_000, seed=2))])
    for wanted, _ in FILTERS:
        await check_flat(refunds.collection, refunds_query(wanted), LATEST_REFUND_FIRST, sorts=False)


async def test_a_page_of_orders_finds_all_their_refunds_in_one_round_trip(own_api: Api) -> None:
    for _ in range(5):
        order = await make_order(own_api.services)
        await refund_units(own_api.services, order.id, "p1", 1)
    with round_trips(own_api.settings.database) as trips:
        page = await own_api.data("{ orders { nodes { refunds { productId } } } }", headers=ADMIN)
    assert page["orders"]["nodes"] == [{"refunds": [{"productId": "p1"}]}] * 5
    assert trips.names == ["find orders", "find refunds"]


async def test_refunds_are_for_admins(api: Api) -> None:
    refunds, order = api.services.refunds, await make_order(api.services)
    for caller, refusal in ((Principal(), Unauthenticated), (Principal(user_id=order.user_id), Forbidden)):
        with pytest.raises(refusal):
            await refunds.of_order(caller, order)
        with pytest.raises(refusal):
            await refunds.listing.window(caller, RefundFilter(), Window())
        with pytest.raises(refusal):
            await refunds.listing.count(caller, RefundFilter())
    body = await api.graphql(OF_ORDER, {"id": order.id}, bearer(order.user_id, "default"))
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert body["data"] == {"order": {"refunds": None}}
    body = await api.graphql(LIST, {}, bearer(order.user_id, "default"))
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_an_order_and_what_is_known_of_it_leave_what_is_not() -> None:
    line = OrderLine("a", 5, Decimal("2.00"), 3, Decimal("6.00"))
    order = replace(ORDER, products=(line, replace(line, product_id="b", refunded_quantity=0, refunded_amount=NOTHING)))
    (refund,) = earlier_refunds(order, {"a": (1, Decimal("2.00"))})
    assert (refund.product_id, refund.quantity, refund.amount, refund.by) == ("a", 2, Decimal("4.00"), None)
    assert earlier_refunds(order, {"a": (3, Decimal("6.00"))}) == []


ORDER = Order(
    id="1" * 24,
    user_id="u",
    checkout_id="c",
    basket_id="b",
    payment_id="p",
    products=(),
    address="",
    is_gift=False,
    status="Pending",
    total_price=Decimal("20.00"),
    refunded=False,
    card_last4="0042",
    created_at=START,
    updated_at=START,
)
