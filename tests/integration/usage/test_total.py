"""The total of all followers moves with them: exact at any moment, whoever makes and deletes them."""

import asyncio
from collections import Counter

from models.principal import SYSTEM
from models.usage.commands import (
    Command,
    CreateUsageFollower,
    DeleteUsageFollower,
    FindUsageFollower,
    FollowerChange,
    UpdateUsageFollower,
    UpsertUsageFollower,
)
from models.usage.follower import FollowerKey, KeyKind, Limits, UsageFollowerAlreadyExists, UsageSnapshot
from models.usage.history import UsageFollowerFilter
from services.migrations.runner import migrate
from services.registry import Services
from tests.support.api import ADMIN, Api
from tests.support.usage import check_usage_invariants, new_id


def delete(made: UsageSnapshot) -> DeleteUsageFollower:
    return DeleteUsageFollower(FollowerKey(KeyKind.FOLLOWER, made.follower.id))


async def test_a_follower_is_in_the_total_while_there_is_one(own_api: Api, other: Services) -> None:
    usage = own_api.services.usage
    assert await usage.count(SYSTEM, UsageFollowerFilter()) == 0
    made = [await usage.create(SYSTEM, CreateUsageFollower(campaign_id=new_id())) for _ in range(3)]
    assert (
        await usage.count(SYSTEM, UsageFollowerFilter()) == await other.usage.count(SYSTEM, UsageFollowerFilter()) == 3
    )
    await other.usage.delete(SYSTEM, delete(made[1]))
    assert (
        await usage.count(SYSTEM, UsageFollowerFilter()) == await other.usage.count(SYSTEM, UsageFollowerFilter()) == 2
    )
    key = FollowerKey(KeyKind.FOLLOWER, made[0].follower.id)
    await usage.update(SYSTEM, UpdateUsageFollower(key, FollowerChange(max_total_limit=7)))
    answer = await own_api.data("{ usageFollowers(first: 1) { totalCount } }", None, ADMIN)
    assert answer["usageFollowers"] == {"totalCount": 2}


async def test_followers_made_and_deleted_in_one_transaction_leave_what_there_is(own_api: Api) -> None:
    services = own_api.services
    keys = [FollowerKey(KeyKind.CAMPAIGN, new_id()) for _ in range(3)]
    made = [UpsertUsageFollower(key, Limits()) for key in keys]
    await services.database.transaction(lambda session: services.usage.carry_out(session, made))
    assert await services.usage.count(SYSTEM, UsageFollowerFilter()) == 3
    found = await services.usage.find(SYSTEM, FindUsageFollower(campaign_id=keys[0].id))
    assert found is not None
    key = FollowerKey(KeyKind.CAMPAIGN, new_id())
    then: list[Command] = [
        DeleteUsageFollower(FollowerKey(KeyKind.FOLLOWER, found.id)),
        made[1],
        UpsertUsageFollower(key, Limits()),
        made[0],
    ]
    await services.database.transaction(lambda session: services.usage.carry_out(session, then))
    assert await services.usage.count(SYSTEM, UsageFollowerFilter()) == 4
    check_usage_invariants(own_api.settings.mongo_uri)


async def test_followers_made_and_deleted_at_once_by_two_processes_are_counted_once_each(
    own_api: Api, other: Services
) -> None:
    both, campaigns = (own_api.services, other), [new_id() for _ in range(20)]

    async def make(number: int) -> str:
        try:
            made = await both[number % 2].usage.create(SYSTEM, CreateUsageFollower(campaign_id=campaigns[number // 2]))
        except UsageFollowerAlreadyExists:
            return "refused"
        if number // 2 % 4 == 0:
            await both[number % 2].usage.delete(SYSTEM, delete(made))
        return "made"

    # Each campaign is asked for by both at once; the deletions of some come between the creations of others.
    done = Counter(await asyncio.gather(*map(make, range(40))))
    stored = await other.database.usage_followers.count_documents({})
    assert done["made"] >= 20
    assert (
        await own_api.services.usage.count(SYSTEM, UsageFollowerFilter())
        == await other.usage.count(SYSTEM, UsageFollowerFilter())
        == stored
        == 15
    )
    check_usage_invariants(own_api.settings.mongo_uri)


async def test_a_total_that_is_missing_is_put_right_at_the_next_start(own_api: Api) -> None:
    database, usage = own_api.services.database, own_api.services.usage
    for _ in range(3):
        await usage.create(SYSTEM, CreateUsageFollower(coupon_id=new_id()))
    await database.counters.delete_many({"family": "usagefollowers"})
    assert await usage.count(SYSTEM, UsageFollowerFilter()) == 0
    await migrate(database, thorough=False)
    assert await usage.count(SYSTEM, UsageFollowerFilter()) == 3
    check_usage_invariants(own_api.settings.mongo_uri)
