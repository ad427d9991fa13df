"""Moves of usage and followers can be read: by what is followed, by user, by move, by when, by whether any is left."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from bson import ObjectId

from bench.walks import examined_within
from models.errors import Forbidden, Unauthenticated
from models.pagination import Window
from models.principal import SYSTEM, Principal
from models.usage.follower import Move, UsageFollower, UsageMove
from models.usage.history import MovesOfFollower, UsageFollowerFilter, UsageMoveFilter
from services.migrations.m0006_history import run as bring_along
from services.migrations.options import Options
from services.usage.repository import FOLLOWERS, LEDGER, NEWEST_FIRST, followers_query
from tests.integration.history.support import check_counts, check_flat, check_walks
from tests.support.api import ADMIN, Api, bearer
from tests.support.usage import follow, new_id, post

START = datetime(2026, 3, 1, tzinfo=UTC)
COUPON, CAMPAIGN, FOLLOWER = (f"{n:024x}" for n in (1, 2, 3))
MOVES = """
    query($filter: UsageMoveFilter) {
      usageMoves(filter: $filter) {
        totalCount
        nodes { couponId campaignId userId amount move by cause at usageFollower { totalUsageCount } }
      }
    }
"""


def some(number: int, seed: int) -> list[UsageMove]:
    """Moves of a coupon and a campaign, by three users, many at the same instant; the latest first."""
    draw = random.Random(seed)
    return [
        UsageMove(
            follower_id=draw.choice((FOLLOWER, FOLLOWER, COUPON)),
            coupon_id=COUPON if of_coupon else None,
            campaign_id=None if of_coupon else CAMPAIGN,
            user_id=draw.choice("abc"),
            amount=n + 1,
            move=draw.choice((Move.ADD, Move.ADD, Move.ADD, Move.REDEEM, Move.REMOVE)),
            sequence=n,
            by="system",
            cause=None,
            at=START + timedelta(minutes=n // 7),
        )
        for n, of_coupon in ((n, draw.random() < 0.4) for n in range(number))
    ][::-1]


async def put(api: Api, rows: list[UsageMove]) -> None:
    # In the order in which they came, so that of one instant the later has the later id.
    await api.services.database.usage_ledger.insert_many([LEDGER.dump(row) for row in reversed(rows)])


FILTERS: list[tuple[UsageMoveFilter, Callable[[UsageMove], bool]]] = [
    (UsageMoveFilter(), lambda _: True),
    (UsageMoveFilter(coupon_id=COUPON), lambda row: row.coupon_id == COUPON),
    (UsageMoveFilter(campaign_id=CAMPAIGN), lambda row: row.campaign_id == CAMPAIGN),
    (UsageMoveFilter(user_id="b"), lambda row: row.user_id == "b"),
    (UsageMoveFilter(move=Move.REMOVE), lambda row: row.move is Move.REMOVE),
    (
        UsageMoveFilter(campaign_id=CAMPAIGN, move=Move.REDEEM),
        lambda row: row.campaign_id == CAMPAIGN and row.move is Move.REDEEM,
    ),
    (UsageMoveFilter(user_id="c", move=Move.ADD), lambda row: row.user_id == "c" and row.move is Move.ADD),
    (UsageMoveFilter(START + timedelta(minutes=2)), lambda row: row.at >= START + timedelta(minutes=2)),
    (
        UsageMoveFilter(START + timedelta(minutes=2), START + timedelta(minutes=9), coupon_id=COUPON),
        lambda row: row.coupon_id == COUPON and 2 <= (row.at - START).seconds / 60 < 9,
    ),
    (
        MovesOfFollower(campaign_id=CAMPAIGN, follower_id=FOLLOWER),
        lambda row: row.campaign_id == CAMPAIGN and row.follower_id == FOLLOWER,
    ),
]
SEVERAL = (
    UsageMoveFilter(campaign_id=CAMPAIGN, user_id="a"),
    lambda row: row.campaign_id == CAMPAIGN and row.user_id == "a",
)


async def test_every_filter_is_walked_from_both_ends_without_gap_or_double(own_api: Api) -> None:
    rows = some(90, seed=1)
    await put(own_api, rows)
    moves = own_api.services.usage_moves
    filters = (*FILTERS, SEVERAL)
    expected_counts = {wanted: sum(map(holds, rows)) for wanted, holds in filters}
    await check_counts(own_api, partial(moves.count, SYSTEM), expected_counts)
    for wanted, holds in filters:
        expected = [row for row in rows if holds(row)]
        await check_walks(partial(moves.window, SYSTEM, wanted), expected)


async def test_every_filter_is_a_walk_over_an_index(own_api: Api) -> None:
    await put(own_api, some(3_000, seed=2))
    moves = own_api.services.usage_moves
    for wanted, _ in FILTERS:
        await check_flat(moves.collection, moves.query_of(wanted), moves.order, sorts=False)


async def test_a_page_among_many_of_one_instant_reads_hardly_more_than_it_shows(own_api: Api) -> None:
    rows = [replace(row, at=START) for row in some(2_000, seed=3)]
    await put(own_api, rows)
    amounts = [row.amount for row in rows]
    list_moves = partial(own_api.services.usage_moves.window, SYSTEM)
    with examined_within(own_api.settings.mongo_uri, "usageledger") as examined:
        for wanted in (UsageMoveFilter(), UsageMoveFilter(campaign_id=CAMPAIGN), UsageMoveFilter(user_id="a")):
            first = await list_moves(wanted, Window(50))
            second = await list_moves(wanted, Window(50, after=first.edges[-1].cursor))
            back = await list_moves(wanted, Window(20, before=second.edges[30].cursor, backward=True))
            if wanted == UsageMoveFilter():
                assert [edge.node.amount for edge in (*first.edges, *second.edges)] == amounts[:100]
            assert [edge.node for edge in back.edges] == [edge.node for edge in second.edges[10:30]]
    assert len(examined) >= 9
    # The page and one more, of each other kind of move the next; and where most are wanted, some that are not.
    assert max(examined) <= 150


async def test_a_move_tells_who_how_many_which_and_upon_what(own_api: Api) -> None:
    campaign, coupon = await follow(own_api, maxTotalLimit=10), await follow(own_api, couponId=new_id())
    body = {"userId": "ada", "campaignId": campaign, "couponId": coupon, "usageAmount": 3}
    assert (await post(own_api, "add-usage", body, bearer("ada", "default"))).status_code == 200
    assert (await post(own_api, "remove-usage", {**body, "couponId": None, "usageAmount": 1})).status_code == 200
    page = (await own_api.data(MOVES, {"filter": {"campaignId": campaign}}, ADMIN))["usageMoves"]
    shown = [{name: value for name, value in node.items() if name != "at"} for node in page["nodes"]]
    shared = {"couponId": None, "campaignId": campaign, "userId": "ada", "cause": None}
    assert shown == [
        shared | {"amount": -1, "move": "REMOVE", "by": "admin", "usageFollower": {"totalUsageCount": 2}},
        shared | {"amount": 3, "move": "ADD", "by": "ada", "usageFollower": {"totalUsageCount": 2}},
    ]
    of_follower = "query($id: ID!) { usageFollower(couponId: $id) { moves { totalCount nodes { amount couponId } } } }"
    found = await own_api.data(of_follower, {"id": coupon}, ADMIN)
    assert found["usageFollower"]["moves"] == {"totalCount": 1, "nodes": [{"amount": 3, "couponId": coupon}]}
    (row,) = (await own_api.data(MOVES, {"filter": {"move": "REMOVE"}}, ADMIN))["usageMoves"]["nodes"]
    assert row["amount"] == -1


async def test_moves_outlive_their_follower_and_are_not_those_of_the_next(own_api: Api) -> None:
    campaign = await follow(own_api)
    await post(own_api, "redeem-follower", {"userId": "u", "campaignId": campaign})
    (follower,) = await own_api.services.database.usage_followers.find({}).to_list(None)
    await own_api.http.delete(f"/api/usageFollower/delete-follower/{follower['_id']}", headers=ADMIN)
    await follow(own_api, campaignId=campaign)
    (row,) = (await own_api.data(MOVES, {"filter": {"campaignId": campaign}}, ADMIN))["usageMoves"]["nodes"]
    assert (row["move"], row["usageFollower"]) == ("REDEEM", None)
    query = f'{{ usageFollower(campaignId: "{campaign}") {{ moves {{ totalCount }} }} }}'
    assert (await own_api.data(query, headers=ADMIN))["usageFollower"]["moves"]["totalCount"] == 0


async def test_followers_are_narrowed_by_what_they_follow_and_by_whether_any_is_left(own_api: Api) -> None:
    coupon, campaigns = await follow(own_api, couponId=new_id()), [await follow(own_api, maxTotalLimit=2) for _ in "12"]
    usage = own_api.services.usage

    async def found(**wanted: Any) -> list[str]:
        asked = UsageFollowerFilter(**wanted)
        page = await usage.list_window(SYSTEM, asked, Window())
        assert await usage.count(SYSTEM, asked) == len(page.edges)
        return [edge.node.campaign_id or edge.node.coupon_id or "" for edge in page.edges]

    assert await found(exhausted=True) == []
    for n in range(2):
        await post(own_api, "add-usage", {"userId": f"u{n}", "campaignId": campaigns[0], "usageAmount": 1})
    assert await found(exhausted=True) == [campaigns[0]]
    assert await found(exhausted=False) == [campaigns[1], coupon]
    assert await found(coupon_id=coupon) == [coupon]
    assert await found(campaign_id=campaigns[1], exhausted=True) == []
    await post(own_api, "remove-usage", {"userId": "u0", "campaignId": campaigns[0]})
    assert await found(exhausted=True) == []
    change = "mutation($id: ID!) { updateUsageFollower(input: {id: $id, maxTotalLimit: 1}) { __typename } }"
    of_campaign = f'{{ usageFollower(campaignId: "{campaigns[0]}") {{ id exhausted }} }}'
    follower = (await own_api.data(of_campaign, headers=ADMIN))["usageFollower"]
    await own_api.data(change, {"id": follower["id"]}, ADMIN)
    listed = "{ usageFollowers(filter: {exhausted: true}) { totalCount nodes { campaignId exhausted } } }"
    nodes = [{"campaignId": campaigns[0], "exhausted": True}]
    assert (await own_api.data(listed, headers=ADMIN))["usageFollowers"] == {"totalCount": 1, "nodes": nodes}


FOLLOWER_FILTERS = [
    UsageFollowerFilter(),
    UsageFollowerFilter(exhausted=True),
    UsageFollowerFilter(exhausted=False),
    UsageFollowerFilter(coupon_id=f"{77:024x}"),
    UsageFollowerFilter(campaign_id=f"{78:024x}"),
]


def many_followers(number: int) -> list[dict[str, Any]]:
    """Followers of coupons and campaigns in turn, every hundredth of them used up."""
    return [
        FOLLOWERS.dump(
            UsageFollower(
                id=str(ObjectId()),
                coupon_id=f"{n:024x}" if n % 2 else None,
                campaign_id=None if n % 2 else f"{n:024x}",
                created_at=START + timedelta(seconds=n),
                updated_at=START,
                max_total_limit=5,
                total_usage_count=5 if n % 100 == 0 else 4,
            )
        )
        for n in range(number)
    ]


async def test_every_filter_of_followers_is_a_walk_over_an_index(own_api: Api) -> None:
    followers = own_api.services.database.usage_followers
    await followers.insert_many(many_followers(3_000))
    for wanted in FOLLOWER_FILTERS:
        # What is followed has one follower: there is nothing to sort.
        sorts = wanted.coupon_id is not None or wanted.campaign_id is not None
        await check_flat(followers, followers_query(wanted), NEWEST_FIRST, sorts=sorts)


async def test_followers_of_an_earlier_release_are_brought_along_once_and_in_constant_time(own_api: Api) -> None:
    database = own_api.services.database
    await database.usage_followers.insert_many(many_followers(1_200))
    await database.usage_followers.update_many({}, {"$unset": {"exhausted": ""}})
    assert await bring_along(database, Options()) == 1_200
    assert await database.usage_followers.count_documents({"exhausted": True}) == 12
    # A process of the last release moves counts and does not say what follows from them.
    await database.usage_followers.update_many({"exhausted": False}, {"$inc": {"totalUsageCount": 1}})
    assert await bring_along(database, Options(thorough=False)) == 0
    assert await bring_along(database, Options(thorough=True)) == 1_188
    stale = await database.usage_followers.find({"exhausted": None}).limit(1).explain()
    assert stale["executionStats"]["totalDocsExamined"] == 0


async def test_moves_and_lists_of_followers_are_for_admins(api: Api) -> None:
    moves, usage = api.services.usage_moves, api.services.usage
    for caller, refusal in ((Principal(), Unauthenticated), (Principal(user_id="u"), Forbidden)):
        with pytest.raises(refusal):
            await moves.window(caller, UsageMoveFilter(), Window())
        with pytest.raises(refusal):
            await moves.count(caller, UsageMoveFilter())
        with pytest.raises(refusal):
            await usage.list_window(caller, UsageFollowerFilter(), Window())
        with pytest.raises(refusal):
            await usage.count(caller, UsageFollowerFilter())
    campaign = await follow(api)
    user = bearer("u", "default")
    body = await api.graphql(f'{{ usageFollower(campaignId: "{campaign}") {{ moves {{ totalCount }} }} }}', None, user)
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert body["data"] == {"usageFollower": {"moves": None}}
    for headers, code in ((None, "UNAUTHENTICATED"), (user, "FORBIDDEN")):
        body = await api.graphql("{ usageMoves { totalCount } }", None, headers)
        assert body["errors"][0]["extensions"]["code"] == code
