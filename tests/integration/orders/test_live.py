"""`orderChanged`: what happens to an order is heard by those who may, whichever process does it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from models.errors import Forbidden, Unauthenticated
from models.orders.commands import FindOrder, ListOrders
from models.orders.order import Order, OrderNotFound
from models.principal import SYSTEM, Principal
from services.registry import Services
from tests.support.api import ADMIN, Api, bearer, running_api, settings_for, token, unique
from tests.support.orders import make_order, refund_units
from tests.support.talk import talk
from tests.support.workers import Worker, workers

NONE = "6553f1a2b3c4d5e6f7a8b9c0"
CHANGED = """subscription ($id: ID, $user: String) {
    orderChanged(id: $id, userId: $user) { databaseId address refunded products { refundedQuantity } } }"""


@asynccontextmanager
async def listening(worker: Worker, headers: dict[str, str], **variables: Any) -> AsyncIterator[AsyncIterator[Any]]:
    """What a subscriber is told, as it comes."""
    body = {"query": CHANGED, "variables": variables}
    accept = headers | {"accept": "text/event-stream"}
    async with worker.http.stream("POST", "/graphql", json=body, headers=accept) as answer:

        async def told() -> AsyncIterator[Any]:
            async for line in answer.aiter_lines():
                if line.startswith("data:") and line != "data:":
                    payload = json.loads(line.removeprefix("data:"))
                    assert "errors" not in payload, payload
                    yield payload["data"]["orderChanged"]

        yield aiter(told())


async def hear(told: AsyncIterator[Any]) -> Any:
    return await asyncio.wait_for(anext(told), 10)


async def test_what_one_worker_does_a_subscriber_of_the_other_hears(database_uri: str) -> None:
    async with running_api(settings_for(database_uri)) as api, workers(database_uri, 2) as (one, two):
        order = await make_order(api.services)
        async with listening(one, bearer(order.user_id), id=order.id) as told:
            assert (await hear(told))["address"] == "1 Long Street"
            change = {"address": "There"}
            await two.http.patch(f"/api/order/{order.id}", json=change, headers=bearer(order.user_id))
            assert (await hear(told))["address"] == "There"
            await make_order(api.services, userId=order.user_id)
            await two.http.post(f"/api/order/refundOrder/{order.id}", headers=ADMIN)
            assert (await hear(told))["refunded"], "of no other order in between"


async def test_a_user_hears_of_each_of_their_orders(database_uri: str) -> None:
    async with running_api(settings_for(database_uri)) as api, workers(database_uri, 1) as (worker,):
        user = unique("user")
        early = await make_order(api.services, userId=user)
        async with listening(worker, bearer(user)) as told:
            first = asyncio.create_task(hear(told))
            # The stream is open once something is heard of; until then it is said again.
            while not first.done():
                await worker.http.patch(f"/api/order/{early.id}", json={"address": "Here"}, headers=ADMIN)
                await asyncio.sleep(0.1)
            assert (await first)["databaseId"] == early.id
            await make_order(api.services)
            late = await make_order(api.services, userId=user)
            heard = await hear(told)
            while heard["databaseId"] == early.id:
                heard = await hear(told)
            assert heard["databaseId"] == late.id


async def first_of(services: Services, caller: Principal, wanted: FindOrder | ListOrders) -> Order:
    async with aclosing(services.orders.watch(caller, wanted)) as changes:
        return await asyncio.wait_for(anext(changes), 10)


async def test_nobody_listens_to_anothers_orders(own_api: Api) -> None:
    services = own_api.services
    order = await make_order(services)
    stranger = Principal(user_id="stranger")
    for caller, wanted, refusal in (
        (Principal(), FindOrder(order.id), Unauthenticated),
        (Principal(), ListOrders(), Unauthenticated),
        (stranger, FindOrder(order.id), Forbidden),
        (stranger, ListOrders(order.user_id), Forbidden),
        (SYSTEM, FindOrder(NONE), OrderNotFound),
    ):
        with pytest.raises(refusal):
            await first_of(services, caller, wanted)
    assert (await first_of(services, Principal(user_id=order.user_id), FindOrder(order.id))).id == order.id


@pytest.mark.parametrize(
    ("headers", "variables", "message"),
    [
        ({}, {"id": "nonsense", "user": "u"}, "Authentication"),
        (bearer("u"), {"id": "nonsense", "user": "u"}, "Give id or userId, not both"),
        (bearer("u"), {"id": "nonsense"}, "id must be a valid ObjectId"),
        (bearer("u"), {"id": " "}, "id is required"),
        (bearer("u"), {"id": NONE}, "Order not Found."),
        (bearer("u"), {"user": "v" * 257}, "You are not allowed to do this"),
        (ADMIN, {"user": "v" * 257}, "userId must be at most 256 characters"),
    ],
)
async def test_who_listens_is_judged_before_what_they_ask_for(
    api: Api, headers: dict[str, str], variables: dict[str, str], message: str
) -> None:
    body = {"query": CHANGED, "variables": variables}
    answer = await api.http.post("/graphql", json=body, headers=headers | {"accept": "text/event-stream"})
    assert message in answer.text


async def test_an_admin_who_names_nobody_hears_of_all(own_api: Api) -> None:
    services = own_api.services
    order = await make_order(services)

    async def change_until_heard() -> None:
        while True:
            await refund_units(services, order.id, "p1", 1)
            await asyncio.sleep(1)

    changes = asyncio.create_task(change_until_heard())
    try:
        assert (await first_of(services, SYSTEM, ListOrders())).id == order.id
    finally:
        changes.cancel()


async def told_until_closed(worker: Worker, shown: str, order_id: str) -> tuple[list[Any], int | None]:
    """What a WebSocket that was opened with a token hears of an order, and the code that it is closed with."""
    async with talk(f"127.0.0.1:{worker.port}") as one:
        await one.begin(authorization=f"Bearer {shown}")
        await one.subscribe("s", CHANGED, variables={"id": order_id})
        heard = []
        with suppress(ConnectionClosed):
            while True:
                heard.append(json.loads(await asyncio.wait_for(one.connection.recv(), 15)))
        return [message["payload"]["data"]["orderChanged"]["address"] for message in heard], one.connection.close_code


async def streamed_until_complete(worker: Worker, shown: str, order_id: str) -> list[Any]:
    body = {"query": CHANGED, "variables": {"id": order_id}}
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {shown}"}
    answer = await worker.http.post("/graphql", json=body, headers=headers)
    *events, comment, complete, _ = answer.text.split("\r\n\r\n")
    assert (comment, complete) == (": Token has expired.", "event: complete\r\ndata: ")
    # Between events there may be heartbeats, which are comments.
    told = [json.loads(event.partition("data: ")[2]) for event in events if not event.startswith(":")]
    return [payload["data"]["orderChanged"]["address"] for payload in told]


@pytest.mark.parametrize("kind", ["default", "admin"])
async def test_nobody_hears_of_an_order_once_their_token_has_ended(database_uri: str, kind: str) -> None:
    async with running_api(settings_for(database_uri)) as api, workers(database_uri, 1) as (worker,):
        order = await make_order(api.services)

        async def move(address: str) -> None:
            moved = await worker.http.patch(f"/api/order/{order.id}", json={"address": address}, headers=ADMIN)
            assert moved.status_code == 200

        expires_at = time.time() + 5
        shown = token(order.user_id, kind, exp=expires_at)
        live = asyncio.gather(
            told_until_closed(worker, shown, order.id), streamed_until_complete(worker, shown, order.id)
        )
        await asyncio.sleep(2.5)
        await move("In time")
        await asyncio.sleep(expires_at - time.time())
        await move("Too late")
        (heard, code), streamed = await live
    assert code == 4403
    assert heard == streamed == ["1 Long Street", "In time"]
