"""Indexes, counters and the take-over of older data, at start-up and by `tessera migrate`, as often as one likes."""

import logging

from pymongo import ASCENDING, IndexModel

from services.access_codes.migration import (
    access_codes_need_take_over,
    make_access_code_indexes,
    take_over_access_codes,
)
from services.coupons.migration import coupons_need_take_over, make_coupon_indexes, take_over_coupons
from services.kit.database import Database
from services.kit.inbox import INBOX_RETENTION
from services.kit.indexes import ensure_indexes
from services.kit.leases import hold
from services.kit.outbox import SENT_RETENTION
from services.migrations.search_keys import renew_search_keys
from services.orders.migration import prepare_orders
from services.usage.migration import prepare_usage

log = logging.getLogger("tessera.migration")

LEASE_SECONDS = 30.0
"""How long a start waits for another that died while it migrated."""


async def migrate(database: Database, *, thorough: bool = True, usage_hold: int = 900) -> dict[str, int]:
    """Make the database ready; answers how many documents of each family were taken over from an older system.

    With `thorough=False` (start-up) families whose counters agree with their collections are left alone, which takes
    constant time. A hold that is taken over lives `usage_hold` seconds. One process at a time works; the others wait.
    """
    async with hold(database, "migration", LEASE_SECONDS):
        await make_coupon_indexes(database)
        await make_access_code_indexes(database)
        await _make_shared_indexes(database)
        taken: dict[str, int] = {}
        if thorough or await coupons_need_take_over(database):
            taken["coupons"] = await take_over_coupons(database)
        if thorough or await access_codes_need_take_over(database):
            taken["access codes"] = await take_over_access_codes(database)
        await renew_search_keys(database, thorough=thorough)
        taken["orders"] = await prepare_orders(database, recount=thorough)
        taken["usage followers"] = await prepare_usage(database, usage_hold, recount=thorough)
    for family, number in taken.items():
        if number:
            log.info("took over %d %s of an older system", number, family)
    return taken


async def _make_shared_indexes(database: Database) -> None:
    await database.rate_limits.create_indexes(
        [IndexModel([("expiresAt", ASCENDING)], name="expiresAt", expireAfterSeconds=60)]
    )
    await database.idempotency_keys.create_indexes(
        [IndexModel([("expiresAt", ASCENDING)], name="expiresAt", expireAfterSeconds=60)]
    )
    await database.counters.create_indexes([IndexModel([("family", ASCENDING)], name="family")])
    await ensure_indexes(
        database.outbox,
        [
            IndexModel([("at", ASCENDING), ("n", ASCENDING)], name="unsent", partialFilterExpression={"sentAt": None}),
            IndexModel(
                [("sentAt", ASCENDING)],
                name="sentAt",
                expireAfterSeconds=int(SENT_RETENTION.total_seconds()),
                # What waits is in no index but `unsent`: every change writes an event.
                sparse=True,
            ),
            IndexModel([("parkedAt", ASCENDING)], name="parkedAt", sparse=True),
        ],
    )
    await database.inbox.create_indexes(
        [IndexModel([("at", ASCENDING)], name="at", expireAfterSeconds=int(INBOX_RETENTION.total_seconds()))]
    )
