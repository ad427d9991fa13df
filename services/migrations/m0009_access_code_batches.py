"""What batches of access codes have since 1.1: their indexes, and what they are found by."""

import logging

from pymongo import UpdateOne

from services.access_codes.repository import BATCH_INDEXES, batch_search_fields
from services.kit.database import Database
from services.kit.indexes import drop_index, ensure_indexes
from services.migrations.options import Options

log = logging.getLogger("tessera.migration")

BATCH = 1_000


async def run(database: Database, _: Options) -> int:
    """Make the indexes and write what is missing; returns how many batches changed.

    In constant time when nothing is missing. Stopped at any moment it may be run again, and finishes the rest. The
    codes are counted by their batches where all counts of access codes are: `AccessCodeCounts.catch_up`.
    """
    await ensure_indexes(database.access_code_batches, BATCH_INDEXES)
    # Its place is taken by `ofBatch`.
    await drop_index(database.access_codes, "batch")
    changed = 0
    while batch := await _complete(database):
        changed += batch
    if changed:
        log.info("brought %d batches of access codes along", changed)
    return changed


async def _complete(database: Database) -> int:
    """Batches that the command line of release 1.0.0 began."""
    batches = database.access_code_batches
    found = await batches.find({"nameRuns": None}, {"_id": 1}).limit(BATCH).to_list(None)
    updates = [UpdateOne({"_id": one["_id"]}, {"$set": batch_search_fields(one["_id"])}) for one in found]
    if updates:
        await batches.bulk_write(updates, ordered=False)
    return len(updates)
