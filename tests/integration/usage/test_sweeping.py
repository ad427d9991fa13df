"""Sweeping only tidies: what it clears counted for nothing before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from models.principal import SYSTEM
from models.usage.commands import (
    CheckUsage,
    Command,
    CreateUsageFollower,
    DeleteUsageFollower,
    EnrolUser,
    FindAvailability,
    MoveUsage,
    RedeemUsage,
    UpsertUsageFollower,
)
from models.usage.follower import FollowerKey, KeyKind, Limits, UsageFollowerNotFound, UsageLimitReached
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
    usage, campaign = services.usage, new_id()
    await usage.create(SYSTEM, CreateUsageFollower(campaign_id=campaign, max_total_limit=5000))
    for n in range(700):
        clock.now += timedelta(milliseconds=10)
        await usage.check(SYSTEM, CheckUsage(campaign_id=campaign, user_id=f"u{n}", usage_amount=2))
    clock.now += timedelta(seconds=57)
    before = await usage.find_availability(SYSTEM, FindAvailability(campaign_id=campaign, user_id="me"))
    assert before is not None
    open_holds = count(database_uri, "usagecounters", {"holdExpiresAt": {"$gt": clock.now}})
    assert open_holds == 300
    assert before.available == 5000 - 2 * open_holds
    assert await usage.sweep() == 700 - open_holds
    assert count(database_uri, "usagecounters", {"held": {"$gt": 0}}) == open_holds
    assert await usage.find_availability(SYSTEM, FindAvailability(campaign_id=campaign, user_id="me")) == before
    assert await usage.sweep() == 0
    check_usage_invariants(database_uri)


async def test_an_expired_hold_counts_for_nothing_however_often_its_counter_moves_in_a_batch(
    services: Services, clock: Clock
) -> None:
    usage, campaign = services.usage, new_id()

    def move(user: str, amount: int | None = None) -> MoveUsage:
        return MoveUsage(campaign_ids=(campaign,), user_id=user, usage_amount=amount)

    await usage.create(SYSTEM, CreateUsageFollower(campaign_id=campaign, max_total_limit=10))
    await usage.add(SYSTEM, move("holder", 4))
    await usage.check(SYSTEM, CheckUsage(campaign_id=campaign, user_id="holder", usage_amount=6))
    clock.now += timedelta(seconds=61)
    given: list[Command] = [
        move("holder").give_back("test"),
        move("holder").give_back("test"),
        move("other", 8).commit("test"),
        RedeemUsage(campaign_id=campaign, user_id="one too many").commit("test"),
    ]
    answers = await services.database.transaction(lambda session: usage.carry_out(session, given))
    assert [isinstance(answer, UsageLimitReached) for answer in answers] == [False, False, False, True]
    found = await usage.find_availability(SYSTEM, FindAvailability(campaign_id=campaign, user_id="other"))
    assert found is not None
    assert (found.total_usage_count, found.available) == (10, 0)


async def test_what_a_batch_counts_and_gives_back_again_stands_in_the_ledger(
    services: Services, database_uri: str
) -> None:
    usage, campaign = services.usage, new_id()
    await usage.create(SYSTEM, CreateUsageFollower(campaign_id=campaign))
    one = MoveUsage(campaign_ids=(campaign,), user_id="u", usage_amount=1)
    await usage.add(SYSTEM, one)
    given: list[Command] = [one.commit("test"), one.give_back("test")]
    answers = await services.database.transaction(lambda session: usage.carry_out(session, given))
    shown = [answer[0].usages[0].used for answer in answers if isinstance(answer, tuple)]
    assert shown == [2, 1]
    assert check_usage_invariants(database_uri) == 3


async def test_the_counters_of_a_deleted_follower_are_removed(services: Services, database_uri: str) -> None:
    usage, campaign = services.usage, new_id()
    made = await usage.create(SYSTEM, CreateUsageFollower(campaign_id=campaign))
    for user in ("one", "two"):
        await usage.redeem(SYSTEM, RedeemUsage(campaign_id=campaign, user_id=user))
    deleted = await usage.delete(SYSTEM, DeleteUsageFollower(FollowerKey(KeyKind.FOLLOWER, made.follower.id)))
    assert sorted(one.user_id for one in deleted.usages) == ["one", "two"]
    assert await usage.sweep() == 2
    assert count(database_uri, "usagecounters", {}) == count(database_uri, "usagegraves", {}) == 0
    assert count(database_uri, "usageledger", {}) == 2


async def test_commands_join_the_transaction_of_whoever_asks(services: Services, database_uri: str) -> None:
    campaign = new_id()
    key = FollowerKey(KeyKind.CAMPAIGN, campaign)
    given: list[Command] = [
        UpsertUsageFollower(key, Limits(max_total_limit=5)),
        EnrolUser(key, "u"),
        MoveUsage(user_id="u", campaign_ids=(campaign,), usage_amount=2).commit("test", cause="event"),
        EnrolUser(key, "u"),
        EnrolUser(FollowerKey(KeyKind.COUPON, campaign), "u"),
        UpsertUsageFollower(key, Limits()),
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
    found = await services.usage.find_availability(SYSTEM, FindAvailability(campaign_id=campaign, user_id="u"))
    assert found is not None
    assert (found.used, found.total_usage_count, found.limits) == (2, 2, ())
    assert check_usage_invariants(database_uri) == 1
