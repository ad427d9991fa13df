"""Redemptions can be read: by coupon, by both sides, by when; from both ends, flat, by admins alone."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from bson import ObjectId

from models.coupons.coupon import DeleteCoupon, GetCoupon
from models.coupons.redemptions import LedgerEntry, RedemptionFilter
from models.errors import Forbidden, Unauthenticated
from models.pagination import Window
from models.principal import SYSTEM, Principal
from models.values.ids import global_id
from services.coupons.repository import LEDGER
from services.kit.rate_limit import RateLimitPermit
from tests.integration.history.support import check_counts, check_flat, check_walks
from tests.support.api import ADMIN, Api, bearer, unique
from tests.support.round_trips import round_trips

START = datetime(2026, 3, 1, tzinfo=UTC)
ROW = """
    id databaseId couponCode creatorTwitterId redeemerTwitterId newUser points redeemedAt
    coupon { twitterId } redeemerCoupon { twitterId }
"""
LIST = f"""
    query($filter: RedemptionFilter, $first: Int, $after: String, $last: Int, $before: String) {{
      redemptions(filter: $filter, first: $first, after: $after, last: $last, before: $before) {{
        totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {ROW} }}
      }}
    }}
"""


def entries(number: int, seed: int) -> list[LedgerEntry]:
    """Redemptions of three coupons, many at the same instant."""
    draw = random.Random(seed)
    return [
        LedgerEntry(
            id=str(ObjectId()),
            points=10,
            redeemed_at=START + timedelta(minutes=draw.randrange(8)),
            coupon_id=f"{owner:024x}",
            coupon_code=f"AAA{owner}-BBBB",
            creator_twitter_id=f"owner{owner}",
            redeemer_twitter_id=f"redeemer{n}",
            redeemer_coupon_id=str(ObjectId()),
            new_user=draw.random() < 0.5,
        )
        for n, owner in ((n, draw.choice((2, 2, 2, 3, 4))) for n in range(number))
    ]


async def put(api: Api, rows: list[LedgerEntry]) -> None:
    await api.services.database.redemptions.insert_many([LEDGER.dump(row) for row in rows])


def kept(rows: list[LedgerEntry], holds: Callable[[LedgerEntry], bool]) -> list[LedgerEntry]:
    """The rows that a filter leaves, the latest first."""
    return [row for row in sorted(rows, key=lambda row: (row.redeemed_at, row.id), reverse=True) if holds(row)]


FILTERS: list[tuple[RedemptionFilter, Callable[[LedgerEntry], bool]]] = [
    (RedemptionFilter(), lambda _: True),
    (RedemptionFilter(coupon_code="aaa2 bbbb"), lambda row: row.coupon_code == "AAA2-BBBB"),
    (RedemptionFilter(coupon_code="AAA9-BBBB"), lambda _: False),
    (RedemptionFilter(creator_twitter_id="owner3"), lambda row: row.creator_twitter_id == "owner3"),
    (RedemptionFilter(redeemer_twitter_id="redeemer7"), lambda row: row.redeemer_twitter_id == "redeemer7"),
    (RedemptionFilter(start=START + timedelta(minutes=3)), lambda row: row.redeemed_at >= START + timedelta(minutes=3)),
    (RedemptionFilter(end=START + timedelta(minutes=3)), lambda row: row.redeemed_at < START + timedelta(minutes=3)),
    (
        RedemptionFilter(START + timedelta(minutes=2), START + timedelta(minutes=5), "AAA2-BBBB"),
        lambda row: row.coupon_code == "AAA2-BBBB" and 2 <= (row.redeemed_at - START).seconds / 60 < 5,
    ),
    (
        RedemptionFilter(coupon_code="AAA2-BBBB", creator_twitter_id="owner3"),
        lambda _: False,
    ),
]


async def test_every_filter_is_walked_from_both_ends_without_gap_or_double(own_api: Api) -> None:
    rows = entries(80, seed=1)
    await put(own_api, rows)
    redemptions = own_api.services.redemptions
    expected_counts = {wanted: len(kept(rows, holds)) for wanted, holds in FILTERS}
    await check_counts(own_api, partial(redemptions.count, SYSTEM), expected_counts)
    for wanted, holds in FILTERS:
        expected = kept(rows, holds)
        await check_walks(partial(redemptions.window, SYSTEM, wanted), expected)


async def test_every_filter_is_a_walk_over_an_index(own_api: Api) -> None:
    await put(own_api, entries(3_000, seed=2))
    redemptions = own_api.services.redemptions
    for wanted, _ in FILTERS[:-1]:
        query = redemptions.query_of(wanted)
        # A redeemer has one row: there is nothing to sort.
        sorts = wanted.redeemer_twitter_id is not None
        await check_flat(redemptions.collection, query, redemptions.order, sorts=sorts)


async def test_a_redemption_tells_who_redeemed_which_coupon_and_whose(own_api: Api) -> None:
    creator, user = await own_api.coupon(role="creator"), await own_api.coupon(role="creator")
    new = unique("t")
    for body in (
        {"redeemerTwitterId": new, "username": "n", "followers": 2000},
        {"redeemerTwitterId": user["twitterId"]},
    ):
        answer = await own_api.http.post("/api/redeem", json=body | {"couponCode": creator["couponCode"]})
        assert answer.status_code == 200
    page = (await own_api.data(LIST, {}, ADMIN))["redemptions"]
    assert page["totalCount"] == 2
    latest, first = page["nodes"]
    shared = {"couponCode": creator["couponCode"], "creatorTwitterId": creator["twitterId"], "points": 10}
    for row, redeemer, new_user in ((latest, user["twitterId"], False), (first, new, True)):
        assert row["id"] == global_id("Redemption", row["databaseId"])
        mine = {"redeemerTwitterId": redeemer, "newUser": new_user}
        sides = {"coupon": {"twitterId": creator["twitterId"]}, "redeemerCoupon": {"twitterId": redeemer}}
        assert {name: value for name, value in row.items() if name not in ("id", "databaseId", "redeemedAt")} == (
            shared | mine | sides
        )
    query = f"query($id: ID!) {{ node(id: $id) {{ ... on Redemption {{ {ROW} }} }} }}"
    assert (await own_api.data(query, {"id": first["id"]}, ADMIN))["node"] == first
    assert (await own_api.data(query, {"id": first["id"]}))["node"] is None
    page = f"redemptions(first: 1) {{ totalCount nodes {{ {ROW} }} }}"
    of_coupon = f"query($code: String!) {{ coupon(couponCode: $code) {{ {page} }} }}"
    found = await own_api.data(of_coupon, {"code": creator["couponCode"]}, ADMIN)
    assert found["coupon"]["redemptions"] == {"totalCount": 2, "nodes": [latest]}
    made = await own_api.services.coupons.get(RateLimitPermit(SYSTEM), GetCoupon(new))
    await own_api.services.coupons.delete(SYSTEM, DeleteCoupon(made.id))
    found = await own_api.data(LIST, {"filter": {"redeemerTwitterId": new}}, ADMIN)
    assert found["redemptions"]["nodes"] == [first | {"redeemerCoupon": None}]


async def test_rows_of_an_older_system_are_shown_as_far_as_they_know(own_api: Api) -> None:
    row = {"points": 10, "redeemedAt": START, "takenOver": True}
    await own_api.services.database.redemptions.insert_many(
        [
            row | {"redeemerTwitterId": "r", "redeemerCouponId": ObjectId()},
            row | {"couponCode": "OLD", "couponId": ObjectId()},
        ]
    )
    nodes = (await own_api.data(LIST, {}, ADMIN))["redemptions"]["nodes"]
    known = [(node["couponCode"], node["redeemerTwitterId"], node["newUser"]) for node in nodes]
    assert known == [("OLD", None, None), (None, "r", None)]
    assert (await own_api.data(LIST, {"filter": {"couponCode": "old"}}, ADMIN))["redemptions"]["totalCount"] == 1


async def test_a_page_finds_all_its_coupons_in_one_round_trip(own_api: Api) -> None:
    creators = [await own_api.coupon(role="creator") for _ in range(3)]
    for n in range(9):
        body = {"redeemerTwitterId": unique("t"), "username": "n", "followers": 2000}
        await own_api.http.post("/api/redeem", json=body | {"couponCode": creators[n % 3]["couponCode"]})
    with round_trips(own_api.settings.database) as trips:
        page = await own_api.data(f"{{ redemptions {{ nodes {{ {ROW} }} }} }}", headers=ADMIN)
    assert len(page["redemptions"]["nodes"]) == 9
    assert trips.names == ["find redemptions", "find coupons"]


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"from": "2026-01-02", "to": "2026-01-01"}, "to must be later than from"),
    ({"from": "2026-01-02", "to": "2026-01-02"}, "to must be later than from"),
    ({"couponCode": "a\0"}, "couponCode"),
]


@pytest.mark.parametrize(("given", "message"), FAULTS)
async def test_a_filter_that_cannot_be_is_bad_input(api: Api, given: dict[str, Any], message: str) -> None:
    body = await api.graphql(LIST, {"filter": given}, ADMIN)
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", body
    assert any(message in fault for fault in body["errors"][0]["extensions"]["errors"])


async def test_redemptions_are_for_admins(api: Api) -> None:
    redemptions = api.services.redemptions
    for caller, refusal in ((Principal(), Unauthenticated), (Principal(user_id="u"), Forbidden)):
        with pytest.raises(refusal):
            await redemptions.window(caller, RedemptionFilter(), Window())
        with pytest.raises(refusal):
            await redemptions.count(caller, RedemptionFilter())
        with pytest.raises(refusal):
            await redemptions.find_by_id(caller, str(ObjectId()))
    coupon = await api.coupon()
    of_coupon = f'{{ coupon(twitterId: "{coupon["twitterId"]}") {{ redemptions {{ totalCount }} }} }}'
    for headers, code in ((None, "UNAUTHENTICATED"), (bearer("u", "default"), "FORBIDDEN")):
        for query in ("{ redemptions { totalCount } }", of_coupon):
            body = await api.graphql(query, headers=headers)
            assert body["errors"][0]["extensions"]["code"] == code, body
    assert body["data"] == {"coupon": {"redemptions": None}}
