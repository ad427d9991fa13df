"""Totals by the hour: what an earlier release wrote is counted, at any moment and in whatever order it comes."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Decimal128, ObjectId

from models.audit import AuditFamily
from models.coupons.coupon import RedeemCoupon
from models.principal import SYSTEM
from models.series import AskRedemptionSeries, Interval
from services.kit.hourly.audit import HourlyAudit
from services.kit.hourly.totals import LANES, Lanes
from services.kit.rate_limit import RateLimitPermit
from services.migrations.m0010_series import run
from services.migrations.options import Options
from services.migrations.runner import migrate, prepare
from services.registry import Services
from services.series.service import SOURCES
from tests.support.api import Api, unique
from tests.support.orders import make_order, pay, payment
from tests.support.series import SERIES, check_series_invariants

UNCOUNTED = RateLimitPermit(SYSTEM)
DAY = datetime(2026, 3, 1, tzinfo=UTC)
DRIFTS: list[tuple[str, dict[str, Any]]] = [
    ("an hour too many", {"$inc": {"count.h10": 1}}),
    ("a day too many", {"$inc": {"count.d": 1}}),
    ("a quarter too few", {"$inc": {"count.q40": -1}}),
    ("a number that is missing", {"$unset": {"count": ""}}),
    ("an hour that nothing was counted in", {"$set": {"count.h3": 7}}),
]


def old_redemption(at: datetime) -> dict[str, Any]:
    """A row as release 1.0.0 wrote it."""
    return {"couponId": ObjectId(), "couponCode": "ABCD-EFGH", "points": 10, "redeemedAt": at} | {
        "redeemerTwitterId": unique("old"),
        "creatorTwitterId": "c",
        "redeemerCouponId": ObjectId(),
    }


def old_rows(at: datetime) -> dict[str, dict[str, Any]]:
    """A row of each ledger as release 1.0.0 wrote it, and an order."""
    move = {"followerId": ObjectId(), "campaignId": ObjectId("60d21b4667d0d8992e610c85"), "userId": unique("u")}
    return {
        "redemptions": old_redemption(at),
        "accesscodeuses": {"codeId": ObjectId(), "username": unique("u"), "redeemedAt": at},
        "usageledger": move | {"amount": -2, "move": "remove", "sequence": 1, "by": "u", "cause": None, "at": at},
        "orders": {"paymentId": unique("p"), "createdAt": at, "totalPrice": Decimal128("79.60"), "form": 2}
        | {"userId": "u", "cardLast4": "0042", "products": [], "refunded": False},
    }


async def write_old(services: Services, at: datetime) -> None:
    for name, row in old_rows(at).items():
        await services.database.collection(name).insert_one(row)


async def audited(services: Services) -> int:
    return (await services.audit.audit(SYSTEM, [AuditFamily.SERIES])).drift_count


async def test_ledgers_that_are_there_are_counted_by_the_migration(own_api: Api) -> None:
    services = own_api.services
    for hours in (0, 1, 1, 26, 24 * 400):
        await write_old(services, DAY + timedelta(hours=hours, minutes=20))
    await migrate(services.database, thorough=False)
    check_series_invariants(own_api.settings.mongo_uri)
    asked = AskRedemptionSeries(interval=Interval.HOUR, start=DAY, end=DAY + timedelta(hours=3))
    assert [bucket.numbers["count"] for bucket in await services.series.of_redemptions(SYSTEM, asked)] == [1, 2, 0]
    assert await run(services.database, Options()) == 0


async def test_what_an_older_process_writes_later_is_counted_by_the_next_start(own_api: Api) -> None:
    services = own_api.services
    await migrate(services.database, thorough=False)
    await write_old(services, datetime.now(UTC))
    await make_order(services)
    looking = await prepare(services.database, usage_hold=900)
    assert looking is not None
    await looking
    check_series_invariants(own_api.settings.mongo_uri)


async def test_what_an_older_process_writes_later_is_counted_by_the_audit(own_api: Api) -> None:
    services = own_api.services
    await write_old(services, datetime.now(UTC))
    assert await audited(services) == 9  # Of an hour each: 2 + 1 + 2 × 2 (the campaign by itself, too) + 2.
    assert (await services.audit.repair(SYSTEM, [AuditFamily.SERIES])).drift_count == 9
    assert await audited(services) == 0
    check_series_invariants(own_api.settings.mongo_uri)


@pytest.mark.parametrize(("_", "change"), DRIFTS, ids=[name for name, _ in DRIFTS])
async def test_a_total_that_drifted_is_found_and_repaired(own_api: Api, _: str, change: dict[str, Any]) -> None:
    services = own_api.services
    await services.database.redemptions.insert_one(old_redemption(DAY + timedelta(hours=10, minutes=1)))
    await migrate(services.database)
    await services.database.counters.update_one({"series": "redemptions"}, change)
    assert await audited(services) == 1
    assert (await services.audit.repair(SYSTEM)).drift_count == 1
    assert await audited(services) == 0
    check_series_invariants(own_api.settings.mongo_uri)


async def test_totals_without_rows_go(own_api: Api) -> None:
    services = own_api.services
    stray = {"series": "orders", "of": "", "day": DAY, "count": {"d": 1, "h0": 1, "q0": 1}}
    await services.database.counters.insert_one(stray)
    report = await services.audit.repair(SYSTEM)
    assert [(drift.id, drift.field, drift.stored, drift.expected) for drift in report.drifts] == [
        ("orders 2026-03-01T00:00", "count", 1, 0)
    ]
    assert await services.database.counters.count_documents({"series": "orders"}) == 0


async def test_counting_anew_while_both_releases_write_ends_right(own_api: Api, other: Services) -> None:
    services, done = own_api.services, asyncio.Event()
    coupon = await own_api.coupon()

    async def redeem(by: Services) -> None:
        while not done.is_set():
            command = RedeemCoupon(unique("r"), coupon["couponCode"], "r", 1000)
            await by.coupons.redeem(UNCOUNTED, command)

    async def order(by: Services) -> None:
        while not done.is_set():
            await pay(by, [payment(), payment()])

    async def write() -> None:
        while not done.is_set():
            await write_old(services, datetime.now(UTC))
            await asyncio.sleep(0.01)

    writing = [asyncio.create_task(work) for by in (services, other) for work in (redeem(by), order(by))]
    writing.append(asyncio.create_task(write()))
    for _ in range(5):
        await run(services.database, Options(thorough=True))
    done.set()
    await asyncio.gather(*writing)
    # What the older process wrote last may be missing, and nothing else is wrong.
    await services.audit.repair(SYSTEM, [AuditFamily.SERIES])
    check_series_invariants(own_api.settings.mongo_uri)
    assert await audited(services) == 0


async def test_counting_that_was_cut_off_goes_on(own_api: Api) -> None:
    services = own_api.services
    (redemptions,) = [source for source in SOURCES if source.name == "redemptions"]
    rows = [old_redemption(DAY - timedelta(days=40 * n, hours=n)) for n in range(20)]
    await services.database.redemptions.insert_many(rows)
    judging = HourlyAudit(services.database, redemptions).judge(repair=True)
    for _ in range(7):
        assert (await anext(judging)).differences
    await judging.aclose()
    assert await HourlyAudit(services.database, redemptions).catch_up(thorough=False) == 13
    check_series_invariants(own_api.settings.mongo_uri)


async def test_progress_is_shown(
    own_api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kit.hourly.audit.SHOWN_EVERY", 0.0)
    services = own_api.services
    await services.database.redemptions.insert_many([old_redemption(DAY - timedelta(days=40 * n)) for n in range(3)])
    with caplog.at_level(logging.INFO, "tessera.migration"):
        await run(services.database, Options())
    assert [record.getMessage() for record in caplog.records] == [
        "redemptions by the hour: counted 1 of 3 rows",
        "redemptions by the hour: counted 2 of 3 rows",
        "redemptions by the hour: counted 3 of 3 rows",
        "redemptions by the hour: 3 days were counted anew, 3 rows in all",
    ]


async def test_every_series_has_its_check() -> None:
    assert {source.name for source in SOURCES} == SERIES.keys()


async def test_transactions_at_once_have_a_lane_each(own_api: Api) -> None:
    lanes, database = Lanes(), own_api.services.database
    async with database.session() as one, database.session() as two:
        first, second = lanes.of(one), lanes.of(two)
        assert (second - first) % LANES == 1
        assert (lanes.of(one), lanes.of(two)) == (first, second)
    async with database.session() as three:
        assert lanes.of(three) == first
