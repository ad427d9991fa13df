"""What the doctor finds in a database: real faults, each with its cure."""

from datetime import UTC, datetime, timedelta

import pytest

from services.examination import Finding, Level, examine, judge_clocks
from services.kit.database import Database
from services.migrations.expected_indexes import expected_indexes
from services.migrations.runner import LATEST, VERSION, migrate
from tests.support.api import Api

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


async def findings_of(api: Api, *, audit: bool = True, events: bool = True) -> dict[str, Finding]:
    return {one.check: one async for one in examine(api.services, audit=audit, events=events)}


def not_well(findings: dict[str, Finding]) -> dict[str, tuple[Level, str]]:
    return {check: (one.level, one.message) for check, one in findings.items() if one.level is not Level.OK}


async def test_a_database_that_a_start_has_made_ready_is_well(own_api: Api) -> None:
    await own_api.coupon()
    found = await findings_of(own_api)
    assert not_well(found) == {}
    assert found["mongodb"].message.endswith(f"replica set tessera, database {own_api.settings.database}")
    assert set(found) == {"mongodb", "clocks", "migrations", "indexes", "older data", "outbox", "audit"}
    assert "audit" not in await findings_of(own_api, audit=False)


async def test_every_index_that_the_migrations_make_is_known_and_no_other(own_api: Api) -> None:
    database: Database = own_api.services.database
    made = {}
    for name in await database.client[database.name].list_collection_names():
        indexes = set(await database.collection(name).index_information()) - {"_id_"}
        if indexes:
            made[name] = indexes
    known = {name: {index.document["name"] for index in indexes} for name, indexes in expected_indexes().items()}
    assert made == known


async def test_each_fault_is_found_and_mended_as_advised(own_api: Api) -> None:
    database = own_api.services.database
    coupon = await own_api.coupon()
    await database.coupons.drop_index("newest")
    await database.usage_counters.drop_index("user")
    await database.coupons.update_one({"couponCode": coupon["couponCode"]}, {"$inc": {"points": 7}})
    await database.migrations.update_one({"_id": VERSION}, {"$set": {"number": LATEST - 1}})
    found = not_well(await findings_of(own_api))
    drifted = found.pop("audit")
    assert drifted[0] is Level.FAULT
    assert "drifted" in drifted[1]
    assert found == {
        "indexes": (Level.FAULT, "2 are missing: coupons.newest, usagecounters.user"),
        "migrations": (Level.FAULT, f"{LATEST - 1} of {LATEST} are done"),
    }
    await migrate(database)
    await database.coupons.update_one({"couponCode": coupon["couponCode"]}, {"$inc": {"points": -7}})
    assert not_well(await findings_of(own_api)) == {}


async def test_what_waits_and_what_lies_about_is_told(own_api: Api) -> None:
    database = own_api.services.database
    await own_api.coupon()
    early = {"at": datetime.now(UTC) - timedelta(hours=1), "sentAt": None}
    await database.outbox.update_many({}, {"$set": early})
    await database.set_aside.insert_one({"collection": "coupons", "imported": False, "reason": "NaN"})
    await database.parked.insert_one({"topic": "t", "partition": 0, "offset": 1, "replayedAt": None})
    await database.migrations.update_one({"_id": VERSION}, {"$set": {"number": LATEST + 1}})
    found = await findings_of(own_api)
    assert found["outbox"].level is Level.FAULT
    assert found["outbox"].message.startswith("1 events wait, the oldest for 3")
    assert {check: level for check, (level, _) in not_well(found).items() if check != "outbox"} == {
        "older data": Level.NOTE,
        "parked": Level.NOTE,
        "migrations": Level.NOTE,
    }
    assert all(one.advice for one in found.values() if one.level is not Level.OK)
    assert (await findings_of(own_api, events=False))["outbox"].level is Level.OK


@pytest.mark.parametrize(
    ("theirs", "level"), [(0.0, Level.OK), (-4.0, Level.OK), (6.0, Level.OK), (-6.0, Level.FAULT), (7.0, Level.FAULT)]
)
def test_clocks_that_are_apart_are_told_of(theirs: float, level: Level) -> None:
    found = judge_clocks(NOW, NOW + timedelta(seconds=theirs), NOW + timedelta(seconds=1))
    assert found.level is level
    assert (level is Level.OK) or found.message.endswith("6 s apart")
