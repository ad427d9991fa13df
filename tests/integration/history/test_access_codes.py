"""Uses of access codes can be read, and lists of codes are narrowed by description, maker, batch and when."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from bson import ObjectId

from bench.seeds import access_codes as seeds
from models.access_codes.access_code import (
    AccessCode,
    AccessCodeFilter,
    AccessCodeUse,
    AccessCodeUseFilter,
    DeleteAccessCode,
)
from models.errors import Forbidden, Unauthenticated
from models.pagination import Window
from models.principal import SYSTEM, Principal
from services.access_codes.repository import ACCESS_CODES, NEWEST_FIRST, USES, query_for
from services.migrations.m0006_history import run as bring_along
from services.migrations.options import Options
from tests.integration.access_codes.support import make_code, redeem
from tests.integration.history.support import check_counts, check_flat, check_walks
from tests.support.api import ADMIN, Api, bearer

START = datetime(2026, 3, 1, tzinfo=UTC)
USES_LIST = """
    query($filter: AccessCodeUseFilter) {
      accessCodeUses(filter: $filter) {
        totalCount nodes { code batch username twitterId redeemedAt accessCode { usedCount } }
      }
    }
"""


def some_uses(number: int, seed: int) -> list[AccessCodeUse]:
    """Uses of three codes, one of a batch, many at the same instant; the latest first."""
    draw = random.Random(seed)
    rows = [
        AccessCodeUse(
            id=str(ObjectId()),
            code_id=f"{kind:024x}",
            code=f"CODE0{kind}",
            description="Beta access code",
            expires_at=START,
            created_at=START,
            username=f"user{n // 2}",
            redeemed_at=START + timedelta(minutes=draw.randrange(9)),
            twitter_id=None,
            batch="spring" if kind == 2 else None,
        )
        for n, kind in ((n, (0, 1, 2)[n % 3]) for n in range(number))
    ]
    return sorted(rows, key=lambda row: (row.redeemed_at, row.id), reverse=True)


USES_FILTERS: list[tuple[AccessCodeUseFilter, Callable[[AccessCodeUse], bool]]] = [
    (AccessCodeUseFilter(), lambda _: True),
    (AccessCodeUseFilter(code=" code01"), lambda row: row.code == "CODE01"),
    (AccessCodeUseFilter(code="nothing"), lambda _: False),
    (AccessCodeUseFilter(batch="spring"), lambda row: row.batch == "spring"),
    (AccessCodeUseFilter(username="user3"), lambda row: row.username == "user3"),
    (AccessCodeUseFilter(START + timedelta(minutes=4)), lambda row: row.redeemed_at >= START + timedelta(minutes=4)),
    (
        AccessCodeUseFilter(START + timedelta(minutes=2), START + timedelta(minutes=6), code="CODE00"),
        lambda row: row.code == "CODE00" and 2 <= (row.redeemed_at - START).seconds / 60 < 6,
    ),
]


async def test_every_filter_of_uses_is_walked_from_both_ends_without_gap_or_double(own_api: Api) -> None:
    rows = some_uses(84, seed=1)
    uses = own_api.services.access_code_uses
    await uses.collection.insert_many([*map(USES.dump, rows)])
    expected_counts = {wanted: len([row for row in rows if holds(row)]) for wanted, holds in USES_FILTERS}
    await check_counts(own_api, partial(uses.count, SYSTEM), expected_counts)
    for wanted, holds in USES_FILTERS:
        expected = [row for row in rows if holds(row)]
        await check_walks(partial(uses.window, SYSTEM, wanted), expected)


async def test_every_filter_of_uses_is_a_walk_over_an_index(own_api: Api) -> None:
    uses = own_api.services.access_code_uses
    await uses.collection.insert_many([*map(USES.dump, some_uses(3_000, seed=2))])
    for wanted, _ in USES_FILTERS:
        await check_flat(uses.collection, uses.query_of(wanted), uses.order, sorts=False)


async def test_a_use_tells_who_used_which_code_also_once_it_is_deleted(own_api: Api) -> None:
    codes = [await make_code(own_api, maxUses=3) for _ in "12"]
    for code, user in ((codes[0], "ada"), (codes[1], "ada"), (codes[0], "grace")):
        assert (await redeem(own_api, code, user)).status_code == 200
    page = (await own_api.data(USES_LIST, {}, ADMIN))["accessCodeUses"]
    told = [(node["code"], node["username"], node["accessCode"]["usedCount"]) for node in page["nodes"]]
    assert told == [(codes[0], "grace", 2), (codes[1], "ada", 1), (codes[0], "ada", 2)]
    await own_api.services.access_codes.delete(SYSTEM, DeleteAccessCode(codes[0]))
    page = (await own_api.data(USES_LIST, {"filter": {"code": codes[0].lower()}}, ADMIN))["accessCodeUses"]
    assert page["totalCount"] == 2
    assert [node["accessCode"] for node in page["nodes"]] == [None, None]
    page = (await own_api.data(USES_LIST, {"filter": {"username": "ada"}}, ADMIN))["accessCodeUses"]
    assert [node["code"] for node in page["nodes"]] == [codes[1], codes[0]]


async def test_uses_of_a_batch_are_found_by_it_those_of_an_earlier_release_too(own_api: Api) -> None:
    database = own_api.services.database
    codes = [await make_code(own_api, maxUses=5) for _ in range(4)]
    await database.access_codes.update_many({"code": {"$in": codes[:3]}}, {"$set": {"batch": "spring"}})
    for code in codes:
        await redeem(own_api, code, "ada")
    found = (await own_api.data(USES_LIST, {"filter": {"batch": "spring"}}, ADMIN))["accessCodeUses"]
    assert [node["code"] for node in found["nodes"]] == codes[2::-1]
    await database.access_code_uses.update_many({}, {"$unset": {"batch": ""}})
    assert await bring_along(database, Options(thorough=True)) == 3
    again = (await own_api.data(USES_LIST, {"filter": {"batch": "spring"}}, ADMIN))["accessCodeUses"]
    assert again == found
    assert await bring_along(database, Options(thorough=True)) == 0


DESCRIPTIONS = ("Beta access code", "Sommer für Straße 7", "100% off", "spring")


def some_codes(number: int, seed: int, rare: int) -> list[AccessCode]:
    """Codes of four descriptions and two makers, one in `rare` of each but the first; the newest first."""
    draw = random.Random(seed)
    rows = [
        replace(
            one,
            description=draw.choice(DESCRIPTIONS[1:]) if draw.randrange(rare) == 0 else DESCRIPTIONS[0],
            created_by="ops" if draw.randrange(rare) == 0 else "admin",
            used_count=0,
            batch="b1" if draw.randrange(rare) == 0 else None,
        )
        for one in seeds(number)
    ]
    return rows[::-1]


MADE = next(iter(seeds(1))).created_at
FILTERS: list[tuple[AccessCodeFilter, Callable[[AccessCode], bool]]] = [
    (AccessCodeFilter(), lambda _: True),
    (AccessCodeFilter(description="STRASSE"), lambda one: "Straße" in one.description),
    (AccessCodeFilter(description="0% o"), lambda one: one.description == "100% off"),
    (AccessCodeFilter(description="ccess"), lambda one: one.description == DESCRIPTIONS[0]),
    (AccessCodeFilter(description="nothing"), lambda _: False),
    (AccessCodeFilter(created_by="ops"), lambda one: one.created_by == "ops"),
    (AccessCodeFilter(batch="b1"), lambda one: one.batch == "b1"),
    (
        AccessCodeFilter(MADE + timedelta(seconds=10), MADE + timedelta(seconds=40)),
        lambda one: 10 <= (one.created_at - MADE).total_seconds() < 40,
    ),
    (
        AccessCodeFilter(MADE + timedelta(seconds=10), description="beta"),
        lambda one: one.description == DESCRIPTIONS[0] and (one.created_at - MADE).total_seconds() >= 10,
    ),
]


async def test_every_filter_of_codes_leaves_what_it_says_from_both_ends(own_api: Api) -> None:
    rows = some_codes(80, seed=3, rare=3)
    codes = own_api.services.access_codes
    await own_api.services.database.access_codes.insert_many([*map(ACCESS_CODES.dump, rows)])
    await own_api.services.audit.repair(SYSTEM)
    expected_counts = {wanted: len([one for one in rows if holds(one)]) for wanted, holds in FILTERS}
    await check_counts(own_api, partial(codes.count, SYSTEM), expected_counts)
    for wanted, holds in FILTERS:
        expected = [one for one in rows if holds(one)]
        await check_walks(partial(codes.list_window, SYSTEM, wanted), expected)


async def test_every_filter_of_codes_is_a_walk_over_an_index(own_api: Api) -> None:
    codes = own_api.services.database.access_codes
    await codes.insert_many([*map(ACCESS_CODES.dump, some_codes(4_000, seed=4, rare=100))])
    for wanted, _ in FILTERS:
        query = await query_for(codes, wanted, START)
        # Where no description holds the part there is nothing to sort.
        await check_flat(codes, query, NEWEST_FIRST, sorts=wanted.description == "nothing")


async def test_descriptions_are_skipped_through(own_api: Api) -> None:
    codes = own_api.services.database.access_codes
    await codes.insert_many([*map(ACCESS_CODES.dump, some_codes(2_000, seed=5, rare=100))])
    await own_api.services.database.client[own_api.settings.database].command("profile", 2)
    query = await query_for(codes, AccessCodeFilter(description="straße"), START)
    assert query == {"description": {"$in": ["Sommer für Straße 7"]}}
    profile = own_api.services.database.collection("system.profile")
    (asked,) = await profile.find({"op": "command", "command.aggregate": "accesscodes"}).to_list(None)
    assert (asked["planSummary"].partition(" ")[0], asked["docsExamined"]) == ("DISTINCT_SCAN", 0)
    assert asked["keysExamined"] <= 10


async def test_rest_takes_them_too(own_api: Api) -> None:
    rows = some_codes(60, seed=6, rare=3)
    await own_api.services.database.access_codes.insert_many([*map(ACCESS_CODES.dump, rows)])
    answer = await own_api.http.get("/admin/access-codes?description=off&createdBy=ops&limit=100", headers=ADMIN)
    expected = [one.code for one in rows if one.description == "100% off" and one.created_by == "ops"]
    data = answer.json()["data"]
    assert [one["code"] for one in data["accessCodes"]] == expected
    assert data["pagination"]["total"] == len(expected)
    answer = await own_api.http.get("/admin/access-codes?from=x", headers=ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_USER_INPUT")


async def test_uses_are_for_admins(api: Api) -> None:
    uses = api.services.access_code_uses
    for caller, refusal in ((Principal(), Unauthenticated), (Principal(user_id="u"), Forbidden)):
        with pytest.raises(refusal):
            await uses.window(caller, AccessCodeUseFilter(), Window())
        with pytest.raises(refusal):
            await uses.count(caller, AccessCodeUseFilter())
    asked: list[tuple[dict[str, str] | None, str]] = [
        (None, "UNAUTHENTICATED"),
        (bearer("u", "default"), "FORBIDDEN"),
    ]
    for headers, code in asked:
        body: dict[str, Any] = await api.graphql("{ accessCodeUses { totalCount } }", None, headers)
        assert body["errors"][0]["extensions"]["code"] == code
