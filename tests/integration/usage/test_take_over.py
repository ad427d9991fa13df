"""Followers of the original system are taken over: the maps become counters and holds, and every unit has its row."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient

from models.principal import SYSTEM
from models.usage.history import UsageFollowerFilter
from services.migrations.runner import migrate
from tests.support.api import ADMIN, Api, running_api, settings_for
from tests.support.usage import BASE, availability, check_usage_invariants, post

MADE = datetime(2023, 1, 15, 12, tzinfo=UTC)


def original(**fields: Any) -> dict[str, Any]:
    """A follower as mongoose wrote it."""
    document = {"_id": ObjectId(), "totalUsageCount": 0, "userUsageCount": {}, "tempUsageCount": {}, "__v": 0}
    return document | {"createdAt": MADE, "updatedAt": MADE} | fields


@pytest.fixture
def originals(database_uri: str) -> list[dict[str, Any]]:
    campaign = ObjectId()
    documents = [
        original(
            campaignId=campaign,
            maxTotalLimit=10.0,
            totalUsageCount=5.0,
            userUsageCount={"one": 3.0, "two": 2},
            tempUsageCount={"two": 1, "three": 2},
        ),
        original(couponId=ObjectId(), maxLimitInBasket=3, maxLimitPerCustomer=4, userUsageCount={"one": 4}),
        original(campaignId=ObjectId(), totalUsageCount=9, userUsageCount={"one": 2}, tempUsageCount=None),
        original(campaignId=campaign, totalUsageCount=1, userUsageCount={"late": 1}),
        original(campaignId=str(ObjectId())),
    ]
    with MongoClient[dict[str, Any]](database_uri) as client:
        followers = client.get_default_database()["usagefollowers"]
        followers.insert_many(documents)
        followers.create_index("campaignId", name="campaignId_1")
    return documents


async def shown(api: Api, document: dict[str, Any]) -> dict[str, Any]:
    answer = await api.http.patch(f"{BASE}/update-follower/{document['_id']}", json={}, headers=ADMIN)
    body: dict[str, Any] = answer.json()
    return body


async def test_starting_on_an_original_database_takes_its_followers_over(
    database_uri: str, originals: list[dict[str, Any]]
) -> None:
    async with running_api(settings_for(database_uri)) as api:
        assert await api.services.usage.count(SYSTEM, UsageFollowerFilter()) == 4  # without the one that was set aside
        first, coupon, more, twin, texts = originals
        assert await shown(api, first) == {
            "_id": str(first["_id"]),
            "couponId": None,
            "campaignId": str(first["campaignId"]),
            "maxLimitInBasket": None,
            "maxTotalLimit": 10,
            "maxLimitPerCustomer": None,
            "totalUsageCount": 5,
            "userUsageCount": {"one": 3, "two": 2, "three": 0},
            "tempUsageCount": {"two": 1, "three": 2},
        }
        assert (await availability(api, str(first["campaignId"]), "four"))["available"] == 2
        assert (await shown(api, coupon))["totalUsageCount"] == 4
        # A total beyond the users' counts keeps what it said: it has been handed out.
        assert (await shown(api, more))["totalUsageCount"] == 9
        assert (await shown(api, twin))["code"] == "USAGE_FOLLOWER_NOT_FOUND"
        assert (await availability(api, texts["campaignId"]))["totalUsageCount"] == 0
        added = {"userId": "three", "campaignId": str(first["campaignId"])}
        assert (await post(api, "add-usage", added)).json()["userUsageCount"] == {"three": 2}
        again = await post(api, "create-follower", {"campaignId": str(first["campaignId"])})
        assert again.status_code == 409
        assert (await api.data("{ audit { driftCount } }", None, ADMIN))["audit"]["driftCount"] == 0
    assert check_usage_invariants(database_uri) == 6
    with MongoClient[dict[str, Any]](database_uri) as client:
        aside = client.get_default_database()["setaside"].find_one({"imported": False})
    assert aside is not None
    assert aside["document"]["userUsageCount"] == {"late": 1}
    assert aside["documentId"] == twin["_id"]
    assert aside["reason"].startswith("campaignId ")


async def test_taking_over_again_changes_nothing(database_uri: str, originals: list[dict[str, Any]]) -> None:
    async with running_api(settings_for(database_uri)) as api:
        with MongoClient[dict[str, Any]](database_uri) as client:
            database = client.get_default_database()
            before = [list(database[name].find().sort("_id", 1)) for name in ("usagefollowers", "usagecounters")]
            assert (await migrate(api.services.database))["usage followers"] == 0
            after = [list(database[name].find().sort("_id", 1)) for name in ("usagefollowers", "usagecounters")]
    assert before == after
    assert len(before[0]) == len(originals) - 1
