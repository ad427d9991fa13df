"""Races over real worker processes: never more uses than a code allows, never one user twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient

from tests.integration.access_codes.support import check_access_code_invariants
from tests.support.api import ADMIN
from tests.support.uris import with_database
from tests.support.workers import Worker, workers


@pytest.fixture(scope="module")
async def pair(mongo_uri: str) -> AsyncIterator[tuple[str, list[Worker]]]:
    """Two workers over one database, and its URI."""
    name = f"test_{uuid4().hex[:16]}"
    uri = with_database(mongo_uri, name)
    async with workers(uri, 2) as both:
        yield uri, both
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client.drop_database(name)


async def make_code(worker: Worker, max_uses: int) -> str:
    body = {"maxUses": max_uses, "expiryDays": 1}
    answer = await worker.http.post("/admin/access-code", json=body, headers=ADMIN)
    code: str = answer.json()["data"]["accessCode"]["code"]
    return code


async def redeem_all(both: list[Worker], pairs: list[tuple[str, str]]) -> Counter[tuple[int, str]]:
    """All (code, username) at once, by turns on both workers; answers how often each status and message came."""

    async def redeem(n: int, code: str, username: str) -> tuple[int, str]:
        body = {"code": code, "username": username}
        answer = await both[n % 2].http.post("/api/access-code/redeem", json=body)
        return answer.status_code, answer.json()["message"]

    return Counter(await asyncio.gather(*(redeem(n, *each) for n, each in enumerate(pairs))))


async def used_count(worker: Worker, code: str) -> tuple[int, int, bool]:
    """What the code says of its uses, how many users it shows, and whether it is active."""
    shown = (await worker.http.get(f"/admin/access-code/{code}", headers=ADMIN)).json()["data"]["accessCode"]
    return shown["usedCount"], len({use["username"] for use in shown["usedBy"]}), shown["active"]


DONE = (200, "Access code redeemed successfully")
FULL = (403, "Access code has reached maximum usage limit")
TWICE = (403, "You have already used this access code")


async def test_a_thousand_users_leave_exactly_as_many_uses_as_there_are(pair: tuple[str, list[Worker]]) -> None:
    uri, both = pair
    code = await make_code(both[0], 50)
    answers = await redeem_all(both, [(code, f"user{n}") for n in range(1000)])
    assert answers == {DONE: 50, FULL: 950}
    assert await used_count(both[1], code) == (50, 50, True)
    check_access_code_invariants(uri)


async def test_one_user_fifty_times_at_once_leaves_one_use(pair: tuple[str, list[Worker]]) -> None:
    uri, both = pair
    code = await make_code(both[0], 50)
    assert await redeem_all(both, [(code, "the same")] * 50) == {DONE: 1, TWICE: 49}
    assert await used_count(both[1], code) == (1, 1, True)
    check_access_code_invariants(uri)


async def test_many_codes_of_one_use_each_are_used_once_each(pair: tuple[str, list[Worker]]) -> None:
    uri, both = pair
    codes = await asyncio.gather(*(make_code(both[n % 2], 1) for n in range(40)))
    answers = await redeem_all(both, [(code, f"user{n}") for n in range(5) for code in codes])
    assert answers == {DONE: 40, FULL: 160}
    check_access_code_invariants(uri)


async def test_uses_that_race_with_a_deletion_are_all_in_the_history_or_refused(
    pair: tuple[str, list[Worker]],
) -> None:
    uri, both = pair
    code = await make_code(both[0], 1000)

    async def delete() -> None:
        await asyncio.sleep(0.05)
        assert (await both[1].http.delete(f"/admin/access-code/{code}", headers=ADMIN)).status_code == 200

    users = [f"racer{n}" for n in range(300)]
    answers, _ = await asyncio.gather(redeem_all(both, [(code, user) for user in users]), delete())
    assert set(answers) <= {DONE, (404, "Invalid access code")}
    with MongoClient[dict[str, Any]](uri) as client:
        history = client.get_default_database()["accesscodeuses"].count_documents({"code": code})
    assert history == answers[DONE]
