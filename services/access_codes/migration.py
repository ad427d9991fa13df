"""Indexes and counts of access codes, and the take-over of codes that the original system left.

The original system kept the uses inside the code, as an array `usedBy`. A code without our search fields is one of
those: its uses become documents of their own, and the array goes.
"""

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne

from models.access_code import CREATED_BY, DAY, DEFAULT_DESCRIPTION, MAX_EXPIRY_DAYS
from models.codes import normalize_code
from models.instants import to_milliseconds
from services.access_codes.documents import derived_fields
from services.access_codes.expiry_counts import EXPIRY_INDEXES
from services.access_codes.totals import FAMILY, AccessCodeCounts
from services.kit.counters import Counters
from services.kit.database import Database
from services.kit.indexes import ensure_indexes

if TYPE_CHECKING:
    from services.kit.database import Session

log = logging.getLogger("tessera.migration")

TAKE_OVER_BATCH = 100

ACCESS_CODE_INDEXES = [
    IndexModel([("code", ASCENDING)], name="code", unique=True),
    # The switch and the expiry stand in these two so that a list's filter is judged before a document is fetched.
    IndexModel(
        [("createdAt", DESCENDING), ("_id", DESCENDING), ("expiresAt", ASCENDING), ("active", ASCENDING)],
        name="newest",
    ),
    IndexModel(
        [("active", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING), ("expiresAt", ASCENDING)],
        name="active",
    ),
    IndexModel([("expiresAt", ASCENDING), ("active", ASCENDING), ("full", ASCENDING)], name="expiresAt"),
    IndexModel([("usedCount", DESCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="usedCount"),
    IndexModel([("codeTrigrams", ASCENDING)], name="codeTrigrams"),
    IndexModel(
        [("batch", ASCENDING), ("_id", ASCENDING)],
        name="batch",
        # Not by `$type`, of which MongoDB makes no use when it looks for a batch.
        partialFilterExpression={"batch": {"$exists": True}},
    ),
]
USE_INDEXES = [
    # One use for each user and code. The username comes first because a batch of redemptions asks for all pairs of its
    # users and its codes, and a user has used few codes where a code may have a million users. `again` stands only in
    # doubles that were taken over from the original system.
    IndexModel([("username", ASCENDING), ("codeId", ASCENDING), ("again", ASCENDING)], name="oneUseEach", unique=True),
    IndexModel([("codeId", ASCENDING), ("redeemedAt", ASCENDING), ("_id", ASCENDING)], name="ofCode"),
    IndexModel([("username", DESCENDING), ("redeemedAt", DESCENDING), ("_id", DESCENDING)], name="ofUser"),
]


async def make_access_code_indexes(database: Database) -> None:
    await ensure_indexes(database.access_codes, ACCESS_CODE_INDEXES)
    await ensure_indexes(database.access_code_uses, USE_INDEXES)
    await ensure_indexes(database.expiry_counts, EXPIRY_INDEXES)


async def access_codes_need_take_over(database: Database) -> bool:
    """Whether there are codes that the counters do not know, told in constant time."""
    return not await Counters(database, FAMILY).agrees("codes", database.access_codes)


async def take_over_access_codes(database: Database) -> int:
    """Bring every code of the original system into our form, then count all anew. Answers how many were taken over.

    Each batch is one transaction, so a crash leaves whole batches, and running it again finishes the rest.
    """
    taken = 0
    while batch := await database.transaction(lambda session: _take_over_batch(database, session)):
        taken += batch
    await database.transaction(AccessCodeCounts(database).recount)
    return taken


async def _take_over_batch(database: Database, session: "Session") -> int:
    found = database.access_codes.find({"codeKey": {"$exists": False}}, session=session).limit(TAKE_OVER_BATCH)
    documents = await found.to_list(None)
    if not documents:
        return 0
    updates, uses = [], []
    for document in documents:
        complete = _complete(document)
        updates.append(UpdateOne({"_id": document["_id"]}, {"$set": complete, "$unset": {"usedBy": ""}}))
        uses += _uses_of(document, complete)
    if uses:
        await database.access_code_uses.insert_many(uses, session=session)
    await database.access_codes.bulk_write(updates, session=session)
    return len(documents)


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    """What the document holds, in our form and with what it lacks."""
    created_at = document.get("createdAt") or to_milliseconds(document["_id"].generation_time)
    known = len(document.get("usedBy") or ())
    used_count = max(int(document.get("usedCount") or 0), known)
    unaccounted: dict[str, int] = {}
    if used_count > known:
        log.warning("access code %s: %d uses by users who were not kept", document["_id"], used_count - known)
        unaccounted = {"unaccountedUses": used_count - known}
    code, max_uses = normalize_code(document["code"]), max(1, int(document.get("maxUses") or used_count))
    return {
        "code": code,
        "description": str(document.get("description") or DEFAULT_DESCRIPTION),
        "maxUses": max_uses,
        "usedCount": used_count,
        # A code without an expiry never expired.
        "expiresAt": document.get("expiresAt") or created_at + MAX_EXPIRY_DAYS * DAY,
        "active": document.get("active") is not False,
        "createdAt": created_at,
        "updatedAt": document.get("updatedAt") or created_at,
        "createdBy": str(document.get("createdBy") or CREATED_BY),
        **unaccounted,
        **derived_fields(code, used_count, max_uses),
    }


def _uses_of(document: dict[str, Any], code: dict[str, Any]) -> list[dict[str, Any]]:
    """The uses of a code, doubles of the same user included: nothing that was recorded is lost."""
    seen: Counter[str] = Counter()
    uses = []
    for entry in document.get("usedBy") or ():
        twitter_id = entry.get("twitterId")
        username = str(entry.get("username") or twitter_id or "")
        use = {
            "_id": ObjectId(),
            "codeId": document["_id"],
            **{field: code[field] for field in ("code", "description", "expiresAt", "createdAt")},
            "username": username,
            "redeemedAt": entry.get("redeemedAt") or entry.get("usedAt") or code["updatedAt"],
            "twitterId": None if twitter_id is None else str(twitter_id),
        }
        if seen[username]:
            use["again"] = seen[username]
        seen[username] += 1
        uses.append(use)
    return uses
