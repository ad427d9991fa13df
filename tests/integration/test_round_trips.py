"""How many round trips to MongoDB a verb waits for, alone on an idle server: the table of `docs/performance.md`."""

from collections.abc import Awaitable, Callable

from tests.support.api import ADMIN, Api, bearer, unique
from tests.support.orders import make_order
from tests.support.round_trips import round_trips
from tests.support.usage import follow, post

TRIES = 10
COUNTED = "findAndModify attempts"


async def least(run: Callable[[], Awaitable[object]]) -> tuple[int, list[str]]:
    """How many round trips of `run` wait for one another, and which commands it sends.

    The least of several tries: of two commands that may be under way together the first may happen to be answered
    before the second is sent.
    """
    lengths: set[int] = set()
    for _ in range(TRIES):
        with round_trips() as trips:
            await run()
        lengths.add(trips.in_sequence)
    return min(lengths), sorted(trips.names)


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

    making = [COUNTED, "aggregate coupons", "commitTransaction", "insert coupons", "insert outbox", "update counters"]
    redeeming = [*making[:3], "insert outbox", "insert redemptions", "update counters", "update coupons"]
    await make()
    await make()
    assert await least(make) == (5, sorted(making))
    assert await least(get) == (1, sorted([COUNTED, "find coupons"]))
    assert await least(redeem_as_newcomer) == (6, sorted(redeeming))
    assert await least(redeem_as_owner) == (6, sorted(redeeming))


async def test_of_access_codes(own_api: Api) -> None:
    created = await own_api.http.post("/admin/access-code", json={"maxUses": 1_000, "expiryDays": 3}, headers=ADMIN)
    code = created.json()["data"]["accessCode"]["code"]

    async def redeem() -> None:
        answer = await own_api.http.post("/api/access-code/redeem", json={"code": code, "username": unique("n")})
        assert answer.status_code == 200

    async def validate() -> None:
        assert (await own_api.http.get(f"/api/access-code/validate/{code}")).status_code == 200

    reading = [COUNTED, "aggregate accesscodes"]
    writing = ["insert accesscodeuses", "insert outbox", "update counters", "update accesscodes", "commitTransaction"]
    assert await least(redeem) == (6, sorted([*reading, *writing]))
    assert await least(validate) == (1, sorted([COUNTED, "find accesscodes"]))


async def test_of_usage_followers(own_api: Api) -> None:
    campaign = await follow(own_api, maxTotalLimit=100_000, maxLimitPerCustomer=10_000)

    async def ask(path: str, **body: str | int) -> None:
        answer = await post(own_api, path, {"userId": "u1", **body})
        assert answer.status_code == 200, answer.text

    async def add() -> None:
        await ask("add-usage", campaignId=campaign, usageAmount=2)

    async def check() -> None:
        await ask("check-availability", campaignId=campaign, usageAmount=3)

    async def get() -> None:
        await ask(f"get-availability/{campaign}")

    await add()
    moving = ["aggregate usagefollowers", "commitTransaction", "update usagecounters", "update usagefollowers"]
    assert await least(add) == (5, sorted([*moving, "insert usageledger"]))
    assert await least(get) == (1, ["aggregate usagefollowers"])
    assert await least(check) == (4, moving)
    # With holds that stand it is no more.
    assert await least(add) == (5, sorted([*moving, "insert usageledger"]))


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

    for run in (refund, refund_units):
        assert await least(run) == (4, ["commitTransaction", "find orders", "insert outbox", "update orders"])
