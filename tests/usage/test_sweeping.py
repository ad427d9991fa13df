"""Sweeping only tidies: what it clears counted for nothing before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from models import usage_commands as commands
from models.principal import SYSTEM
from models.usage import FollowerKey, KeyKind, UsageFollowerNotFound, UsageLimitReached
from services.migrations.runner import migrate
from services.registry import Services
from tests.support.api import MONGO_DRIVER
from tests.support.usage import check_usage_invariants, new_id


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def services(database_uri: str, clock: Clock) -> Any:
    name = database_uri.rpartition("/")[2].partition("?")[0]
    opened = Services.open(
        mongo_uri=database_uri, database_name=name, mongo_driver=MONGO_DRIVER, usage_hold=60, clock=clock
    )
    await migrate(opened.database)
    yield opened
    await opened.close()


def count(database_uri: str, collection: str, query: dict[str, Any]) -> int:
    with MongoClient[dict[str, Any]](database_uri) as client:
        return client.get_default_database()[collection].count_documents(query)


async def test_expired_holds_are_cleared_and_nothing_else(services: Services, clock: Clock, database_uri: str) -> None:
    usage, named = services.usage, {"campaignId": new_id()}
    await usage.create(SYSTEM, named | {"maxTotalLimit": 5000})
    for n in range(700):
        clock.now += timedelta(milliseconds=10)
        await usage.check(SYSTEM, named | {"userId": f"u{n}", "usageAmount": 2})
    clock.now += timedelta(seconds=57)
    before = await usage.find_availability(SYSTEM, named, {"userId": "me"})
    assert before is not None
    open_holds = count(database_uri, "usagecounters", {"holdExpiresAt": {"$gt": clock.now}})
    assert open_holds == 300
    assert before.available == 5000 - 2 * open_holds
    assert await usage.sweep() == 700 - open_holds
    assert count(database_uri, "usagecounters", {"held": {"$gt": 0}}) == open_holds
    assert await usage.find_availability(SYSTEM, named, {"userId": "me"}) == before
    assert await usage.sweep() == 0
    check_usage_invariants(database_uri)


async def test_an_expired_hold_counts_for_nothing_however_often_its_counter_moves_in_a_batch(
    services: Services, clock: Clock
) -> None:
    usage, campaign = services.usage, new_id()
    named = {"campaignId": campaign}
    await usage.create(SYSTEM, named | {"maxTotalLimit": 10})
    await usage.add(SYSTEM, named | {"userId": "holder", "usageAmount": 4})
    await usage.check(SYSTEM, named | {"userId": "holder", "usageAmount": 6})
    clock.now += timedelta(seconds=61)
    given: list[commands.Command] = [
        commands.remove_usage(SYSTEM, named | {"userId": "holder"}),
        commands.remove_usage(SYSTEM, named | {"userId": "holder"}),
        commands.add_usage(SYSTEM, named | {"userId": "other", "usageAmount": 8}),
        commands.redeem_usage(SYSTEM, named | {"userId": "one too many"}),
    ]
    answers = await services.database.transaction(lambda session: usage.carry_out(session, given))
    assert [isinstance(answer, UsageLimitReached) for answer in answers] == [False, False, False, True]
    found = await usage.find_availability(SYSTEM, named, {"userId": "other"})
    assert found is not None
    assert (found.total_usage_count, found.available) == (10, 0)


async def test_the_counters_of_a_deleted_follower_are_removed(services: Services, database_uri: str) -> None:
    usage, named = services.usage, {"campaignId": new_id()}
    made = await usage.create(SYSTEM, named)
    for user in ("one", "two"):
        await usage.redeem(SYSTEM, named | {"userId": user})
    deleted = await usage.delete(SYSTEM, made.follower.id)
    assert sorted(one.user_id for one in deleted.usages) == ["one", "two"]
    assert await usage.sweep() == 2
    assert count(database_uri, "usagecounters", {}) == count(database_uri, "usagegraves", {}) == 0
    assert count(database_uri, "usageledger", {}) == 2


async def test_commands_join_the_transaction_of_whoever_asks(services: Services, database_uri: str) -> None:
    campaign = new_id()
    key = FollowerKey(KeyKind.CAMPAIGN, campaign)
    given: list[commands.Command] = [
        commands.upsert_follower(SYSTEM, key, {"_id": campaign, "maxTotalLimit": 5, "name": "ignored"}),
        commands.enrol(SYSTEM, key, "u"),
        commands.add_usage(SYSTEM, {"userId": "u", "campaignId": campaign, "usageAmount": 2}, cause="event"),
        commands.enrol(SYSTEM, key, "u"),
        commands.enrol(SYSTEM, FollowerKey(KeyKind.COUPON, campaign), "u"),
        commands.upsert_follower(SYSTEM, key, {"_id": campaign}),
    ]

    async def fail(session: Any) -> None:
        await services.usage.carry_out(session, given)
        raise LookupError

    with pytest.raises(LookupError):
        await services.database.transaction(fail)
    assert count(database_uri, "usagefollowers", {}) == 0
    answers = await services.database.transaction(lambda session: services.usage.carry_out(session, given))
    assert [isinstance(answer, Exception) for answer in answers] == [False, False, False, False, True, False]
    assert isinstance(answers[4], UsageFollowerNotFound)
    found = await services.usage.find_availability(SYSTEM, {"campaignId": campaign}, {"userId": "u"})
    assert found is not None
    assert (found.used, found.total_usage_count, found.limits) == (2, 2, ())
    assert check_usage_invariants(database_uri) == 1
