"""A part of a code is found wherever it stands, in codes of every form and of every release, by an index."""

import secrets
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from bench.walks import walks_within
from models.access_codes.access_code import make_access_code
from models.access_codes.batches import ImportAccessCode
from models.principal import SYSTEM
from models.values.codes import typed_form
from services.access_codes.code_search import holds_part, search_fields
from services.kit.database import Database
from services.kit.search import trigrams
from services.registry import utc_now
from tests.support.api import Api

ALIKE = ["".join(letters) for letters in product("AB1", repeat=6)]
OTHERS = ["OLD-AB1", "AB", "AB1", "ABAB1ABA", "\u00c4B1AB1", "A B1AB", "1ABAB-"]
BY_THE_FIRST_RELEASE = ["AB1ZZZ", "ZAB1ZZ", "ZZAB1Z", "ZZZAB1"]


@pytest.fixture
async def codes(own_api: Api) -> Api:
    """An API whose database has codes of every form; some as release 1.0.0 has written them."""
    later = utc_now() + timedelta(days=1)
    rows = [ImportAccessCode(code, 1, later) for code in (*ALIKE, *OTHERS, *BY_THE_FIRST_RELEASE)]
    await own_api.services.access_code_batches.import_rows(SYSTEM, list(enumerate(rows)))
    for code in BY_THE_FIRST_RELEASE:
        key = {"$set": {"codeTrigrams": trigrams(code.lower())}, "$unset": {"codeTurned": ""}}
        await own_api.services.database.access_codes.update_one({"code": code}, key)
    return own_api


async def found(api: Api, part: str) -> list[str]:
    rows = await api.services.database.access_codes.find(holds_part(part), {"code": 1}).to_list(None)
    return sorted(row["code"] for row in rows)


def parts() -> list[str]:
    short = ["".join(letters) for size in (1, 2, 3) for letters in product("ab1", repeat=size)]
    longer = [
        ALIKE[n][place : place + size] for n in (7, 100, 363, 728) for size in (4, 5, 6) for place in range(7 - size)
    ]
    return [*short, *longer, "AB1Z", "zab1", "ld-a", "-AB", "\u00e4b1", "1AB1AB1", "b-", "zzzzzz", "AB1AB12"]


async def test_every_part_finds_what_a_look_at_each_code_finds(codes: Api) -> None:
    every = [*ALIKE, *OTHERS, *BY_THE_FIRST_RELEASE]
    for part in parts():
        assert await found(codes, part) == sorted(code for code in every if typed_form(part) in typed_form(code)), part


async def test_a_rare_part_of_many_codes_is_found_by_few_looks(codes: Api) -> None:
    database: Database = codes.services.database
    drawn = {make_access_code(secrets.randbelow) for _ in range(30_000)}
    rows = [{"code": code, "createdAt": utc_now(), **search_fields(code)} for code in drawn - {*ALIKE}]
    await database.access_codes.insert_many(rows, ordered=False)
    with walks_within(codes.settings.mongo_uri) as walks:
        for part in ("QX7", "7qx9", *(rows[0]["code"][place : place + 3] for place in range(4))):
            explained: Any = await database.access_codes.find(holds_part(part)).explain()
            examined = explained["executionStats"]["totalKeysExamined"]
            assert examined < 300, (part, examined)
    assert walks == []
