"""What the filters of lists and the history of 1.1 need of documents that an earlier release wrote."""

import logging
from collections import defaultdict

from bson import ObjectId
from pymongo import UpdateMany, UpdateOne

from services.coupons.repository import code_field
from services.kit.database import Database
from services.kit.indexes import drop_index
from services.migrations.options import Options
from services.orders.refunds import record_earlier
from services.usage.repository import IS_EXHAUSTED

log = logging.getLogger("tessera.migration")

BATCH = 1_000
BATCHES_OF_USES = "batches of uses"
"""The row that says that every use of a code of a batch names it."""
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
    changed += await record_earlier(database)
    if options.thorough or await database.migrations.find_one({"_id": BATCHES_OF_USES}) is None:
        changed += await _batches_of_uses(database)
        await database.migrations.update_one({"_id": BATCHES_OF_USES}, {"$currentDate": {"at": True}}, upsert=True)
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


async def _batches_of_uses(database: Database) -> int:
    """The batch of the code that was used; those of codes that are deleted are not known."""
    used = {"batch": {"$exists": True}, "usedCount": {"$gt": 0}}
    codes = database.access_codes.find(used, {"batch": 1}, batch_size=BATCH).hint("ofBatch")
    changed, ids = 0, defaultdict[str, list[ObjectId]](list)
    async for code in codes:
        ids[code["batch"]].append(code["_id"])
        if sum(map(len, ids.values())) == BATCH:
            changed += await _name_batches(database, ids)
    return changed + await _name_batches(database, ids)


async def _name_batches(database: Database, ids: defaultdict[str, list[ObjectId]]) -> int:
    updates = [
        UpdateMany({"codeId": {"$in": of_batch}, "batch": None}, {"$set": {"batch": batch}})
        for batch, of_batch in ids.items()
    ]
    ids.clear()
    return (await database.access_code_uses.bulk_write(updates, ordered=False)).modified_count if updates else 0
