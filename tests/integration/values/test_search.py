"""A search finds every literal part in any script, and nothing that does not hold it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.access_codes.access_code import CreateAccessCode, GetAccessCode
from models.coupons.coupon import CouponFilter, FindCoupon
from models.pagination import Window
from models.principal import SYSTEM
from models.values.texts import clean, fold
from services.coupons.repository import NEWEST_FIRST, code_field, search_fields
from services.migrations.m0004_search_keys import run as renew_search_keys
from services.migrations.options import Options
from tests.support.api import ADMIN, Api, unique

USERNAMES = [
    "ΟΔΥΣΣΕΥΣ", "Οδυσσεύς", "ΣΑΣ τι κάνετε", "Ϊ\u0301on", "ΐon", "STRASSE", "Straße",
    "İstanbul", "ISPARTA", "ısparta", "ſ", "K",
    "ЖУК", "Жуковский", "日本", "日本語の名前", "山", "한국어", "José", "Jose", "Jose\u0301 María",
    "x\u0301\u0323y", "👍🏽 ok", "👨\u200d👩\u200d👧",
    "a.c", "abc", "a*c", "^$", "[a]", "\\d", "(?i)x", "a b", "a  b", "a\tb", "100%", "#hash",
    "a-b", "ǅungla", "ﬁn", "fin", "Å", "Å",
]  # fmt: skip


@pytest.fixture
async def named(own_api: Api) -> dict[str, str]:
    """A coupon of each of the usernames, by REST; the username as it is kept, by the coupon's code."""
    return {(made := await own_api.coupon(username=name))["couponCode"]: clean(made["username"]) for name in USERNAMES}


async def found(api: Api, part: str) -> set[str]:
    """The codes of the coupons that a search finds."""
    page = await api.services.coupons.list_window(SYSTEM, CouponFilter(username=part), NEWEST_FIRST, Window(100))
    return {edge.node.coupon_code for edge in page.edges}


def holding(named: dict[str, str], part: str) -> set[str]:
    return {code for code, name in named.items() if fold(clean(part)) in fold(name)}


async def test_every_part_of_every_name_finds_it_in_any_case_and_nothing_else(
    own_api: Api, named: dict[str, str]
) -> None:
    parts = {name[n : n + size] for name in named.values() for size in (1, 2, 3, 4, 9) for n in range(len(name))}
    variants = {each for part in parts for each in (part, part.upper(), part.lower(), part.swapcase()) if clean(each)}
    asked = sorted(variants)
    for place in range(0, len(asked), 50):
        answers = await asyncio.gather(*(found(own_api, part) for part in asked[place : place + 50]))
        for part, answer in zip(asked[place : place + 50], answers, strict=True):
            assert answer == holding(named, part), ascii(part)
    for code, name in named.items():
        assert code in await found(own_api, name)


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("σ", ["ΟΔΥΣΣΕΥΣ", "Οδυσσεύς", "ΣΑΣ τι κάνετε"]),
        ("ΕΎΣ", ["Οδυσσεύς"]),
        ("a.c", ["a.c"]),
        ("\\D", ["\\d"]),
        ("strasse", ["STRASSE", "Straße"]),
        ("jose\u0301", ["José", "Jose\u0301 María"]),
        ("日", ["日本", "日本語の名前"]),
        ("жук", ["ЖУК", "Жуковский"]),
        ("ΪON", []),
        ("Ϊ\u0301ON", ["Ϊ\u0301on", "ΐon"]),
    ],
    ids=ascii,
)
async def test_these_parts_find_these_names_by_rest(own_api: Api, part: str, names: list[str]) -> None:
    made = {(await own_api.coupon(username=name))["couponCode"]: name for name in USERNAMES}
    answer = await own_api.http.get("/admin/coupons", params={"username": part, "limit": "100"}, headers=ADMIN)
    assert sorted(made[one["couponCode"]] for one in answer.json()["data"]["coupons"]) == sorted(names)


CASES: list[Callable[[str], str]] = [str, str.upper, str.lower, str.swapcase]
letters = st.characters(codec="utf-8", exclude_characters="\x00")


