"""Texts that the first release stored as typed are brought to NFC, free of outer blanks and invisible letters.

Names in ledgers and counters are what a user is known by, so a name that differs in nothing one can see must not stay
another user. The walk goes by `_id`, remembers how far it came, and changes each row in a transaction of its own, so it
may be killed, run again, and run while others write. Where a name is taken already, the first keeps it: counters are
added up, and ledger rows are kept apart and noted beside the documents that were set aside.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from models.values.texts import clean
from services.kit.database import Database, Document
from services.migrations.options import Options
from services.migrations.set_aside import SetAside, keep

if TYPE_CHECKING:
    from services.kit.database import Session

log = logging.getLogger("tessera.migration")

WALK = 2_000
MARK = "texts"

Change = dict[str, str]
Mend = Callable[[Database, "Session", Document, Change], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Walk:
    """A collection, its fields that are texts, and how a row is changed within a transaction."""

    collection: str
    texts: tuple[str, ...]
    mend: Mend


async def run(database: Database, options: Options) -> int:
    """Bring all texts along, once, or where thorough from the beginning; returns how many rows were changed."""
    marks = database.migrations
    mark = await marks.find_one({"_id": MARK}) or {}
    if mark.get("done") and not options.thorough:
        return 0
    reached = {} if mark.get("done") else mark.get("reached", {})
    changed = 0
    for walk in WALKS:
        changed += await _walk(database, walk, reached.get(walk.collection))
    await marks.replace_one({"_id": MARK}, {"done": True}, upsert=True)
    if changed:
        log.info("texts of %d rows were brought to what people see", changed)
    return changed


async def _walk(database: Database, walk: Walk, after: object) -> int:
    rows, marks, changed = database.collection(walk.collection), database.migrations, 0
    while True:
        query = {} if after is None else {"_id": {"$gt": after}}
        found = await rows.find(query, dict.fromkeys(walk.texts, 1)).sort("_id", 1).limit(WALK).to_list(None)
        if not found:
            return changed
        for row in found:
            if _changes(walk, row):
                changed += await database.transaction(partial(_mend, database, walk, row["_id"]))
        after = found[-1]["_id"]
        await marks.update_one({"_id": MARK}, {"$set": {f"reached.{walk.collection}": after}}, upsert=True)


async def _mend(database: Database, walk: Walk, identifier: object, session: "Session") -> bool:
    """Change one row, as it stands by now."""
    row = await database.collection(walk.collection).find_one({"_id": identifier}, session=session)
    change = {} if row is None else _changes(walk, row)
    if row is None or not change:
        return False
    await walk.mend(database, session, row, change)
    return True


def _changes(walk: Walk, row: Document) -> Change:
    texts = {name: row[name] for name in walk.texts if isinstance(row.get(name), str)}
    # A name of nothing but invisible letters stays what it is: it is that of nobody else.
    return {name: cleaned for name, text in texts.items() if (cleaned := clean(text)) and cleaned != text}


async def _mend_redemption(database: Database, session: "Session", row: Document, change: Change) -> None:
    redeemer = change.get("redeemerTwitterId")
    rows = database.redemptions
    update: Document = {"$set": change}
    if redeemer is not None and await rows.find_one({"redeemerTwitterId": redeemer}, {"_id": 1}, session=session):
        # One row for each redeemer: this one counts on, and the user has redeemed by the other.
        rest = {name: text for name, text in change.items() if name != "redeemerTwitterId"}
        update = {"$set": {**rest, "redeemedAgainBy": redeemer}, "$unset": {"redeemerTwitterId": ""}}
        await _note(database, session, "redemptions", row, f"{redeemer!r} has redeemed by another row too")
    await rows.update_one({"_id": row["_id"]}, update, session=session)


async def _mend_use(database: Database, session: "Session", row: Document, change: Change) -> None:
    rows, username = database.access_code_uses, change.get("username")
    more: Document = {}
    if username is not None:
        same = rows.find({"username": username, "codeId": row["codeId"]}, {"again": 1}, session=session)
        others = [int(other.get("again") or 0) for other in await same.to_list(None)]
        if others:
            more["again"] = max(others) + 1
            await _note(database, session, "accesscodeuses", row, f"{username!r} has another use of this code")
    await rows.update_one({"_id": row["_id"]}, {"$set": {**change, **more}}, session=session)


async def _mend_counter(database: Database, session: "Session", row: Document, change: Change) -> None:
    """With its ledger, so that both are those of one user at every moment."""
    counters, follower, user_id = database.usage_counters, row["followerId"], change["userId"]
    other = await counters.find_one({"followerId": follower, "userId": user_id}, session=session)
    if other is None:
        await counters.update_one({"_id": row["_id"]}, {"$set": change}, session=session)
    else:
        sums = {name: other[name] + row[name] for name in ("used", "held")}
        holds = [each["holdExpiresAt"] for each in (other, row) if "holdExpiresAt" in each]
        await counters.delete_one({"_id": row["_id"]}, session=session)
        update = {"$set": {**sums, **({"holdExpiresAt": max(holds)} if holds else {})}}
        await counters.update_one({"_id": other["_id"]}, update, session=session)
        await database.usage_followers.update_one({"_id": follower}, {"$inc": {"userCount": -1}}, session=session)
        await _note(database, session, "usagecounters", row, f"was added to the counter of {user_id!r}")
    mine = {"followerId": follower, "userId": row["userId"]}
    await database.usage_ledger.update_many(mine, {"$set": change}, session=session)


async def _mend_ledger(database: Database, session: "Session", row: Document, change: Change) -> None:
    await database.usage_ledger.update_one({"_id": row["_id"]}, {"$set": change}, session=session)


async def _mend_batch(database: Database, session: "Session", row: Document, change: Change) -> None:
    batches, identifier = database.access_code_batches, change.get("_id", row["_id"])
    if identifier == row["_id"]:
        await batches.update_one({"_id": identifier}, {"$set": change}, session=session)
    elif await batches.find_one({"_id": identifier}, {"_id": 1}, session=session):
        await _note(database, session, "accesscodebatches", row, f"there is another batch {identifier!r}")
    else:
        await batches.delete_one({"_id": row["_id"]}, session=session)
        await batches.insert_one({**row, **change}, session=session)
        named = {"batch": row["_id"]}
        await database.access_codes.update_many(named, {"$set": {"batch": identifier}}, session=session)


async def _note(database: Database, session: "Session", collection: str, row: Document, reason: str) -> None:
    log.warning("%s %s: %s", collection, row["_id"], reason)
    await keep(database, session, [(SetAside(collection, row["_id"], reason, imported=True), row)])


WALKS = (
    Walk("redemptions", ("couponCode", "creatorTwitterId", "redeemerTwitterId"), _mend_redemption),
    Walk("accesscodeuses", ("code", "description", "username", "twitterId"), _mend_use),
    # Counters before their ledger, so that a user's rows go together.
    Walk("usagecounters", ("userId",), _mend_counter),
    Walk("usageledger", ("userId",), _mend_ledger),
    Walk("accesscodebatches", ("_id", "description"), _mend_batch),
)
