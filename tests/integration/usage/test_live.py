"""Live availability: told at once, then on every change, whoever makes it and wherever; and nothing is left behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from models.principal import SYSTEM
from models.usage.commands import FindAvailability
from services.kit.change_streams import MOST_CHANGED, ChangeFeed
from tests.support.api import ADMIN, Api, token
from tests.support.talk import Talk, talk
from tests.support.usage import BASE, follow, new_id, post
from tests.support.workers import Worker, workers

SUBSCRIPTION = """
    subscription($campaign: ID, $coupon: ID, $user: String) {
      usageAvailabilityChanged(campaignId: $campaign, couponId: $coupon, userId: $user) {
        available used held totalUsageCount
      }
    }
"""


@asynccontextmanager
async def two_workers(database_uri: str) -> AsyncIterator[tuple[Worker, Worker]]:
    async with workers(database_uri, 2, USAGE_HOLD="2") as (one, two):
        yield one, two


async def call(worker: Worker, path: str, body: Any) -> httpx.Response:
    answer = await worker.http.post(f"{BASE}/{path}", json=body, headers=ADMIN)
    assert answer.status_code < 300, answer.text
    return answer


@asynccontextmanager
async def listening(worker: Worker, caller: str, **variables: Any) -> AsyncIterator[Talk]:
    async with talk(f"127.0.0.1:{worker.port}") as one:
        await one.begin(authorization=f"Bearer {token(caller)}")
        await one.subscribe("s", SUBSCRIPTION, variables=variables)
        yield one


async def told(one: Talk) -> Any:
    message = await one.hear()
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    return message["payload"]["data"]["usageAvailabilityChanged"]


async def told_until(one: Talk, **expected: Any) -> list[Any]:
    """Everything that is told up to what is expected."""
    heard = []
    while True:
        heard.append(await told(one))
        if heard[-1] is not None and heard[-1] | expected == heard[-1]:
            return heard


async def test_what_one_worker_writes_a_listener_at_the_other_hears(database_uri: str) -> None:
    async with two_workers(database_uri) as (writer, other):
        campaign = new_id()
        async with listening(other, "me", campaign=campaign) as one:
            assert await told(one) is None
            await call(writer, "create-follower", {"campaignId": campaign, "maxTotalLimit": 100})
            assert await told(one) == {"available": 100, "used": 0, "held": 0, "totalUsageCount": 0}
            await call(writer, "add-usage", {"userId": "me", "campaignId": campaign, "usageAmount": 3})
            assert await told(one) == {"available": 97, "used": 3, "held": 0, "totalUsageCount": 3}
            # A hold of somebody else is heard when it comes, and when it expires, which nobody writes.
            await call(writer, "check-availability", {"userId": "you", "campaignId": campaign, "usageAmount": 40})
            assert (await told(one))["available"] == 57
            assert (await told(one))["available"] == 97


async def test_a_storm_of_changes_is_told_at_most_ten_times_a_second_and_to_its_end(database_uri: str) -> None:
    async with two_workers(database_uri) as both:
        campaign = new_id()
        await call(both[0], "create-follower", {"campaignId": campaign})
        async with listening(both[1], "me", campaign=campaign) as one:
            await told(one)
            clock = asyncio.get_running_loop().time
            started = clock()
            add = {"campaignId": campaign, "usageAmount": 1}
            adds = [call(both[n % 2], "add-usage", add | {"userId": f"u{n}"}) for n in range(300)]
            heard, *_ = await asyncio.gather(told_until(one, totalUsageCount=300), *adds)
            assert len(heard) <= 10 * (clock() - started) + 2
        counts = [message["totalUsageCount"] for message in heard]
        assert counts == sorted(counts)


async def test_who_listens_is_judged_as_who_asks(database_uri: str) -> None:
    async with two_workers(database_uri) as (one_worker, _):
        campaign = new_id()
        await call(one_worker, "create-follower", {"campaignId": campaign})
        for variables, code in (
            ({"campaign": campaign, "user": "you"}, "FORBIDDEN"),
            ({"campaign": campaign, "coupon": new_id()}, "BAD_USER_INPUT"),
            ({}, "BAD_USER_INPUT"),
        ):
            async with listening(one_worker, "me", **variables) as one:
                message = await one.hear()
                errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
                assert errors[0]["extensions"]["code"] == code


async def first_of(api: Api, campaign: str) -> Any:
    stream = api.services.usage.watch(SYSTEM, FindAvailability(campaign_id=campaign, user_id="me"))
    return stream, await anext(stream)


async def test_the_stream_opens_with_the_first_listener_and_closes_after_the_last(api: Api) -> None:
    feed, campaign = api.services.usage._live.feed, await follow(api)
    assert not feed.is_open
    one, _ = await first_of(api, campaign)
    two, _ = await first_of(api, campaign)
    task = feed._task
    await one.aclose()
    await asyncio.sleep(1.2)
    assert feed._task is task
    await two.aclose()
    for _ in range(40):
        await asyncio.sleep(0.1)
        if not feed.is_open:
            break
    assert not feed.is_open
    assert feed._listeners == {}
    again, availability = await first_of(api, campaign)
    assert availability is not None
    await again.aclose()


async def test_a_listener_who_does_not_look_costs_a_flag(api: Api) -> None:
    campaign = await follow(api)
    collection = api.services.database.usage_followers
    feed = ChangeFeed(collection, lambda _: ["all"])
    async with feed.listen(["all"]) as listener:
        for n in range(30):
            await post(api, "add-usage", {"userId": f"u{n}", "campaignId": campaign, "usageAmount": 1})
        await asyncio.sleep(0.5)
        assert len(listener.changed) == 1
        listener.clear()
        for n in range(3 * MOST_CHANGED):
            listener.notify(n)
        assert len(listener.changed) == MOST_CHANGED
    await feed.close()


async def kill_change_streams(api: Api) -> int:
    """End every change stream on the server, as a failover does; answers how many there were."""
    client = api.services.database.client
    steps: list[dict[str, Any]] = [{"$currentOp": {"idleCursors": True, "localOps": True}}]
    found = await client.admin.command("aggregate", 1, pipeline=steps, cursor={"batchSize": 10_000})
    killed = 0
    for operation in found["cursor"]["firstBatch"]:
        cursor = operation.get("cursor") or {}
        pipeline = cursor.get("originatingCommand", {}).get("pipeline") or [{}]
        if "$changeStream" in pipeline[0] and operation.get("ns", "").endswith(".usagefollowers"):
            collection = operation["ns"].partition(".")[2]
            await api.services.database._database.command("killCursors", collection, cursors=[cursor["cursorId"]])
            killed += 1
    return killed


async def test_a_stream_that_breaks_is_taken_up_where_it_broke(own_api: Api) -> None:
    campaign = await follow(own_api)
    stream, first = await first_of(own_api, campaign)
    assert first is not None
    killed = 0
    while not killed:
        killed = await kill_change_streams(own_api)
    await post(own_api, "add-usage", {"userId": "you", "campaignId": campaign, "usageAmount": 4})
    told_next = await asyncio.wait_for(anext(stream), 15)
    assert told_next is not None
    assert told_next.total_usage_count == 4
    await stream.aclose()


@pytest.mark.parametrize("listeners", [50])
async def test_many_listeners_of_one_campaign_share_their_look_ups(api: Api, listeners: int) -> None:
    campaign = await follow(api, maxTotalLimit=1000)
    streams = [
        api.services.usage.watch(SYSTEM, FindAvailability(campaign_id=campaign, user_id=f"u{n}"))
        for n in range(listeners)
    ]
    asked: list[int] = []
    plain = api.services.usage._availabilities._find

    async def counted(questions: Any) -> Any:
        asked.append(len(questions))
        return await plain(questions)

    await asyncio.gather(*map(anext, streams))
    api.services.usage._availabilities._find = counted
    try:
        await post(api, "add-usage", {"userId": "you", "campaignId": campaign, "usageAmount": 7})
        seen = await asyncio.wait_for(asyncio.gather(*map(anext, streams)), 15)
    finally:
        api.services.usage._availabilities._find = plain
    assert {one.available for one in seen if one is not None} == {993}
    assert len(asked) < listeners / 2
    await asyncio.gather(*(stream.aclose() for stream in streams))
