"""Access codes that the original system left, uses inside them, are taken over: nothing that was recorded is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient

from services.migrations.runner import migrate
from tests.integration.access_codes.support import brute_force_stats
from tests.support.api import ADMIN, running_api, settings_for

MADE = datetime(2023, 1, 15, 12, tzinfo=UTC)
LATER = datetime(2123, 1, 15, 12, tzinfo=UTC)


def use(username: str, **more: Any) -> dict[str, Any]:
    return {"_id": ObjectId(), "username": username, "redeemedAt": MADE + timedelta(days=1), **more}


def original(n: int, **changes: Any) -> dict[str, Any]:
    """An access code as mongoose wrote it."""
    return {
        "_id": ObjectId(),
        "code": f"old{n:03d}",
        "description": "Beta access code",
        "maxUses": 5,
        "usedCount": 0,
        "usedBy": [],
        "expiresAt": LATER,
        "active": True,
        "createdBy": "admin",
        "createdAt": MADE + timedelta(minutes=n),
        "__v": 0,
    } | changes


ORIGINALS = [
    original(0),
    original(1, usedCount=2, usedBy=[use("ann", twitterId="123456789"), use("bob")]),
    original(2, usedCount=5, usedBy=[use(name) for name in "abcde"]),
    original(3, expiresAt=MADE + timedelta(days=30), active=False),
    # What races left behind: a user who used it twice, and a count that fell behind.
    original(4, usedCount=1, usedBy=[use("ann"), use("ann", redeemedAt=MADE + timedelta(days=2))]),
    # Uses whose users were not kept.
    original(5, usedCount=3, usedBy=[use("bob")]),
]


@pytest.fixture
def originals(database_uri: str) -> None:
    with MongoClient[dict[str, Any]](database_uri) as client:
        codes = client.get_default_database()["accesscodes"]
        codes.insert_many(ORIGINALS)
        codes.create_index("code", unique=True)  # mongoose calls it code_1
        codes.create_index("expiresAt", name="expiresAt")  # the name of ours, with other keys


@pytest.mark.usefixtures("originals")
async def test_starting_on_an_original_database_takes_its_access_codes_over(database_uri: str) -> None:
    async with running_api(settings_for(database_uri)) as api:
        listed = (await api.http.get("/admin/access-codes", headers=ADMIN)).json()["data"]
        assert [code["code"] for code in listed["accessCodes"]] == [f"OLD{n:03d}" for n in range(5, -1, -1)]
        by_code = {code["code"]: code for code in listed["accessCodes"]}
        used = {code: [each["username"] for each in shown["usedBy"]] for code, shown in by_code.items()}
        assert used == {
            "OLD000": [],
            "OLD001": ["ann", "bob"],
            "OLD002": list("abcde"),
            "OLD003": [],
            "OLD004": ["ann", "ann"],
            "OLD005": ["bob"],
        }
        counts = {code: shown["usedCount"] for code, shown in by_code.items()}
        assert counts == {"OLD000": 0, "OLD001": 2, "OLD002": 5, "OLD003": 0, "OLD004": 2, "OLD005": 3}
        assert by_code["OLD001"]["usedBy"][0] == {
            "twitterId": "123456789",
            "username": "ann",
            "redeemedAt": "2023-01-16T12:00:00.000Z",
        }
        stats = (await api.http.get("/admin/access-code-stats", headers=ADMIN)).json()["data"]
        assert (stats["totalAccessCodes"], stats["totalUsages"], stats["fullyUsedAccessCodes"]) == (6, 12, 1)
        assert (stats["activeAccessCodes"], stats["expiredAccessCodes"]) == (4, 1)
        history = (await api.http.get("/api/access-code/user/ann")).json()["data"]["accessCodes"]
        assert [code["code"] for code in history] == ["OLD004", "OLD004", "OLD001"]
        for username, status in (("ann", 403), ("cid", 200), ("cid", 403)):
            body = {"code": "old001", "username": username}
            assert (await api.http.post("/api/access-code/redeem", json=body)).status_code == status
        found = (await api.http.get("/admin/access-codes?code=ld00", headers=ADMIN)).json()["data"]
        assert found["pagination"]["total"] == 6


@pytest.mark.usefixtures("originals")
async def test_taking_over_again_changes_nothing(database_uri: str) -> None:
    settings = settings_for(database_uri)
    async with running_api(settings) as api:
        before = (await api.http.get("/admin/access-codes", headers=ADMIN)).json()
        assert (await migrate(api.services.database))["access codes"] == 0
        assert (await api.http.get("/admin/access-codes", headers=ADMIN)).json() == before
        stats = (await api.http.get("/admin/access-code-stats", headers=ADMIN)).json()["data"]
        counted = await brute_force_stats(api.services.database, datetime.now(UTC))
        assert stats["totalAccessCodes"] == counted["total"]
        assert stats["activeAccessCodes"] == counted["active"]
        assert stats["totalUsages"] == counted["total_usages"]
