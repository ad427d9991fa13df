"""How many round trips to MongoDB a verb waits for, alone on an idle server: the table of `docs/performance.md`.

The server answers late, so that what does not wait for an answer is sent before it comes, however quick the machine.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from pymongo import MongoClient

from devtools.embedded import EmbeddedMongod
from tests.support.api import ADMIN, Api, bearer, running_api, settings_for, unique
from tests.support.orders import make_order
from tests.support.processes import ROOT
from tests.support.round_trips import round_trips
from tests.support.uris import with_database
from tests.support.usage import follow, post

TRIES = 3
LATENCY = 20
"""Milliseconds that the server takes before it answers."""
SENT = ("aggregate", "commitTransaction", "find", "findAndModify", "insert", "update")
STATED = {
    verb: int(number)
    for verb, number in re.findall(
        r"^\| ([a-z ]+) \| (\d+) \|", (ROOT / "docs/performance.md").read_text(), re.MULTILINE
    )
}
COUNTED = "findAndModify attempts"


@pytest.fixture(scope="module")
def late_mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MongoDB of its own, whose answers can be held up."""
    mongod = EmbeddedMongod(tmp_path_factory.mktemp("late"), parameters={"enableTestCommands": "1"}).start()
    yield mongod.uri
    mongod.stop()


@pytest.fixture
async def own_api(late_mongo: str) -> AsyncIterator[Api]:
    async with running_api(settings_for(with_database(late_mongo, unique("late")))) as api:
        yield api


@contextmanager
def latency(uri: str) -> Iterator[None]:
    """Hold every answer of the server up for as long as this is entered."""
    with MongoClient[dict[str, object]](uri) as client:
        late = {"failCommands": SENT, "blockConnection": True, "blockTimeMS": LATENCY}
        client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=late)
        yield
        client.admin.command("configureFailPoint", "failCommand", mode="off")


async def sends(api: Api, verb: str, run: Callable[[], Awaitable[object]], *commands: str) -> None:
    """Assert that `run` sends these commands, as many in sequence as are stated for the verb.

    The least of several tries: a busy machine may send the second of two late that need not wait for one another.
    """
    lengths: set[int] = set()
    with latency(api.settings.mongo_uri):
        for _ in range(TRIES):
            with round_trips(api.settings.database) as trips:
                await run()
            lengths.add(trips.in_sequence)
    assert sorted(trips.names) == sorted(commands)
    assert min(lengths) == STATED[verb]


async def test_of_coupons(own_api: Api) -> None:
    made: list[tuple[str, str]] = []

    async def make() -> None:
        twitter_id = unique("t")
        body = {"twitterId": twitter_id, "username": "ada", "followers": 5_000}
        answer = await own_api.http.post("/api/coupon", json=body)
        made.append((answer.json()["data"]["code"], twitter_id))

    async def get() -> None:
        assert (await own_api.http.get("/api/coupon", params={"twitterId": made[0][1]})).status_code == 200

    async def redeem(redeemer: dict[str, str | int]) -> None:
        answer = await own_api.http.post("/api/redeem", json={"couponCode": made[0][0], **redeemer})
        assert answer.status_code == 200, answer.text

    async def redeem_as_newcomer() -> None:
        await redeem({"redeemerTwitterId": unique("r"), "username": "bob", "followers": 3_000})

    async def redeem_as_owner() -> None:
        await redeem({"redeemerTwitterId": made.pop()[1]})

    changing = (COUNTED, "aggregate coupons", "insert outbox", "update counters", "commitTransaction")
    await make()
    await make()
    await sends(own_api, "create a coupon", make, *changing, "insert coupons")
    await sends(own_api, "get a coupon", get, COUNTED, "find coupons")
    for redeeming in (redeem_as_newcomer, redeem_as_owner):
        await sends(own_api, "redeem a coupon", redeeming, *changing, "insert redemptions", "update coupons")


async def test_of_access_codes(own_api: Api) -> None:
    created = await own_api.http.post("/admin/access-code", json={"maxUses": 1_000, "expiryDays": 3}, headers=ADMIN)
    code = created.json()["data"]["accessCode"]["code"]

    async def redeem() -> None:
        answer = await own_api.http.post("/api/access-code/redeem", json={"code": code, "username": unique("n")})
        assert answer.status_code == 200

    async def validate() -> None:
        assert (await own_api.http.get(f"/api/access-code/validate/{code}")).status_code == 200

    writing = ("insert accesscodeuses", "insert outbox", "update counters", "update accesscodes", "commitTransaction")
    await sends(own_api, "redeem an access code", redeem, COUNTED, "aggregate accesscodes", *writing)
    await sends(own_api, "validate an access code", validate, COUNTED, "find accesscodes")


async def test_of_usage_followers(own_api: Api) -> None:
    campaign = await follow(own_api, maxTotalLimit=100_000, maxLimitPerCustomer=10_000)

    async def ask(path: str, **body: str | int) -> None:
        answer = await post(own_api, path, {"userId": "u1", **body}, bearer("u1"))
        assert answer.status_code == 200, answer.text

    async def add() -> None:
        await ask("add-usage", campaignId=campaign, usageAmount=2)

    async def check() -> None:
        await ask("check-availability", campaignId=campaign, usageAmount=3)

    async def get() -> None:
        await ask(f"get-availability/{campaign}")

    await add()
    moving = ("aggregate usagefollowers", "update usagecounters", "update usagefollowers", "commitTransaction")
    await sends(own_api, "add usage", add, *moving, "insert usageledger", "update counters")
    await sends(own_api, "get an availability", get, "aggregate usagefollowers")
    await sends(own_api, "check usage", check, *moving)
    # With holds that stand it is no more.
    await sends(own_api, "add usage", add, *moving, "insert usageledger", "update counters")


async def test_of_orders(own_api: Api) -> None:
    orders = [await make_order(own_api.services) for _ in range(2 * TRIES)]

    async def refund() -> None:
        order = orders.pop()
        path = f"/api/order/refundOrder/{order.id}"
        assert (await own_api.http.get(path, headers=bearer(order.user_id))).status_code == 200

    async def refund_units() -> None:
        order = orders.pop()
        path = f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity=1"
        assert (await own_api.http.get(path, headers=bearer(order.user_id))).status_code == 200

    writing = (
        "insert activity",
        "insert refunds",
        "insert outbox",
        "update counters",
        "update orders",
        "commitTransaction",
    )
    await sends(own_api, "refund an order", refund, "find orders", *writing)
    await sends(own_api, "refund units of an order", refund_units, "find orders", *writing)
