"""A crash, a lost hold, a fault: whatever comes between an effect and its answer, the effect happens once."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from models.errors import ServiceUnavailable
from models.idempotency import IdempotencyKeyInUse
from models.orders.order import Order
from models.principal import Principal
from services.kit.idempotency.locks import IdempotencyLock, under_lock
from services.kit.orphans import GONE_SECONDS, end_orphaned_transactions
from services.registry import Services, utc_now
from tests.support.api import Api, bearer, running_api, settings_for
from tests.support.orders import events_of, make_order, read_order, refund_units
from tests.support.workers import Worker, workers

CALLER = Principal(user_id="caller")


def refund(services: Services, order: Order, units: int = 1) -> Any:
    return refund_units(services, order.id, "p1", units)


def keep(answer: Any) -> Any:
    return answer


def die(_: Any) -> Any:
    """What a process does that ends before it keeps its answer."""
    raise asyncio.CancelledError


async def let_holds_run_out(services: Services) -> None:
    past = utc_now() - timedelta(seconds=1)
    await services.database.idempotency_keys.update_many({}, {"$set": {"heldUntil": past}})


async def units_of(services: Services, order: Order) -> int:
    found = await read_order(services, order.id)
    return sum(line.refunded_quantity for line in found.products)


async def test_an_effect_whose_answer_was_lost_is_answered_again_and_not_done_again(own_api: Api) -> None:
    services = own_api.services
    order = await make_order(services)
    with pytest.raises(asyncio.CancelledError):
        await services.idempotency.once(CALLER, "k", "f", lambda: refund(services, order), keep=die)
    done = await read_order(services, order.id)
    with pytest.raises(IdempotencyKeyInUse):
        await services.idempotency.once(CALLER, "k", "f", lambda: refund(services, order), keep=keep)
    await let_holds_run_out(services)
    for _ in range(2):
        answer = await services.idempotency.once(CALLER, "k", "f", lambda: refund(services, order), keep=keep)
        assert answer == done
    assert await units_of(services, order) == 1
    assert len(await events_of(services, order.id)) == 5


async def test_of_several_transactions_only_those_that_are_left_are_run(own_api: Api) -> None:
    services = own_api.services
    order = await make_order(services)
    runs: list[str] = []

    async def step(name: str) -> tuple[str, int]:
        async def work(session: Any) -> tuple[str, int]:
            runs.append(name)
            await services.database.counters.insert_one({"_id": name}, session=session)
            return name, len(runs)

        return await services.database.transaction(work)

    async def first_try() -> Any:
        await step("a")
        await refund(services, order)
        raise RuntimeError("the third step fails")

    async def second_try() -> Any:
        return [await step("a"), (await refund(services, order)).id, await step("c")]

    with pytest.raises(RuntimeError):
        await services.idempotency.once(CALLER, "k", "f", first_try, keep=keep)
    answer = await services.idempotency.once(CALLER, "k", "f", second_try, keep=keep)
    assert answer == [("a", 1), order.id, ("c", 2)]
    assert runs == ["a", "c"]
    assert await units_of(services, order) == 1


async def test_a_fault_before_the_effect_leaves_the_key_free(own_api: Api) -> None:
    services = own_api.services
    order = await make_order(services)

    async def fail() -> Any:
        raise RuntimeError("before anything")

    with pytest.raises(RuntimeError):
        await services.idempotency.once(CALLER, "k", "f", fail, keep=keep)
    assert await services.database.idempotency_keys.count_documents({}) == 0
    answer = await services.idempotency.once(CALLER, "k", "another body", lambda: refund(services, order), keep=keep)
    assert answer.products[0].refunded_quantity == 1


async def test_who_has_lost_the_hold_can_commit_nothing(own_api: Api) -> None:
    services = own_api.services
    order = await make_order(services)

    async def slow() -> Any:
        await let_holds_run_out(services)
        await services.idempotency.once(CALLER, "k", "f", lambda: refund(services, order), keep=keep)
        return await refund(services, order)

    with pytest.raises(ServiceUnavailable):
        await services.idempotency.once(CALLER, "k", "f", slow, keep=keep)
    assert await units_of(services, order) == 1
    answer = await services.idempotency.once(CALLER, "k", "f", lambda: refund(services, order), keep=keep)
    assert answer.products[0].refunded_quantity == 1


async def test_a_lost_hold_costs_the_others_of_its_batch_nothing(own_api: Api) -> None:
    services = own_api.services
    orders = [await make_order(services) for _ in range(4)]

    async def with_lost_hold() -> Any:
        with under_lock(IdempotencyLock("no such row", "nobody")):
            return await refund(services, orders[0])

    others = (refund(services, order) for order in orders[1:])
    lost, *done = await asyncio.gather(with_lost_hold(), *others, return_exceptions=True)
    assert isinstance(lost, ServiceUnavailable)
    assert all(isinstance(one, Order) for one in done)
    assert [await units_of(services, order) for order in orders] == [0, 1, 1, 1]


async def test_killed_under_load_every_key_still_has_one_effect(database_uri: str) -> None:
    keys = 300
    async with running_api(settings_for(database_uri)) as api, workers(database_uri, 2) as (victim, survivor):
        lines = [{"productId": "p1", "quantity": 10_000, "price": 1}]
        orders = [await make_order(api.services, userId="u", products=lines) for _ in range(4)]
        in_the_middle = asyncio.Event()
        answered: dict[str, bytes] = {}

        async def ask(worker: Worker, n: int) -> httpx.Response | None:
            path = f"/api/order/refundProductFromOrder/{orders[n % 4].id}?productId=p1&quantity=1"
            headers = bearer("u") | {"idempotency-key": f"key-{n}"}
            try:
                answer = await worker.http.post(path, headers=headers)
            except httpx.TransportError:
                return None
            if answer.status_code == 200:
                assert answered.setdefault(f"key-{n}", answer.content) == answer.content
            if len(answered) > keys // 4:
                in_the_middle.set()
            return answer

        async def lane(start: int) -> None:
            for n in range(start, keys, 16):
                await ask((victim, survivor)[n % 2], n)

        async def kill_soon() -> None:
            await in_the_middle.wait()
            victim.kill()

        await asyncio.gather(kill_soon(), *(lane(start) for start in range(16)))
        assert len(answered) < keys, "some were under way on the victim"
        await asyncio.sleep(GONE_SECONDS + 0.4)
        await end_orphaned_transactions(api.services.database.client)  # The victim may have left one that locks keys.
        await let_holds_run_out(api.services)
        for n in range(keys):
            answer = await ask(survivor, n)
            assert answer is not None
            assert answer.status_code == 200, answer.text
        assert sum([await units_of(api.services, order) for order in orders]) == keys
        with MongoClient[dict[str, Any]](database_uri) as client:
            topic = {"topic": "orderService-productRefundedIncreaseQuantity"}
            assert client.get_default_database()["outbox"].count_documents(topic) == keys
            told = {"verb": "REFUND_ORDER_PRODUCT", "outcome": "DONE"}
            assert client.get_default_database()["activity"].count_documents(told) == keys
