"""Orders of release 1.0.0, which noted nothing of what its refunds came to, are read and brought along."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, ObjectId

from services.migrations.runner import migrate
from tests.integration.orders.test_take_over import original
from tests.support.api import Api
from tests.support.orders import events_of, make_order, read_order, refund_units

PAID = "orderService-productFromOrderRefunded"
Form = tuple[bool, list[int], list[str]]


async def make_earlier(
    api: Api, refunded: int, *, flag: bool, total: float = 50.0, line: dict[str, Any] | None = None
) -> ObjectId:
    """An order of three units at 19.90 as release 1.0.0 stored it."""
    products = [{"productId": "tea", "quantity": 3, "price": 19.9} | (line or {})]
    order = await make_order(api.services, products=products, totalPrice=total)
    key = ObjectId(order.id)
    changes = {"products.0.refundedQuantity": refunded, "products.0.isRefunded": refunded > 0, "refunded": flag}
    without = {"products.0.refundedAmount": ""}
    await api.services.database.orders.update_one({"_id": key}, {"$set": changes, "$unset": without})
    return key


async def stored(api: Api, key: ObjectId) -> Form:
    document = await api.services.database.orders.find_one({"_id": key})
    assert document is not None
    lines = document["products"]
    assert all(line["isRefunded"] == (line["refundedQuantity"] > 0) for line in lines)
    notes = [str(line["refundedAmount"]) for line in lines]
    return document["refunded"], [line["refundedQuantity"] for line in lines], notes


async def read(api: Api, key: ObjectId) -> Form:
    order = await read_order(api.services, str(key))
    notes = [str(line.refunded_amount) for line in order.products]
    return order.refunded, [line.refunded_quantity for line in order.products], notes


@pytest.mark.parametrize(
    ("refunded", "flag", "form"),
    [
        (0, False, (False, [0], ["0.00"])),
        (2, False, (False, [2], ["39.80"])),
        (3, False, (True, [3], ["50.00"])),
        (3, True, (True, [3], ["50.00"])),
        (0, True, (True, [3], ["50.00"])),
        (2, True, (True, [3], ["50.00"])),
    ],
)
async def test_an_order_of_it_is_read_as_it_is_then_written_down(
    own_api: Api, refunded: int, flag: bool, form: Form
) -> None:
    key = await make_earlier(own_api, refunded, flag=flag)
    assert await read(own_api, key) == form
    await migrate(own_api.services.database)
    assert await stored(own_api, key) == form
    assert await read(own_api, key) == form
    before = await own_api.services.database.orders.find_one({"_id": key})
    await migrate(own_api.services.database)
    assert await own_api.services.database.orders.find_one({"_id": key}) == before


@pytest.mark.parametrize("migrated", [False, True])
async def test_what_it_refunded_too_much_is_not_refunded_again(own_api: Api, migrated: bool) -> None:
    key = await make_earlier(own_api, 2, flag=False)
    if migrated:
        await migrate(own_api.services.database)
    order = await refund_units(own_api.services, str(key), "tea", 1)
    assert order.refunded
    prices = [value["price"] for topic, value in await events_of(own_api.services, order.id) if topic == PAID]
    assert prices == [10.2]
    assert await stored(own_api, key) == (True, [3], ["50.00"])


async def test_start_up_looks_for_such_orders_once(own_api: Api) -> None:
    database = own_api.services.database
    await database.migrations.delete_many({})
    early = await make_earlier(own_api, 1, flag=False)
    await migrate(database, thorough=False)
    assert await stored(own_api, early) == (False, [1], ["19.90"])
    late = await make_earlier(own_api, 1, flag=False)
    await migrate(database, thorough=False)
    document = await database.orders.find_one({"_id": late})
    assert document is not None
    assert "refundedAmount" not in document["products"][0]
    await migrate(database)
    assert await stored(own_api, late) == (False, [1], ["19.90"])


async def test_they_are_brought_along_while_they_are_refunded(own_api: Api) -> None:
    keys = [await make_earlier(own_api, n % 2, flag=False) for n in range(40)]

    async def refund(key: ObjectId) -> None:
        await asyncio.sleep(0.002 * keys.index(key))
        await refund_units(own_api.services, str(key), "tea", 1)

    migrations = [migrate(own_api.services.database) for _ in range(3)]
    await asyncio.gather(*migrations, *(refund(key) for key in keys))
    for n, key in enumerate(keys):
        refunded, units, (note,) = await stored(own_api, key)
        assert (refunded, units) == (False, [1 + n % 2])
        events = await events_of(own_api.services, str(key))
        (price,) = [Decimal(str(value["price"])) for topic, value in events if topic == PAID]
        assert Decimal(note) == price + (Decimal("19.90") if n % 2 else 0)
        assert note == ("33.33" if n % 2 else "16.67")


async def test_an_original_order_keeps_its_prices_and_says_what_its_lines_say(own_api: Api) -> None:
    line = {"_id": ObjectId(), "productId": "tea", "quantity": 3, "price": 33.3333, "refundedQuantity": 3}
    left = original(products=[line], totalPrice=100, refunded=False)
    await own_api.services.database.orders.insert_one(left)
    await migrate(own_api.services.database, thorough=False)
    assert await stored(own_api, left["_id"]) == (True, [3], ["100.00"])
    document = await own_api.services.database.orders.find_one({"_id": left["_id"]})
    assert document is not None
    assert document["products"][0]["price"] == Decimal128("33.3333")


async def test_every_copy_of_an_original_payment_can_be_changed_and_refunded(own_api: Api) -> None:
    database = own_api.services.database
    copies = [original(paymentId="same") for _ in range(3)]
    await database.orders.drop()
    await database.orders.insert_many(copies)
    await migrate(database, thorough=False)
    for n, copy in enumerate(copies):
        order = await refund_units(own_api.services, str(copy["_id"]), "p1", 1)
        assert order.has_refunds
        document = await database.orders.find_one({"_id": copy["_id"]})
        assert document is not None
        assert document.get("copy") == (n or None)
