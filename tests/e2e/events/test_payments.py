"""Payments that were accepted become orders, and orders tell what follows."""

import orjson
import pytest

from models.orders.commands import FindOrders, RefundOrder
from models.principal import SYSTEM
from tests.support.api import unique
from tests.support.consumers import EventWorld, header
from tests.support.eventually import eventually
from tests.support.orders import payment, refund_units
from tests.support.payment_service import PaymentService

ACCEPTED = "payment-service-accept"


@pytest.mark.parametrize("topic", [ACCEPTED, "paymentService-payment-service-accept"])
async def test_a_payment_becomes_one_order_and_three_events_on_either_topic(world: EventWorld, topic: str) -> None:
    paid = payment()
    await world.send(topic, paid, key=paid["_id"])
    order = await world.order_of(paid)
    assert (order.status, order.refunded, order.card_last4) == ("Pending", False, "0042")
    created = await world.arrived("orderService-orderCreated", 1, where=lambda r: r.key == order.id.encode())
    assert [line["productId"] for line in orjson.loads(created[0].value)["products"]] == ["p1", "p2"]
    (cleared,) = await world.arrived("orderService-basketClear", 1, where=lambda r: r.key == order.id.encode())
    assert orjson.loads(cleared.value) == {"basketId": paid["basketId"], "userId": paid["userId"], "setUsage": True}
    (done,) = await world.arrived(
        "orderService-orderCreated-checkoutActive", 1, where=lambda r: r.key == order.id.encode()
    )
    assert orjson.loads(done.value) == {"checkout": {"_id": paid["checkoutId"], "isActive": False}}


async def test_an_event_goes_out_as_a_cloud_event_in_binary_mode(world: EventWorld) -> None:
    paid = payment()
    await world.send(ACCEPTED, paid)
    order = await world.order_of(paid)
    (record,) = await world.arrived("orderService-basketClear", 1, where=lambda r: r.key == order.id.encode())
    row = await world.services.database.outbox.find_one({"key": order.id, "topic": "orderService-basketClear"})
    assert row is not None
    assert header(record, "ce_specversion") == "1.0"
    assert header(record, "ce_id") == row["_id"]
    assert header(record, "ce_type") == "orderService-basketClear"
    assert header(record, "ce_source") == "/tessera"
    assert header(record, "ce_time").endswith("Z")
    assert header(record, "content-type") == "application/json"


async def test_a_payment_that_comes_again_in_any_form_and_on_either_topic_makes_one_order(world: EventWorld) -> None:
    paid = payment()
    await world.send(ACCEPTED, paid)
    await world.send(ACCEPTED, paid)
    await world.send("paymentService-payment-service-accept", paid, headers={"ce_id": unique(), "ce_source": "/pay"})
    await world.send("paymentService-payment-service-accept", {"paymentId": paid["_id"], **without_id(paid)})
    await after_all_before(world)
    order = await world.order_of(paid)
    assert len(await world.arrived("orderService-basketClear", 1, where=lambda r: r.key == order.id.encode())) == 1


async def test_a_payment_is_known_by_its_payment_id_whatever_its_envelopes(
    world: EventWorld, payments: PaymentService
) -> None:
    paid = payment(_id=unique("pay"))
    named = paid["_id"]
    payments.payments[named] = {**paid, "_id": unique("envelope"), "paymentId": named}
    for change in (
        {"_id": unique("envelope"), "paymentId": named},
        {"_id": unique("envelope"), "paymentId": f" {named} ", "status": "refunded", "refunded": True},
        {"_id": {"$oid": "64b7f0c2a1b2c3d4e5f60718"}, "paymentId": named},
        {"_id": named, "paymentId": None},
        {"_id": named, "paymentId": " "},
    ):
        await world.send(ACCEPTED, {**paid, **change})
    await world.send(ACCEPTED, {"paymentId": named, "_id": unique("envelope"), "type": "accepted"})
    await after_all_before(world)
    (order,) = await world.services.orders.find_by_user(SYSTEM, FindOrders(paid["userId"]))
    assert (order.payment_id, order.status, order.refunded) == (named, "Pending", False)


async def test_a_payment_of_which_only_the_id_came_is_asked_for(world: EventWorld, payments: PaymentService) -> None:
    paid = payment()
    payments.payments[paid["_id"]] = paid
    await world.send(ACCEPTED, {"paymentId": paid["_id"]})
    order = await world.order_of(paid)
    assert (str(order.total_price), order.card_last4) == ("79.70", "0042")


async def test_while_the_payment_service_is_away_its_payments_wait_and_others_go_on(
    world: EventWorld, payments: PaymentService
) -> None:
    waiting, whole = payment(), payment()
    payments.payments[waiting["_id"]] = waiting
    payments.status = 503
    asked = payments.asked
    try:
        await world.send(ACCEPTED, {"paymentId": waiting["_id"]}, key="waits")
        await eventually(lambda: payments.asked > asked + 2, within=30)
        await world.send("paymentService-payment-service-accept", whole, key="goes on")
        await world.order_of(whole)
        assert await world.services.orders.find_by_user(SYSTEM, FindOrders(waiting["userId"])) == []
    finally:
        payments.status = None
    await world.order_of(waiting)


async def test_a_payment_that_the_service_does_not_know_is_a_dead_letter(world: EventWorld) -> None:
    unknown = unique("nobody-paid-")
    await world.send(ACCEPTED, {"paymentId": unknown}, key=unknown)
    (dead,) = await world.arrived(f"{ACCEPTED}.dlt", 1, where=lambda r: r.key == unknown.encode())
    assert header(dead, "dlt-error-code") == "NOT_FOUND"


async def test_refunds_reach_their_topics_in_the_order_of_the_order(world: EventWorld) -> None:
    paid, paid_too = payment(), payment()
    await world.send(ACCEPTED, paid)
    await world.send(ACCEPTED, paid_too)
    whole, by_product = await world.order_of(paid), await world.order_of(paid_too)
    await world.services.orders.refund(SYSTEM, RefundOrder(whole.id))
    await refund_units(world.services, by_product.id, "p1", 2)
    await refund_units(world.services, by_product.id, "p1", 1)

    async def values(topic: str, key: str, number: int) -> list[object]:
        found = await world.arrived(topic, number, where=lambda r: r.key == key.encode())
        return [orjson.loads(record.value) for record in found]

    assert await values("orderService-orderRefunded", whole.id, 1) == [
        {"refunded": True, "totalPrice": 79.7, "paymentId": paid["_id"]}
    ]
    assert len(await values("orderService-productsRefundedIncreaseQuantity", whole.id, 1)) == 1
    told = {"productId": "p1", "cardNumber": 42, "paymentId": paid_too["_id"]}
    assert await values("orderService-productFromOrderRefunded", by_product.id, 2) == [
        {**told, "price": 39.8},
        {**told, "price": 19.9},
    ]
    assert await values("orderService-productRefundedIncreaseQuantity", by_product.id, 2) == [
        {"productId": "p1", "refundedQuantity": 2},
        {"productId": "p1", "refundedQuantity": 1},
    ]


def without_id(paid: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in paid.items() if name != "_id"}


async def after_all_before(world: EventWorld) -> None:
    """Wait until the lag is nothing: every event sent so far has been worked off."""
    (worker,) = world.workers

    async def caught_up() -> bool:
        lags = [value for name, value in (await worker.metrics()).items() if name.startswith("tessera_consumer_lag")]
        return bool(lags) and not any(lags)

    await eventually(caught_up, within=60, every=0.2)
