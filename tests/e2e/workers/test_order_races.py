"""Refunds at once, over two processes: the same units are refunded once, and each refund tells its topics once."""

import asyncio
from collections import Counter
from typing import Any

from models.orders.order import Order
from models.principal import SYSTEM
from tests.integration.activity.support import refusals_of, rows_of
from tests.support.api import ADMIN, Api, running_api, settings_for
from tests.support.orders import events_of, make_order, read_order
from tests.support.series import check_series_invariants
from tests.support.workers import workers

RETURNED = "orderService-productRefundedIncreaseQuantity"


async def lines_of(api: Api, order: Order) -> dict[str, int]:
    found = await read_order(api.services, order.id)
    return {line.product_id: line.refunded_quantity for line in found.products}


async def test_one_order_refunded_fifty_times_at_once_is_refunded_once(database_uri: str) -> None:
    async with running_api(settings_for(database_uri)) as api, workers(database_uri, 2) as both:
        order = await make_order(api.services)
        path = f"/api/order/refundOrder/{order.id}"
        answers = await asyncio.gather(*(both[n % 2].http.post(path, headers=ADMIN) for n in range(50)))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 49}
        topics = Counter(topic for topic, _ in await events_of(api.services, order.id))
        assert topics["orderService-orderRefunded"] == 1
        assert topics["orderService-productsRefundedIncreaseQuantity"] == 1
        told = await refusals_of(api.services, 49, code="ORDER_ALREADY_REFUNDED")
        assert len(told) == 49
        assert len(await rows_of(api.services, verb="REFUND_ORDER", outcome="DONE")) == 1
    check_series_invariants(database_uri, "orders", "refunds")


async def test_units_refunded_at_once_are_never_refunded_twice(database_uri: str) -> None:
    async with running_api(settings_for(database_uri)) as api, workers(database_uri, 2) as both:
        products = [{"productId": "p1", "quantity": 30, "price": 0.1}, {"productId": "p2", "quantity": 1, "price": 1}]
        orders = [await make_order(api.services, products=products) for _ in range(3)]

        async def refund(n: int) -> Any:
            quantity, order = 1 + n % 3, orders[n % len(orders)]
            path = f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity={quantity}"
            answer = await both[n % 2].http.post(path, headers=ADMIN)
            return order.id, quantity, answer.status_code

        done = await asyncio.gather(*(refund(n) for n in range(150)))
        assert {status for _, _, status in done} == {200, 409}
        for order in orders:
            granted = sum(quantity for identifier, quantity, status in done if (identifier, status) == (order.id, 200))
            assert granted == 30
            assert await lines_of(api, order) == {"p1": 30, "p2": 0}
            events = await events_of(api.services, order.id)
            assert sum(value["refundedQuantity"] for topic, value in events if topic == RETURNED) == 30
            paid = [value["price"] for topic, value in events if topic == "orderService-productFromOrderRefunded"]
            assert round(sum(paid), 2) == 3
            ledger = await api.services.refunds.of_order(SYSTEM, await read_order(api.services, order.id))
            assert sorted(refund.quantity for refund in ledger) == sorted(
                quantity for identifier, quantity, status in done if (identifier, status) == (order.id, 200)
            )
            assert sum(refund.amount for refund in ledger) == 3
    check_series_invariants(database_uri, "orders", "refunds")


async def test_a_whole_refund_and_parts_at_once_never_return_a_unit_twice(database_uri: str) -> None:
    async with running_api(settings_for(database_uri)) as api, workers(database_uri, 2) as both:
        for _ in range(5):
            order = await make_order(api.services)
            paths = [f"refundOrder/{order.id}", f"refundProductFromOrder/{order.id}?productId=p1&quantity=3"]
            answers = await asyncio.gather(
                *(both[n % 2].http.post(f"/api/order/{paths[n // 2 % 2]}", headers=ADMIN) for n in range(12))
            )
            assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 11}
            returned = 0
            for topic, value in await events_of(api.services, order.id):
                if topic == RETURNED:
                    returned += value["refundedQuantity"]
                elif topic == "orderService-productsRefundedIncreaseQuantity":
                    returned += sum(line["refundedQuantity"] for line in value["products"])
            assert returned == sum((await lines_of(api, order)).values())
    check_series_invariants(database_uri, "orders", "refunds")
