"""Indexes, counters and the take-over of older data, at start-up and by `tessera migrate`, as often as one likes."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.access_code_migration import (
    access_codes_need_take_over,
    make_access_code_indexes,
    take_over_access_codes,
)
from services.coupon_migration import coupons_need_take_over, make_coupon_indexes, take_over_coupons
from services.database import Database
from services.order_migration import prepare_orders

log = logging.getLogger("tessera.migration")

LEASE = timedelta(minutes=10)


async def migrate(database: Database, *, thorough: bool = True) -> dict[str, int]:
    """Make the database ready; answers how many documents of each family were taken over from an older system.

    With `thorough=False` (start-up) families whose counters agree with their collections are left alone, which takes
    constant time. One process at a time works; the others wait for it.
    """
    async with _lease(database):
        await make_coupon_indexes(database)
        await make_access_code_indexes(database)
        await _make_shared_indexes(database)
        taken: dict[str, int] = {}
        if thorough or await coupons_need_take_over(database):
            taken["coupons"] = await take_over_coupons(database)
        if thorough or await access_codes_need_take_over(database):
            taken["access codes"] = await take_over_access_codes(database)
        taken["orders"] = await prepare_orders(database)
    for family, number in taken.items():
        if number:
            log.info("took over %d %s of an older system", number, family)
    return taken


async def _make_shared_indexes(database: Database) -> None:
    await database.attempts.create_indexes(
        [IndexModel([("expiresAt", ASCENDING)], name="expiresAt", expireAfterSeconds=60)]
    )
    await database.counters.create_indexes([IndexModel([("family", ASCENDING)], name="family")])
    unsent = IndexModel([("sentAt", ASCENDING), ("at", ASCENDING), ("n", ASCENDING)], name="unsent")
    await database.outbox.create_indexes([unsent])


@asynccontextmanager
async def _lease(database: Database) -> AsyncIterator[None]:
    """Hold the migration's lease; a holder that died loses it when its time is over."""
    leases, holder = database.collection("leases"), secrets.token_hex(8)
    while True:
        now = datetime.now(UTC)
        try:
            await leases.update_one(
                {"_id": "migration", "expiresAt": {"$lt": now}},
                {"$set": {"holder": holder, "expiresAt": now + LEASE}},
                upsert=True,
            )
            break
        except DuplicateKeyError:
            await asyncio.sleep(0.1)
    try:
        yield
    finally:
        await leases.delete_one({"_id": "migration", "holder": holder})
