"""Moves of usage reach the outbox once, in the order of their follower, and no follower keeps another waiting."""

import asyncio
from typing import Any

import pytest

from models.usage.follower import Move
from services.kit.messages.outbox import Outbox
from services.registry import utc_now
from services.usage import announcements
from tests.support.api import Api, running_api, settings_for, unique
from tests.support.usage import follow, post


async def move(api: Api, campaign: str, path: str = "add-usage", amount: int = 1) -> None:
    body = {"userId": unique("u"), "campaignId": campaign, "usageAmount": amount}
    answer = await post(api, path, body)
    assert answer.status_code == 200, answer.text


async def told(api: Api) -> list[Any]:
    found = api.services.database.outbox.find({"topic": "couponSystem-usageMoved"}).sort([("at", 1), ("n", 1)])
    return [row["value"] for row in await found.to_list(None)]


async def announce(api: Api) -> int:
    number = await api.services.usage_announcements.announce()
    await asyncio.sleep(0.002)
    return number


async def test_every_move_is_told_of_once_and_in_order(own_api: Api) -> None:
    campaign = await follow(own_api)
    for amount in (3, 1, 2):
        await move(own_api, campaign, amount=amount)
    assert [await announce(own_api), await announce(own_api)] == [3, 0]
    await move(own_api, campaign, "redeem-follower")
    assert await announce(own_api) == 1
    values = await told(own_api)
    assert [(value["amount"], value["move"]) for value in values] == [
        *((amount, Move.ADD.name) for amount in (3, 1, 2)),
        (1, Move.REDEEM.name),
    ]
    assert [value["sequence"] for value in values] == sorted({value["sequence"] for value in values})
    assert {value["campaignId"] for value in values} == {campaign}
    assert await own_api.services.database.usage_ledger.count_documents({"untold": True}) == 0


async def test_what_changes_no_count_is_not_told_of(own_api: Api) -> None:
    campaign = await follow(own_api)
    await post(own_api, "remove-usage", {"userId": "u", "campaignId": campaign, "usageAmount": 1})
    await post(own_api, "check-availability", {"userId": "u", "campaignId": campaign, "usageAmount": 1})
    assert await announce(own_api) == 0


async def test_two_who_announce_tell_once(own_api: Api) -> None:
    campaign = await follow(own_api)
    await asyncio.gather(*(move(own_api, campaign) for _ in range(20)))
    services = own_api.services
    outbox = Outbox(services.database, enabled=True)
    both = [announcements.UsageAnnouncements(services.database, outbox, utc_now) for _ in range(2)]
    assert sum(await asyncio.gather(*(one.announce() for one in both))) == 20
    assert len(await told(own_api)) == 20


async def test_a_follower_that_never_rests_keeps_no_other_waiting(
    own_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcements, "AT_ONCE", 2)
    busy, quiet = await follow(own_api), await follow(own_api)
    for _ in range(5):
        await move(own_api, busy)
    await move(own_api, quiet)
    await announce(own_api)
    await announce(own_api)
    values = await told(own_api)
    assert quiet in {value["campaignId"] for value in values}
    for _ in range(6):
        await announce(own_api)
    sequences = [value["sequence"] for value in await told(own_api) if value["campaignId"] == busy]
    assert sequences == sorted(sequences)
    assert len(sequences) == 5


async def test_where_nobody_listens_no_move_waits(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, kafka_uri=None)) as api:
        await move(api, await follow(api))
        assert await api.services.database.usage_ledger.count_documents({"untold": True}) == 0
