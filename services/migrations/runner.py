"""Indexes, counters and the take-over of older data, at start-up and by `tessera migrate`, as often as one likes."""

import logging

from pymongo import ASCENDING, IndexModel

from services.access_codes.migration import prepare_access_codes
from services.coupons.migration import prepare_coupons
from services.kit.database import Database
from services.kit.inbox import INBOX_RETENTION
from services.kit.indexes import ensure_indexes
from services.kit.leases import hold
from services.kit.outbox_queue import SENT_RETENTION
from services.migrations.search_keys import renew_search_keys
from services.migrations.stored_texts import clean_stored_texts
from services.orders.migration import prepare_orders
from services.usage.migration import prepare_usage

log = logging.getLogger("tessera.migration")

LEASE_SECONDS = 30.0
"""How long a start waits for another that died while it migrated."""


async def migrate(database: Database, *, thorough: bool = True, usage_hold: int = 900) -> dict[str, int]:
    """Make the database ready; answers how many documents of each family were taken over from an older system.

    Nothing stops it: what cannot be read is set aside with the reason. With `thorough=False` (start-up) families whose
    counters agree with their collections are left alone, which takes constant time. A hold that is imported lives
    `usage_hold` seconds. One process at a time works; the others wait.
    """
    async with hold(database, "migration", LEASE_SECONDS):
        await _make_shared_indexes(database)
        await clean_stored_texts(database, again=thorough)
        taken = {
            "coupons": await prepare_coupons(database, recount=thorough),
            "access codes": await prepare_access_codes(database, recount=thorough),
            "orders": await prepare_orders(database, recount=thorough),
            "usage followers": await prepare_usage(database, usage_hold, recount=thorough),
        }
        await renew_search_keys(database, thorough=thorough)
    for family, number in taken.items():
        if number:
            log.info("took over %d %s of an older system", number, family)
    return taken


async def _make_shared_indexes(database: Database) -> None:
    await database.attempts.create_indexes(
        [IndexModel([("expiresAt", ASCENDING)], name="expiresAt", expireAfterSeconds=60)]
    )
    await database.idempotency_keys.create_indexes(
        [IndexModel([("expiresAt", ASCENDING)], name="expiresAt", expireAfterSeconds=60)]
    )
    await database.counters.create_indexes([IndexModel([("family", ASCENDING)], name="family")])
    await ensure_indexes(
        database.outbox,
        [
            # With the topic, so that those of a topic that has to wait are passed over without being read.
            IndexModel(
                [("at", ASCENDING), ("n", ASCENDING), ("topic", ASCENDING)],
                name="unsent",
                partialFilterExpression={"sentAt": None},
            ),
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
    await database.parked.create_indexes(
        [IndexModel([("topic", ASCENDING), ("partition", ASCENDING), ("offset", ASCENDING)], name="place")]
    )
    await database.inbox.create_indexes(
        [IndexModel([("at", ASCENDING)], name="at", expireAfterSeconds=int(INBOX_RETENTION.total_seconds()))]
    )
