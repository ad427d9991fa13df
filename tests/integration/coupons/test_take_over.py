"""A database that the original system filled is taken over: no document lost, every point accounted for."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient

from services.migrations.runner import migrate
from tests.support.api import ADMIN, running_api, settings_for
from tests.support.ledger import check_coupon_invariants

MADE = datetime(2023, 1, 15, 12, tzinfo=UTC)


def original(n: int, **changes: Any) -> dict[str, Any]:
    """A coupon as mongoose wrote it."""
    return {
        "_id": ObjectId(),
        "couponCode": f"abc{n % 10}-DE{n:02d}",
        "twitterId": f"old{n}",
        "username": f"Old_User_{n}",
        "followers": 1500 + n,
        "points": 0,
        "timesUsed": 0,
        "role": "user",
        "active": True,
        "createdAt": MADE.replace(minute=n % 60),
        "updatedAt": MADE,
        "__v": 0,
    } | changes


@pytest.fixture
def originals(database_uri: str) -> list[dict[str, Any]]:
    documents = [original(n) for n in range(30)]
    documents[3] |= {"points": 20, "timesUsed": 2, "role": "creator", "lastUsedAt": MADE}
    documents[4] |= {"points": 10, "timesUsed": 0}
    documents[5] |= {"points": 30, "timesUsed": 2}
    del documents[6]["active"], documents[6]["updatedAt"], documents[6]["timesUsed"]
    with MongoClient[dict[str, Any]](database_uri) as client:
        client.get_default_database()["coupons"].insert_many(documents)
    return documents


async def test_starting_on_an_original_database_takes_it_over(
    database_uri: str, originals: list[dict[str, Any]]
) -> None:
    async with running_api(settings_for(database_uri)) as api:
        listed = (await api.http.get("/admin/coupons?limit=100", headers=ADMIN)).json()["data"]
        assert listed["pagination"]["total"] == 30
        by_id = {coupon["_id"]: coupon for coupon in listed["coupons"]}
        for document in originals:
            coupon = by_id[str(document["_id"])]
            assert coupon["username"] == document["username"]
            assert coupon["points"] == document["points"]
            assert coupon["couponCode"] == document["couponCode"].upper()
        stats = (await api.http.get("/admin/stats", headers=ADMIN)).json()["data"]
        assert stats["roleDistribution"] == {"creators": 1, "users": 29}
        assert (stats["totalRedeemed"], stats["mostUsedCoupon"]["timesUsed"]) == (4, 2)
        found = (await api.http.get("/admin/coupons?username=OLD_user_2", headers=ADMIN)).json()["data"]
        assert found["pagination"]["total"] == 11
        assert check_coupon_invariants(database_uri) == 6
        redeemed = {"redeemerTwitterId": "old4", "couponCode": originals[0]["couponCode"]}
        assert (await api.http.post("/api/redeem", json=redeemed)).status_code == 403
        free = {"redeemerTwitterId": "old7", "couponCode": originals[0]["couponCode"]}
        assert (await api.http.post("/api/redeem", json=free)).status_code == 200
        assert check_coupon_invariants(database_uri) == 7


async def test_taking_over_again_changes_nothing(database_uri: str, originals: list[dict[str, Any]]) -> None:
    async with running_api(settings_for(database_uri)) as api:
        with MongoClient[dict[str, Any]](database_uri) as client:
            before = list(client.get_default_database()["coupons"].find().sort("_id", 1))
        assert (await migrate(api.services.database))["coupons"] == 0
        with MongoClient[dict[str, Any]](database_uri) as client:
            assert list(client.get_default_database()["coupons"].find().sort("_id", 1)) == before
    assert len(before) == len(originals)
    assert check_coupon_invariants(database_uri) == 6
