"""The total of all orders moves with them: exact at any moment, whoever makes them."""

import asyncio

from models.orders.commands import OrderFilter
from models.principal import SYSTEM
from services.kit.counters import RowCounts
from services.migrations.runner import migrate
from services.registry import Services
from tests.support.api import ADMIN, Api, bearer, unique
from tests.support.orders import make_order, pay, payment


async def total(services: Services) -> int:
    return await services.orders.count(SYSTEM, OrderFilter())


async def test_an_order_is_in_the_total_as_soon_as_it_is_made(own_api: Api, other: Services) -> None:
    user = unique("user")
    assert await total(own_api.services) == 0
    for made in range(1, 4):
        await make_order(own_api.services, userId=user)
        assert await total(own_api.services) == await total(other) == made
    await make_order(other)
    query = "{ orders(first: 1) { totalCount } }"
    assert (await own_api.data(query, None, ADMIN))["orders"] == {"totalCount": 4}
    assert (await own_api.data(query, None, bearer(user)))["orders"] == {"totalCount": 3}


async def test_orders_made_at_once_by_two_processes_are_counted_once_each(own_api: Api, other: Services) -> None:
    shared = [payment() for _ in range(10)]

    async def make(services: Services, number: int) -> int:
        return len(await pay(services, [payment(), payment(), shared[number % 10]]))

    made = await asyncio.gather(*(make((own_api.services, other)[n % 2], n) for n in range(40)))
    stored = await own_api.services.database.orders.count_documents({})
    assert sum(made) == stored == 90
    assert await total(own_api.services) == await total(other) == stored


async def test_a_count_anew_while_others_make_orders_loses_none_and_counts_none_twice(
    own_api: Api, other: Services
) -> None:
    database = own_api.services.database
    recount = RowCounts(database, database.orders).recount

    async def make() -> None:
        for _ in range(25):
            await make_order(other)

    async def count_anew() -> None:
        for _ in range(10):
            await database.transaction(recount)

    await asyncio.gather(make(), make(), count_anew())
    assert await total(other) == await database.orders.count_documents({}) == 50


async def test_a_total_that_is_missing_or_wrong_is_put_right_at_the_next_start(own_api: Api) -> None:
    database = own_api.services.database
    await pay(own_api.services, [payment() for _ in range(3)])
    await database.counters.delete_many({"family": "orders"})
    assert await total(own_api.services) == 0
    await migrate(database, thorough=False)
    assert await total(own_api.services) == 3
    await database.counters.update_one({"family": "orders"}, {"$inc": {"orders": 5}})
    assert await total(own_api.services) == 8
    await migrate(database, thorough=False)
    assert await total(own_api.services) == 3


async def test_a_start_leaves_a_total_that_is_right_as_it_is(own_api: Api) -> None:
    database = own_api.services.database
    await pay(own_api.services, [payment() for _ in range(3)])
    halves = [{"_id": f"orders/{n}", "family": "orders", "orders": share} for n, share in ((0, 8), (1, -5))]
    await database.counters.delete_many({"family": "orders"})
    await database.counters.insert_many(halves)
    await migrate(database, thorough=False)
    assert await database.counters.find({"family": "orders"}).sort("_id", 1).to_list(None) == halves
    assert await total(own_api.services) == 3
    await migrate(database)
    (whole,) = await database.counters.find({"family": "orders"}).to_list(None)
    assert whole["orders"] == 3
