"""Migrations are numbered and recorded; a start with nothing to do waits for nothing."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.access_codes.refusals import CannotActivateExpired
from models.coupons.coupon import CouponRole
from models.orders.order import OrderNotFound
from models.stored import TYPES
from services.kit.idempotency.results import from_stored
from services.kit.leases import Lease
from services.migrations.m0005_stored_results import TAGS, retag
from services.migrations.m0005_stored_results import run as retag_stored_results
from services.migrations.options import Options
from services.migrations.runner import LATEST, MIGRATIONS, is_up_to_date, migrate, prepare
from tests.support.api import Api

COUPON = {
    "object": "models.coupons:Coupon",
    "of": {
        "id": "60d21b4667d0d8992e610c85",
        "coupon_code": "ABCD-EFGH",
        "twitter_id": "1",
        "username": "ada",
        "followers": 1500,
        "points": 10,
        "times_used": 1,
        "role": {"enum": "models.coupons:CouponRole", "of": "CREATOR"},
        "active": True,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
        "last_used_at": None,
    },
}


def test_migrations_are_numbered_without_gaps() -> None:
    assert [migration.number for migration in MIGRATIONS] == list(range(1, LATEST + 1))


async def test_a_start_reads_one_row_and_takes_no_lease_where_all_is_recorded(own_api: Api) -> None:
    database = own_api.services.database
    assert await is_up_to_date(database)
    held = Lease(database, "migration", 60)
    while not await held.take():
        pass
    began = time.monotonic()
    looking = await prepare(database, usage_hold=900)
    assert time.monotonic() - began < 1
    assert looking is not None
    looking.cancel()
    await held.release()


async def test_what_an_older_service_wrote_since_is_found_soon_after_a_start(own_api: Api) -> None:
    database = own_api.services.database
    await database.coupons.insert_one({"couponCode": "OLDE-CODE", "twitterId": "older", "username": "o"})
    looking = await prepare(database, usage_hold=900)
    assert looking is not None
    await looking
    found = await database.coupons.find_one({"twitterId": "older"})
    assert found is not None
    assert found["timesUsed"] == 0


async def test_a_database_that_no_migration_has_seen_is_made_ready_before_it_is_served(own_api: Api) -> None:
    database = own_api.services.database
    await database.migrations.drop()
    assert not await is_up_to_date(database)
    assert await prepare(database, usage_hold=900) is None
    assert await is_up_to_date(database)
    await migrate(database)
    assert await is_up_to_date(database)


def test_results_of_the_first_release_are_read_after_they_are_retagged() -> None:
    redemption = {
        "object": "models.coupons:Redemption",
        "of": {"creator_points": 10, "redeemer_points": 20, "new_coupon": COUPON},
    }
    found = from_stored(retag({"tuple": [redemption, {"enum": "services.idempotency:Again", "of": "AGAIN"}]}))
    assert found[0].new_coupon.role is CouponRole.CREATOR
    assert (found[0].redeemer_points, found[0].new_coupon.coupon_code) == (20, "ABCD-EFGH")


def test_a_grant_of_the_first_release_is_read_in_the_shape_of_now() -> None:
    limits = {"object": "models.usage:Limits", "of": {"in_basket": 3, "total": None, "per_customer": 5}}
    follower = {
        "object": "models.usage:UsageFollower",
        "of": {
            "id": "60d21b4667d0d8992e610c85",
            "coupon_id": "60d21b4667d0d8992e610c86",
            "campaign_id": None,
            "limits": limits,
            "created_at": datetime(2026, 1, 1, tzinfo=UTC),
            "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
            "total_usage_count": 2,
        },
    }
    followed = {
        "object": "models.usage:Followed",
        "of": {"follower": follower, "usages": {"tuple": []}, "at": datetime(2026, 1, 1, tzinfo=UTC)},
    }
    grant = {"object": "models.usage:Grant", "of": {"granted": 2, "limits": {"tuple": []}, "followed": followed}}
    found = from_stored(retag(grant))
    assert found.granted == 2
    shown = found.snapshot.follower
    assert (shown.max_limit_in_basket, shown.max_total_limit, shown.max_limit_per_customer) == (3, None, 5)
    assert shown.total_usage_count == 2


def test_every_tag_that_is_given_stands_for_a_class() -> None:
    assert set(TAGS.values()) <= set(TYPES)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("models.orders:OrderNotFound", OrderNotFound),
        ("models.access_codes:CannotActivateExpired", CannotActivateExpired),
    ],
)
def test_refusals_of_the_first_release_stay_what_they_were(name: str, kind: type[Exception]) -> None:
    refusal = from_stored(retag({"refusal": name, "of": {}}))
    assert type(refusal) is kind
    assert str(refusal) == str(kind())


async def test_rows_of_the_first_release_are_retagged_once(own_api: Api) -> None:
    rows = own_api.services.database.idempotency_keys
    row: dict[str, Any] = {
        "_id": "k",
        "fingerprint": "f",
        "outcomes": [COUPON],
        "answer": None,
        "holder": "h",
        "expiresAt": datetime.now(UTC) + timedelta(days=1),
        "heldUntil": datetime.now(UTC),
    }
    await rows.insert_one(row)
    assert await retag_stored_results(own_api.services.database, Options()) == 1
    assert await retag_stored_results(own_api.services.database, Options()) == 0
    found = await rows.find_one({"_id": "k"})
    assert found is not None
    assert from_stored(found["outcomes"][0]).username == "ada"


async def test_rows_of_this_release_are_written_as_they_stay(own_api: Api) -> None:
    body = {"twitterId": "77", "username": "keyed", "followers": 5_000}
    made = await own_api.http.post("/api/coupon", json=body, headers={"idempotency-key": "a-key"})
    assert made.status_code == 201
    rows = own_api.services.database.idempotency_keys
    before = await rows.find({}).to_list(None)
    assert len(before) == 1
    await retag_stored_results(own_api.services.database, Options())
    assert await rows.find({}).to_list(None) == before
