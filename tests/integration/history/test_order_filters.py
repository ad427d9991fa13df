"""The filters of the list of orders: what they leave of whose, and that each is a walk over an index."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from bench.seeds import MADE, order_documents
from models.errors import Forbidden
from models.orders.commands import OrderFilter
from models.orders.order import Order
from models.pagination import Window
from models.principal import SYSTEM, Principal
from services.orders.repository import NEWEST_FIRST, ORDERS, orders_query
from tests.integration.history.support import check_counts, check_flat, check_walks
from tests.support.api import ADMIN, Api, bearer

LIST = """
    query($userId: String, $filter: OrderFilter) {
      orders(userId: $userId, filter: $filter) { totalCount nodes { paymentId status refunded } }
    }
"""


def some(number: int, seed: int, *, rare: int) -> list[Order]:
    """Orders, one in `rare` of them shipped, refunded, of another product; the newest first."""
    draw = random.Random(seed)

    def vary(order: Order) -> Order:
        lines = list(order.products)
        if draw.randrange(rare) == 0:
            lines[0] = replace(lines[0], product_id="rare")
        return replace(
            order,
            status=draw.choice(("Shipped", "Lost in the post")) if draw.randrange(rare) == 0 else "Pending",
            refunded=draw.randrange(rare) == 0,
            products=tuple(lines),
            created_at=MADE + timedelta(seconds=draw.randrange(number // 2)),
        )

    orders = [vary(ORDERS.load(document)) for document in order_documents(number)]
    return sorted(orders, key=lambda one: (one.created_at, one.id), reverse=True)


async def put(api: Api, orders: list[Order]) -> None:
    await api.services.database.orders.insert_many([*map(ORDERS.dump, orders)])
    await api.services.audit.repair(SYSTEM)


FILTERS: list[tuple[OrderFilter, Callable[[Order], bool]]] = [
    (OrderFilter(), lambda _: True),
    (OrderFilter(user_id="user3"), lambda one: one.user_id == "user3"),
    (OrderFilter(status="Shipped"), lambda one: one.status == "Shipped"),
    (OrderFilter(status="Lost in the post"), lambda one: one.status == "Lost in the post"),
    (OrderFilter(refunded=True), lambda one: one.refunded),
    (OrderFilter(refunded=False), lambda one: not one.refunded),
    (OrderFilter(payment_id="payment7"), lambda one: one.payment_id == "payment7"),
    (OrderFilter(product_id="rare"), lambda one: one.products[0].product_id == "rare"),
    (OrderFilter(MADE + timedelta(seconds=20)), lambda one: (one.created_at - MADE).total_seconds() >= 20),
    (
        OrderFilter(MADE + timedelta(seconds=5), MADE + timedelta(seconds=30), status="Pending"),
        lambda one: one.status == "Pending" and 5 <= (one.created_at - MADE).total_seconds() < 30,
    ),
]


async def test_every_filter_leaves_what_it_says_from_both_ends(own_api: Api) -> None:
    rows = some(90, seed=1, rare=4)
    await put(own_api, rows)
    orders = own_api.services.orders
    expected_counts = {wanted: len([one for one in rows if holds(one)]) for wanted, holds in FILTERS}
    await check_counts(own_api, partial(orders.count, SYSTEM), expected_counts)
    for wanted, holds in FILTERS:
        expected = [one for one in rows if holds(one)]
        await check_walks(partial(orders.list_window, SYSTEM, wanted), [ORDERS.load(ORDERS.dump(e)) for e in expected])


async def test_every_filter_is_a_walk_over_an_index(own_api: Api) -> None:
    await own_api.services.database.orders.insert_many([*map(ORDERS.dump, some(4_000, seed=2, rare=100))])
    for wanted, _ in FILTERS:
        query = orders_query(wanted, wanted.user_id)
        # A payment has one order, but for what an original system made of it: there is nothing to sort.
        sorts = wanted.payment_id is not None
        await check_flat(own_api.services.database.orders, query, NEWEST_FIRST, sorts=sorts)


async def test_a_user_filters_their_own_orders_and_an_admin_all(own_api: Api) -> None:
    rows = [replace(one, refunded=one.user_id == "user1") for one in some(30, seed=3, rare=100)]
    await put(own_api, rows)
    mine = {"filter": {"refunded": True}}
    assert (await own_api.data(LIST, mine, ADMIN))["orders"]["totalCount"] == 10
    assert (await own_api.data(LIST, mine, bearer("user1", "default")))["orders"]["totalCount"] == 10
    assert (await own_api.data(LIST, mine, bearer("user2", "default")))["orders"]["totalCount"] == 0
    both = {"userId": "user1", "filter": {"paymentId": "payment11"}}
    assert (await own_api.data(LIST, both, ADMIN))["orders"]["nodes"] == [
        {"paymentId": "payment11", "status": "PENDING", "refunded": True}
    ]
    for caller, whose in ((bearer("user2", "default"), {"filter": {"userId": "user1"}}), (None, {})):
        body = await own_api.graphql(LIST, whose, caller)
        assert body["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")
    with pytest.raises(Forbidden):
        await own_api.services.orders.list_window(Principal(user_id="user2"), OrderFilter(user_id="user1"), Window())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"filter": {"status": "OTHER"}}, "For OTHER give statusText alone"),
        ({"filter": {"status": "PENDING", "statusText": "Pending"}}, "Give status or statusText, not both"),
        ({"userId": "a", "filter": {"userId": "b"}}, "Give userId as the argument or in the filter, not both"),
        ({"filter": {"from": "2026-01-02", "to": "2026-01-01"}}, "to must be later than from"),
    ],
)
async def test_a_filter_that_cannot_be_is_bad_input(api: Api, given: dict[str, Any], message: str) -> None:
    body = await api.graphql(LIST, given, ADMIN)
    assert body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "errors": [message]}


async def test_a_status_is_named_or_written(own_api: Api) -> None:
    rows = some(40, seed=4, rare=2)
    await put(own_api, rows)
    for wanted, status in (
        ({"status": "SHIPPED"}, "Shipped"),
        ({"statusText": "Lost in the post"}, "Lost in the post"),
    ):
        found = (await own_api.data(LIST, {"filter": wanted}, ADMIN))["orders"]["totalCount"]
        assert found == sum(one.status == status for one in rows) > 0
