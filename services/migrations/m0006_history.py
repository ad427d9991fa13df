"""What the filters of lists and the history of 1.1 need of documents that an earlier release wrote."""

import logging

from pymongo import UpdateOne

from services.coupons.repository import code_field
from services.kit.database import Database
from services.kit.indexes import drop_index
from services.migrations.options import Options
from services.usage.repository import IS_EXHAUSTED

log = logging.getLogger("tessera.migration")

BATCH = 1_000
_EXHAUSTED = [{"$set": {"exhausted": IS_EXHAUSTED}}]


async def run(database: Database, options: Options) -> int:
    """Write what is missing; returns how many documents changed.

    In constant time when nothing is missing. Stopped at any moment it may be run again, and finishes the rest; what a
    process of the last release writes meanwhile the next start brings along.
    """
    changed = 0
    for bring_along in (_part_of_codes, _exhausted_followers):
        while batch := await bring_along(database):
            changed += batch
    if options.thorough:
        # Where a process of the last release has moved a count since.
        wrong = {"$expr": {"$ne": ["$exhausted", IS_EXHAUSTED]}}
        changed += (await database.usage_followers.update_many(wrong, _EXHAUSTED)).modified_count
    # Its place is taken by `active`.
    await drop_index(database.coupons, "role")
    if changed:
        log.info("brought %d documents along for the filters of lists", changed)
    return changed


async def _part_of_codes(database: Database) -> int:
    """What a part of a coupon's code is found by. A code never changes, so that no transaction is needed."""
    stale = {"codeTrigrams": None, "codeKey": {"$exists": True}}
    found = await database.coupons.find(stale, {"couponCode": 1}).limit(BATCH).to_list(None)
    updates = [UpdateOne({"_id": one["_id"]}, {"$set": code_field(one["couponCode"])}) for one in found]
    if updates:
        await database.coupons.bulk_write(updates, ordered=False)
    return len(updates)


async def _exhausted_followers(database: Database) -> int:
    """Whether nothing is left of a follower's total limit."""
    found = await database.usage_followers.find({"exhausted": None}, {"_id": 1}).limit(BATCH).to_list(None)
    mine = {"_id": {"$in": [one["_id"] for one in found]}}
    if found:
        await database.usage_followers.update_many(mine, _EXHAUSTED)
    return len(found)
