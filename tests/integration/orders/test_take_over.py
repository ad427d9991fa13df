"""Orders that the original system left are taken over in place."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from bson.json_util import dumps

from models.orders.commands import FindOrders, OrderFilter
from models.principal import SYSTEM
from services.kit.stored_form import FORM
from services.migrations.runner import migrate
from tests.support.api import Api
from tests.support.orders import CARD_NUMBER, pay, payment, read_order


def original(**changes: Any) -> dict[str, Any]:
    """An order as mongoose stored it."""
    return {
        "_id": ObjectId(),
        "userId": "u",
        "checkoutId": "c",
        "basketId": "b",
        "paymentId": str(ObjectId()),
        "products": [
            {
                "_id": ObjectId(),
                "productId": "p1",
                "quantity": 3.0,
                "price": 0.1 + 0.2,
                "isRefunded": True,
                "refundedQuantity": 1,
                "sellerId": "s",
            },
            {"_id": ObjectId(), "productId": "p2", "quantity": 1, "price": 10, "isRefunded": False},
        ],
        "address": "1 Long Street",
        "status": "Shipped",
        "totalPrice": 10.9,
        "refunded": False,
        "cardNumber": Int64(CARD_NUMBER),
        "createdAt": datetime(2023, 1, 15, 12, tzinfo=UTC),
        "updatedAt": datetime(2023, 1, 16, 12, tzinfo=UTC),
        "__v": 0,
    } | changes


async def test_an_original_order_comes_into_our_form(own_api: Api) -> None:
    orders = own_api.services.database.orders
    left = original()
    await orders.insert_one(left)
    assert (await migrate(own_api.services.database, thorough=False))["orders"] == 1
    order = await read_order(own_api.services, str(left["_id"]))
    assert (order.card_last4, order.status, order.is_gift) == ("0042", "Shipped", False)
    assert [(str(line.price), line.quantity, line.refunded_quantity) for line in order.products] == [
        ("0.30", 3, 1),
        ("10.00", 1, 0),
    ]
    stored = await orders.find_one({"_id": left["_id"]})
    assert stored is not None
    assert stored["totalPrice"] == Decimal128("10.90")
    assert str(CARD_NUMBER)[:12] not in dumps(stored)
    assert stored["createdAt"] == left["createdAt"]
    assert (await migrate(own_api.services.database))["orders"] == 0
    assert await orders.find_one({"_id": left["_id"]}) == stored


@pytest.mark.parametrize(
    "number", [float(CARD_NUMBER), str(CARD_NUMBER), Decimal128(str(CARD_NUMBER)), 42, None, "", "?"]
)
async def test_a_card_number_of_any_kind_is_cut(own_api: Api, number: Any) -> None:
    left = original(cardNumber=number)
    await own_api.services.database.orders.insert_one(left)
    await migrate(own_api.services.database, thorough=False)
    order = await read_order(own_api.services, str(left["_id"]))
    assert order.card_last4 == ("0000" if number in (None, "", "?") else "0042")


async def test_two_orders_of_one_payment_are_both_kept_and_neither_is_made_again(own_api: Api) -> None:
    database = own_api.services.database
    await database.orders.drop()
    doubles = [original(paymentId="same", userId="u") for _ in range(3)]
    without = [original(paymentId=None, userId="u") for _ in range(2)]
    await database.orders.insert_many(doubles + without)
    assert (await migrate(database, thorough=False))["orders"] == 5
    assert len(await own_api.services.orders.find_by_user(SYSTEM, FindOrders("u"))) == 5
    assert await own_api.services.orders.count(SYSTEM, OrderFilter()) == 5
    assert await pay(own_api.services, [payment(_id="same")]) == []
    assert len(await pay(own_api.services, [payment(_id="another")])) == 1
    assert await own_api.services.orders.count(SYSTEM, OrderFilter()) == 6
    indexes = await database.orders.index_information()
    assert indexes["paymentId"]["unique"]


async def test_what_is_missing_is_made_up_for(own_api: Api) -> None:
    bare: dict[str, Any] = {"_id": ObjectId(), "cardNumber": 1, "products": [{}], "refunded": True}
    await own_api.services.database.orders.insert_one(bare)
    await migrate(own_api.services.database, thorough=False)
    order = await read_order(own_api.services, str(bare["_id"]))
    assert (order.user_id, order.status, str(order.total_price)) == ("", "Pending", "0.00")
    assert order.created_at == bare["_id"].generation_time


async def test_the_look_for_originals_is_by_an_index_and_finds_nothing_at_once(own_api: Api) -> None:
    await pay(own_api.services, [payment() for _ in range(50)])
    found = own_api.services.database.orders.find({"form": {"$ne": FORM}}).hint("form")
    plan = await found.explain()
    assert plan["executionStats"]["totalKeysExamined"] <= 1
    assert plan["executionStats"]["totalDocsExamined"] == 0
