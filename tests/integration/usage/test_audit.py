"""The audit finds every counter that is not what its ledger makes it, and repairs it."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from models.audit import AuditFamily
from models.orders.commands import OrderFilter
from models.principal import SYSTEM
from models.usage.history import UsageFollowerFilter
from tests.integration.access_codes.support import check_access_code_invariants, make_code, redeem
from tests.support.api import ADMIN, Api, bearer
from tests.support.ledger import check_coupon_invariants
from tests.support.orders import make_order
from tests.support.processes import run, served
from tests.support.usage import check_usage_invariants, follow, post

AUDIT = "{ audit { driftCount drifts { family collection field stored expected } families { family checked } } }"
REPAIR = """
    mutation($input: RepairCountersInput!) {
      repairCounters(input: $input) { ... on RepairCountersPayload { report { driftCount } } }
    }
"""

DRIFTS: list[tuple[str, dict[str, Any], str]] = [
    ("coupons", {"$inc": {"timesUsed": 2}}, "timesUsed"),
    ("coupons", {"$inc": {"points": -10}}, "points"),
    ("accesscodes", {"$inc": {"usedCount": 1}}, "usedCount"),
    ("usagecounters", {"$inc": {"used": 5}}, "used"),
    ("usagefollowers", {"$inc": {"totalUsageCount": -1}}, "totalUsageCount"),
    ("usagefollowers", {"$set": {"heldCount": 77}}, "heldCount"),
    ("usagefollowers", {"$set": {"userCount": 0}}, "userCount"),
    ("usagefollowers", {"$set": {"exhausted": True}}, "exhausted"),
    ("accesscodes", {"$set": {"full": True}}, "full"),
]


@pytest.fixture
async def filled(own_api: Api) -> Api:
    """Some of everything that is counted."""
    coupon = await own_api.coupon()
    for n in range(3):
        body: dict[str, Any] = {"redeemerTwitterId": f"r{n}", "username": "someone", "followers": 1000}
        assert (
            await own_api.http.post("/api/redeem", json=body | {"couponCode": coupon["couponCode"]})
        ).status_code == 200
    code = await make_code(own_api, maxUses=3)
    for n in range(2):
        assert (await redeem(own_api, code, f"user{n}")).status_code == 200
    campaigns = [await follow(own_api) for _ in range(3)]
    for user in ("a.b", "$c", "d"):
        await post(own_api, "add-usage", {"userId": user, "campaignId": campaigns, "usageAmount": 2})
        await post(own_api, "check-availability", {"userId": user, "campaignId": campaigns[0]})
    await make_order(own_api.services)
    return own_api


@pytest.fixture
def stored(filled: Api) -> Iterator[Any]:
    """What stands in MongoDB."""
    with MongoClient[dict[str, Any]](filled.settings.mongo_uri) as client:
        yield client.get_default_database()


async def audit(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = (await api.data(AUDIT, None, ADMIN))["audit"]
    return found


async def test_what_is_right_is_left_alone(filled: Api) -> None:
    report = await audit(filled)
    assert report["drifts"] == []
    checked = {row["family"]: row["checked"] for row in report["families"]}
    assert checked["USAGE_FOLLOWERS"] == 9 + 3 * 3 + 1
    assert checked["ORDERS"] == 2
    assert checked.keys() == {"COUPONS", "ACCESS_CODES", "USAGE_FOLLOWERS", "ORDERS", "SERIES"}
    assert (await filled.data(REPAIR, {"input": {}}, ADMIN))["repairCounters"] == {"report": {"driftCount": 0}}


@pytest.mark.parametrize(("collection", "change", "field"), DRIFTS)
async def test_a_counter_that_drifted_is_found_and_repaired(
    filled: Api, stored: Any, collection: str, change: dict[str, Any], field: str
) -> None:
    documents = stored[collection]
    before = documents.find_one(sort=[("_id", 1)])
    assert before is not None
    documents.update_one({"_id": before["_id"]}, change)
    drifted = documents.find_one({"_id": before["_id"]})
    report = await audit(filled)
    (drift,) = [drift for drift in report["drifts"] if drift["collection"] == collection]
    assert drift["field"] == field
    assert (drift["stored"], drift["expected"]) == (drifted[field], before[field])
    repaired = (await filled.data(REPAIR, {"input": {}}, ADMIN))["repairCounters"]["report"]
    assert repaired["driftCount"] >= 1
    assert (await audit(filled))["driftCount"] == 0
    assert documents.find_one({"_id": before["_id"]}) == before
    check_usage_invariants(filled.settings.mongo_uri)
    check_access_code_invariants(filled.settings.mongo_uri)
    check_coupon_invariants(filled.settings.mongo_uri)


@pytest.mark.parametrize(
    ("family", "name", "number"), [("ORDERS", "orders", 1), ("USAGE_FOLLOWERS", "usagefollowers", 3)]
)
async def test_the_total_of_a_list_is_audited_too(
    filled: Api, stored: Any, family: str, name: str, number: int
) -> None:
    stored["counters"].update_one({"family": name}, {"$inc": {name: 4}})
    (drift,) = (await audit(filled))["drifts"]
    assert drift == {
        "family": family,
        "collection": "counters",
        "field": "total",
        "stored": number + 4,
        "expected": number,
    }
    found = tessera(filled, "--family", AuditFamily[family].value)
    assert found.returncode == 1
    assert f"counters {name}: total is {number + 4}, its ledger tells {number}" in found.stdout
    only = {"input": {"families": [family]}}
    assert (await filled.data(REPAIR, only, ADMIN))["repairCounters"]["report"]["driftCount"] == 1
    assert (await audit(filled))["driftCount"] == 0
    services = filled.services
    counts = {
        "ORDERS": await services.orders.count(SYSTEM, OrderFilter()),
        "USAGE_FOLLOWERS": await services.usage.count(SYSTEM, UsageFollowerFilter()),
    }
    assert counts[family] == number


async def test_totals_of_statistics_are_audited_too(filled: Api, stored: Any) -> None:
    stored["counters"].update_one({"family": "coupons"}, {"$inc": {"total": 3}})
    stored["expirycounts"].update_one({"level": "day"}, {"$inc": {"numbers.open": 1}})
    drifts = (await audit(filled))["drifts"]
    assert [(drift["family"], drift["stored"] - drift["expected"]) for drift in drifts] == [
        ("COUPONS", 3),
        ("ACCESS_CODES", 1),
    ]
    only = {"input": {"families": ["COUPONS"]}}
    assert (await filled.data(REPAIR, only, ADMIN))["repairCounters"]["report"]["driftCount"] == 1
    assert (await audit(filled))["driftCount"] == 1
    assert (await filled.data(REPAIR, {"input": {}}, ADMIN))["repairCounters"]["report"]["driftCount"] == 1
    assert (await audit(filled))["driftCount"] == 0


async def test_the_audit_is_for_admins(api: Api) -> None:
    for headers, code in (({}, "UNAUTHENTICATED"), (bearer("u"), "FORBIDDEN")):
        for query, variables in ((AUDIT, None), (REPAIR, {"input": {}})):
            body = await api.graphql(query, variables, headers)
            assert body["errors"][0]["extensions"]["code"] == code


def tessera(api: Api, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("audit", *arguments, variables=served(api.settings.mongo_uri))


async def test_the_command_line_reports_and_repairs(filled: Api, stored: Any) -> None:
    clean = tessera(filled)
    assert (clean.returncode, clean.stderr) == (0, "")
    assert "Every counter is what its ledger makes it." in clean.stdout
    counter = stored["usagecounters"]
    counter.update_one({"userId": "d"}, {"$set": {"used": 9}})
    found = tessera(filled, "--family", "usageFollowers")
    assert found.returncode == 1
    assert "used is 9, its ledger tells 2" in found.stdout
    assert "1 counters drifted; --repair mends them." in found.stdout
    assert tessera(filled, "--family", "coupons").returncode == 0
    assert tessera(filled, "--repair").returncode == 0
    assert tessera(filled).returncode == 0
    check_usage_invariants(filled.settings.mongo_uri)


async def test_a_repair_under_a_key_answers_what_it_answered_first_and_repairs_nothing_more(
    filled: Api, stored: Any
) -> None:
    given = {"input": {"idempotencyKey": "once"}}
    for _ in range(2):
        stored["usagecounters"].update_one({"userId": "d"}, {"$inc": {"used": 1}})
        answer = (await filled.data(REPAIR, given, ADMIN))["repairCounters"]
        assert answer == {"report": {"driftCount": 1}}
    assert (await audit(filled))["driftCount"] == 1
