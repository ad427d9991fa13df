"""The keys of searches and look-ups, brought along where an earlier release wrote them by other rules."""

import logging
from typing import TYPE_CHECKING

from pymongo import UpdateOne

from models.values.codes import normalize_code
from services.access_codes import code_search
from services.coupons.repository import code_field, search_fields
from services.kit.database import Database, Document
from services.kit.indexes import drop_index
from services.migrations.options import Options

if TYPE_CHECKING:
    from services.kit.database import Session

log = logging.getLogger("tessera.migration")

BATCH = 1_000
_DONE = "search keys of access codes, 2"
_NOT_ASCII = {"code": {"$regex": r"[^\x00-\x7f]"}}
"""The codes whose keys can differ from those of release 1.0.0, told by the index alone."""


async def run(database: Database, options: Options) -> int:
    """Write the keys that are missing or of other rules; returns how many documents changed.

    In constant time when nothing is to be done, unless thorough. Stopped at any moment it may be run again, and
    finishes the rest. Documents of the original system are not touched: their take-over writes the keys.
    """
    renewed = 0
    while batch := await database.transaction(lambda session: _renew_coupons(database, session)):
        renewed += batch
    if options.thorough or await database.migrations.find_one({"_id": _DONE}) is None:
        renewed += await _renew_access_codes(database)
        await database.migrations.update_one({"_id": _DONE}, {"$currentDate": {"at": True}}, upsert=True)
    if options.thorough and not renewed:
        await _forget_trigrams(database)
    if renewed:
        log.info("renewed the search keys of %d documents", renewed)
    return renewed


async def _renew_coupons(database: Database, session: "Session") -> int:
    stale = {"usernameRuns": None, "usernameKey": {"$exists": True}}
    wanted = {"couponCode": 1, "username": 1}
    found = await database.coupons.find(stale, wanted, session=session).limit(BATCH).to_list(None)
    updates = [UpdateOne({"_id": coupon["_id"]}, {"$set": _keys_of_coupon(coupon)}) for coupon in found]
    if updates:
        await database.coupons.bulk_write(updates, session=session, ordered=False)
    return len(updates)


async def _forget_trigrams(database: Database) -> None:
    """Drops what release 1.0.0 searches usernames by, once a run finds nothing of it left to bring along.

    Its processes may serve until then, and find what they wrote.
    """
    trigrams = "usernameTrigrams"
    if trigrams not in await database.coupons.index_information():
        return
    gone = {"$unset": {trigrams: ""}}
    # By what the index holds, so that what is done is not walked again; a name under three letters has an empty list.
    while found := await database.coupons.find({trigrams: {"$gt": ""}}, {"_id": 1}).limit(BATCH).to_list(None):
        await database.coupons.update_many({"_id": {"$in": [one["_id"] for one in found]}}, gone)
    await database.coupons.update_many({trigrams: []}, gone)
    await drop_index(database.coupons, trigrams)


def _keys_of_coupon(coupon: Document) -> Document:
    code, username = coupon["couponCode"], coupon["username"]
    return search_fields(username) | code_field(code)


async def _renew_access_codes(database: Database) -> int:
    renewed, last = 0, ""
    while True:
        beyond = {"$and": [_NOT_ASCII, {"code": {"$gt": last}}, {"codeKey": {"$exists": True}}]}
        found = await database.access_codes.find(beyond).sort("code", 1).limit(BATCH).to_list(None)
        if not found:
            return renewed
        last = found[-1]["code"]
        taken = await _taken(database, [normalize_code(document["code"]) for document in found])
        changes = [(document, _renewed(document, taken)) for document in found]
        updates = [
            UpdateOne({"_id": document["_id"], "code": document["code"]}, {"$set": fields})
            for document, fields in changes
            if any(document.get(field) != value for field, value in fields.items())
        ]
        if updates:
            renewed += (await database.access_codes.bulk_write(updates, ordered=False)).modified_count


async def _taken(database: Database, codes: list[str]) -> set[str]:
    rows = database.access_codes.find({"code": {"$in": codes}}, {"_id": 0, "code": 1})
    return {row["code"] async for row in rows}


def _renewed(document: Document, taken: set[str]) -> Document:
    """The code in the form that it is looked up in, unless another has that form, and its keys."""
    code = normalize_code(document["code"])
    code = document["code"] if code in taken else code
    taken.add(code)
    return {"code": code, **code_search.search_fields(code)}
