"""The filters of the list of coupons: what they leave, by GraphQL and REST, and that each is a walk over an index."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bench.seeds import coupons as seeds
from models.coupons.coupon import Coupon, CouponFilter, CouponRole
from models.pagination import Window
from models.principal import SYSTEM
from services.coupons.repository import COUPONS, MOST_USED, NEWEST_FIRST, query_of
from services.migrations.m0006_history import run as bring_along
from services.migrations.options import Options
from tests.integration.history.support import check_counts, check_flat, check_walks
from tests.support.api import ADMIN, Api

FIRST, *_ = seeds(1)
START = FIRST.created_at


def some(number: int, seed: int, *, inactive: float = 0.1) -> list[Coupon]:
    """Coupons of both roles, a few switched off, several made in the same second."""
    draw = random.Random(seed)
    return [
        replace(
            one,
            role=draw.choice([*CouponRole]),
            active=draw.random() >= inactive,
            created_at=START + timedelta(seconds=draw.randrange(number // 2)),
        )
        for one in seeds(number)
    ]


async def put(api: Api, coupons: list[Coupon]) -> None:
    await api.services.database.coupons.insert_many([COUPONS.dump(one) for one in coupons])


def within(first: int, last: int) -> Callable[[Coupon], bool]:
    return lambda one: first <= (one.created_at - START).total_seconds() < last


FILTERS: list[tuple[CouponFilter, Callable[[Coupon], bool]]] = [
    (CouponFilter(), lambda _: True),
    (CouponFilter(active=True), lambda one: one.active),
    (CouponFilter(active=False), lambda one: not one.active),
    (CouponFilter(role=CouponRole.CREATOR), lambda one: one.role == CouponRole.CREATOR),
    (CouponFilter(role=CouponRole.USER, active=False), lambda one: one.role == CouponRole.USER and not one.active),
    (CouponFilter(start=START + timedelta(seconds=20)), within(20, 10**6)),
    (CouponFilter(end=START + timedelta(seconds=20)), within(0, 20)),
    (
        CouponFilter(START + timedelta(seconds=5), START + timedelta(seconds=25), active=True),
        lambda one: one.active and within(5, 25)(one),
    ),
    (CouponFilter(coupon_code="222 22-2B"), lambda one: "222222B" in one.coupon_code.replace("-", "")),
    (CouponFilter(coupon_code="22b"), lambda one: "22B" in one.coupon_code.replace("-", "")),
    (CouponFilter(coupon_code="22-22b"), lambda one: "2222B" in one.coupon_code.replace("-", "")),
    (CouponFilter(coupon_code="2222-2"), lambda one: "22222" in one.coupon_code.replace("-", "")),
    (CouponFilter(coupon_code="23"), lambda one: "23" in one.coupon_code.replace("-", "")),
    (CouponFilter(coupon_code="nothing"), lambda _: False),
    (CouponFilter(username="RARE", active=True), lambda one: "rare" in one.username and one.active),
]


async def test_every_filter_leaves_what_it_says_from_both_ends(own_api: Api) -> None:
    rows = some(90, seed=3)
    await put(own_api, rows)
    await own_api.services.audit.repair(SYSTEM)
    coupons = own_api.services.coupons
    newest = sorted(rows, key=lambda one: (one.created_at, one.id), reverse=True)
    expected_counts = {wanted: len([one for one in newest if holds(one)]) for wanted, holds in FILTERS}
    await check_counts(own_api, partial(coupons.count, SYSTEM), expected_counts)
    for wanted, holds in FILTERS:
        expected = [one for one in newest if holds(one)]
        await check_walks(partial(coupons.list_window, SYSTEM, wanted, NEWEST_FIRST), expected)
        by_use = await coupons.list_window(SYSTEM, wanted, MOST_USED, Window(100))
        assert sorted(edge.node.id for edge in by_use.edges) == sorted(one.id for one in expected)


async def test_every_filter_is_a_walk_over_an_index(own_api: Api) -> None:
    await put(own_api, some(4_000, seed=4, inactive=0.01))
    for wanted, _ in FILTERS:
        searches = wanted.coupon_code is not None or wanted.username is not None
        await check_flat(own_api.services.database.coupons, query_of(wanted), NEWEST_FIRST, sorts=searches)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("active=false", ["seed1"]),
        ("couponCode=2222-2223", ["seed1"]),
        ("from=2025-01-01T00:00:02.000Z", ["seed3", "seed2"]),
        ("from=2025-01-01T00:00:01.000Z&to=2025-01-01T00:00:03.000Z&limit=100", ["seed2", "seed1"]),
    ],
)
async def test_rest_takes_them_too(own_api: Api, query: str, expected: list[str]) -> None:
    await put(own_api, [replace(one, active=one.twitter_id != "seed1") for one in seeds(4)])
    answer = await own_api.http.get(f"/admin/coupons?{query}", headers=ADMIN)
    data = answer.json()["data"]
    assert [one["twitterId"] for one in data["coupons"]] == expected
    assert data["pagination"]["total"] == len(expected)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("active=yes", "active must be true or false"),
        ("from=yesterday", "from must be an instant such as 2023-01-15T12:00:00.000Z"),
        ("from=2025-01-02&to=2025-01-01", "to must be later than from"),
    ],
)
async def test_a_parameter_that_cannot_be_is_bad_input(api: Api, query: str, message: str) -> None:
    answer = await api.http.get(f"/admin/coupons?{query}", headers=ADMIN)
    assert (answer.status_code, answer.json()["errors"]) == (400, [message])


async def test_coupons_of_an_earlier_release_are_brought_along_once_and_in_constant_time(own_api: Api) -> None:
    database = own_api.services.database
    await put(own_api, some(1_500, seed=5))
    await database.coupons.update_many({}, {"$unset": {"codeTrigrams": ""}})
    await database.coupons.create_index([("role", 1), ("createdAt", -1), ("_id", -1)], name="role")
    assert await bring_along(database, Options()) == 1_500
    assert "role" not in await database.coupons.index_information()
    wanted = CouponFilter(coupon_code="22222B")
    found = await own_api.services.coupons.list_window(SYSTEM, wanted, NEWEST_FIRST, Window(100))
    assert found.edges
    assert await bring_along(database, Options()) == 0
    stale = await database.coupons.find({"codeTrigrams": None, "codeKey": {"$exists": True}}).limit(1).explain()
    assert stale["executionStats"]["totalDocsExamined"] == 0
