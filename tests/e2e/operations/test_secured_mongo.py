"""MongoDB as it is hosted: over TLS, by a user who has `readWrite` on one database and nothing else."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.api import ADMIN, bearer, running_api, settings_for
from tests.support.mongo_servers import QUOTED, Secured, secured_mongod
from tests.support.orders import make_order
from tests.support.processes import environment, run
from tests.support.workers import Worker, workers

SHOP = "shop"
WATCHED = "subscription ($id: ID) { orderChanged(id: $id) { address } }"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured_mongod(tmp_path_factory.mktemp("secured"), SHOP) as server:
        yield server


async def addresses(worker: Worker, order_id: str, heard: list[str]) -> None:
    """Hear of an order by a change stream of MongoDB."""
    body = {"query": WATCHED, "variables": {"id": order_id}}
    async with worker.http.stream(
        "POST", "/graphql", json=body, headers=ADMIN | {"accept": "text/event-stream"}
    ) as told:
        async for line in told.aiter_lines():
            if line.startswith("data: {"):
                order = json.loads(line.removeprefix("data: "))["data"]["orderChanged"]
                heard.append(order["address"])  # each as it comes


async def redeemed(http: httpx.AsyncClient) -> Any:
    made = await http.post("/api/coupon", json={"twitterId": "1", "username": "ada", "followers": 1500})
    code = made.json()["data"]["code"]
    body = {"redeemerTwitterId": "2", "username": "grace", "followers": 2000, "couponCode": code}
    return await http.post("/api/redeem", json=body, headers={"idempotency-key": "once"})


async def test_a_user_who_may_read_and_write_one_database_suffices(secured: Secured) -> None:
    uri = secured.uri(SHOP)
    async with running_api(settings_for(uri)) as api, workers(uri, 1) as (worker,):
        answer = await redeemed(worker.http)
        assert (answer.status_code, answer.json()["data"]["newUser"]) == (200, True)
        order, heard = await make_order(api.services), list[str]()
        hearing = asyncio.create_task(addresses(worker, str(order.id), heard))
        for number in range(600):
            change = {"address": f"Street {number}"}
            changed = await api.http.patch(f"/api/order/{order.id}", json=change, headers=bearer(order.user_id))
            assert changed.status_code == 200, changed.text
            if len(set(heard)) > 1:
                break
            await asyncio.sleep(0.1)
        hearing.cancel()
        assert len(set(heard)) > 1
        activity = await api.http.get("/admin/activity", headers=ADMIN)
        assert activity.status_code == 200
    done = await asyncio.to_thread(run, "audit", variables=environment(MONGO_URI=uri))
    assert done.returncode == 0, done.stderr
    assert QUOTED not in done.stderr + done.stdout
