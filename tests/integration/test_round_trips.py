"""How many round trips to MongoDB a verb waits for, alone on an idle server: the table of `docs/performance.md`."""

from collections.abc import Awaitable, Callable

from tests.support.api import Api, unique
from tests.support.round_trips import round_trips

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
