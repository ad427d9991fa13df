"""Texts that the first release stored as they were typed are brought along, and imported uses survive a repair."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bson import ObjectId

from models.access_codes.batches import read_import_row
from models.principal import SYSTEM
from services.migrations.runner import migrate
from tests.integration.access_codes.support import make_code, redeem
from tests.integration.access_codes.test_codes_cli import run, write
from tests.support.api import Api
from tests.support.usage import availability, check_usage_invariants, follow, post

TYPED, SEEN = "e\u0301va\u200b", "\u00e9va"


async def bring_along(api: Api) -> None:
    """What the first release left has no form, and its texts are as they were typed."""
    database = api.services.database
    for rows in (database.coupons, database.access_codes, database.orders, database.usage_followers):
        await rows.update_many({}, {"$unset": {"form": ""}})
    await migrate(database)
    report = await api.services.audit.audit(SYSTEM)
    assert report.drifts == ()


async def test_a_user_of_the_first_release_stays_one_who_used_a_code(own_api: Api) -> None:
    code = await make_code(own_api)
    assert (await redeem(own_api, code, "someone")).status_code == 200
    await own_api.services.database.access_code_uses.update_one({}, {"$set": {"username": TYPED}})
    await bring_along(own_api)
    assert (await redeem(own_api, code, SEEN)).status_code == 403


async def test_a_coupon_of_the_first_release_is_found_by_what_people_see(own_api: Api) -> None:
    await own_api.coupon(twitterId="t1", username="n")
    database = own_api.services.database
    await database.coupons.update_one({"twitterId": "t1"}, {"$set": {"twitterId": TYPED, "username": TYPED}})
    await bring_along(own_api)
    coupon = await database.coupons.find_one({"twitterId": SEEN})
    assert coupon is not None
    assert (coupon["username"], coupon["form"]) == (SEEN, 2)


async def test_counters_of_one_user_are_added_up(own_api: Api) -> None:
    campaign = await follow(own_api)
    for user, amount in (("one", 2), ("two", 3)):
        await post(own_api, "add-usage", {"userId": user, "campaignId": campaign, "usageAmount": amount})
    database = own_api.services.database
    for rows in (database.usage_counters, database.usage_ledger):
        await rows.update_many({"userId": "one"}, {"$set": {"userId": SEEN}})
        await rows.update_many({"userId": "two"}, {"$set": {"userId": TYPED}})
    await bring_along(own_api)
    found: dict[str, Any] = await availability(own_api, campaign, SEEN)
    assert (found["used"], found["totalUsageCount"]) == (5, 5)
    check_usage_invariants(own_api.settings.mongo_uri)


async def test_of_two_redeemers_that_are_one_the_first_keeps_the_name(own_api: Api) -> None:
    rows = own_api.services.database.redemptions
    row = {"couponId": ObjectId(), "points": 10, "redeemedAt": datetime(2026, 1, 1, tzinfo=UTC)}
    await rows.insert_many([row | {"redeemerTwitterId": SEEN}, row | {"redeemerTwitterId": TYPED}])
    await bring_along(own_api)
    assert [each.get("redeemerTwitterId") for each in await rows.find().sort("_id", 1).to_list(None)] == [SEEN, None]
    await bring_along(own_api)
    kept = await own_api.services.database.collection("setaside").find().to_list(None)
    assert [each["reason"] for each in kept] == [f"{SEEN!r} has redeemed by another row too"]


def test_uses_that_are_imported_survive_a_repair(database_uri: str, tmp_path: Path) -> None:
    file = write(tmp_path / "used.csv", "BETA01,10,2099-01-01,7", header="code,maxUses,expiresAt,usedCount")
    assert run(database_uri, "import", file)[0] == 0
    assert run(database_uri, "export")[1].splitlines()[1].startswith("BETA01,Beta access code,10,7,2099-01-01T23:59:59")


async def test_the_audit_accounts_for_uses_that_are_imported(own_api: Api) -> None:
    row = {"code": "BETA01", "maxUses": "10", "expiresAt": "2099-01-01", "usedCount": "7"}
    await own_api.services.access_code_batches.import_rows(SYSTEM, [(2, read_import_row(row))])
    assert (await redeem(own_api, "BETA01", "ada")).status_code == 200
    assert (await own_api.services.audit.repair(SYSTEM)).drift_count == 0
    stored = await own_api.services.database.access_codes.find_one({"code": "BETA01"})
    assert stored is not None
    assert (stored["usedCount"], stored["unaccountedUses"]) == (8, 7)