async def test_any_name_is_found_by_any_part_of_it(own_api: Api) -> None:
    coupons, loop = own_api.services.database.coupons, asyncio.get_running_loop()
    coupon = await own_api.coupon()

    async def ask(name: str, part: str) -> set[str]:
        await coupons.update_one({"couponCode": coupon["couponCode"]}, {"$set": search_fields(name)})
        return await found(own_api, part)

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.text(letters, min_size=1, max_size=30), st.data())
    def check(raw: str, data: st.DataObject) -> None:
        name = clean(raw)
        start = data.draw(st.integers(0, max(0, len(name) - 1)))
        part = name[start : data.draw(st.integers(start + 1, max(start + 1, len(name))))]
        typed = data.draw(st.sampled_from(CASES))(part)
        if clean(typed):
            answer = asyncio.run_coroutine_threadsafe(ask(name, typed), loop).result(30)
            assert answer == ({coupon["couponCode"]} if fold(clean(typed)) in fold(name) else set())
            if typed == part:
                assert answer

    await asyncio.to_thread(check)


async def test_keys_of_the_first_release_are_renewed_once_and_in_constant_time_afterwards(own_api: Api) -> None:
    database = own_api.services.database
    names = {(await own_api.coupon(username=name))["couponCode"]: name for name in ("ΟΔΥΣΣΕΥΣ", "Straße", "plain")}
    for code, name in names.items():
        old = {"usernameKey": name.lower(), "usernameTrigrams": [name.lower()[:3]]}
        gone = {"codeKey": "", "usernameRuns": ""}
        await database.coupons.update_one({"couponCode": code}, {"$set": old, "$unset": gone})
    await database.coupons.create_index("usernameTrigrams", name="usernameTrigrams")
    made = await own_api.services.access_codes.create(SYSTEM, CreateAccessCode(1, 1))
    kept = {"code": "A\u200bÄ–B", "codeKey": "a\u200bä–b"}
    await database.access_codes.update_one({"_id": ObjectId(made.id)}, {"$set": kept})
    await database.migrations.delete_many({})
    assert await renew_search_keys(database, Options()) == 4
    for code, name in names.items():
        row: Any = await database.coupons.find_one({"couponCode": code})
        assert row is not None
        assert {**row, **search_fields(name), **code_field(code)} == row
    access_code = await own_api.services.access_codes.find(SYSTEM, GetAccessCode("aä–b"))
    assert access_code is not None
    assert access_code.id == made.id
    # What the first release searches by stays until a migration finds nothing that it wrote.
    assert await renew_search_keys(database, Options()) == 0
    assert await database.coupons.count_documents({"usernameTrigrams": {"$exists": True}}) == 3
    assert await renew_search_keys(database, Options(thorough=True)) == 0
    assert await database.coupons.count_documents({"usernameTrigrams": {"$exists": True}}) == 0
    assert "usernameTrigrams" not in await database.coupons.index_information()
    stale = {"usernameRuns": None, "usernameKey": {"$exists": True}}
    plan = await database.coupons.find(stale).limit(1).explain()
    assert plan["executionStats"]["totalKeysExamined"] <= 1, plan
    assert plan["executionStats"]["totalDocsExamined"] == 0


async def test_a_renewal_that_was_stopped_goes_on(own_api: Api) -> None:
    database = own_api.services.database
    codes = [(await own_api.coupon(username=unique("n")))["couponCode"] for _ in range(5)]
    await database.coupons.update_many(
        {"couponCode": {"$in": codes[2:]}}, {"$unset": {"codeKey": "", "usernameRuns": ""}}
    )
    found = await own_api.services.coupons.find(await _attempt(own_api), FindCoupon(coupon_code=codes[4].lower()))
    assert found is not None, "a coupon of an earlier release is found by its code itself"
    assert await renew_search_keys(database, Options()) == 3
    assert await database.coupons.count_documents({"codeKey": None}) == 0


async def _attempt(api: Api) -> Any:
    return await api.services.rate_limit.hit(SYSTEM)
