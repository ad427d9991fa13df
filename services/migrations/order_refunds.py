"""Brings along orders of release 1.0.0, which did not note what its refunds came to, nor kept `refunded` true to lines.

They are read rightly as they are; this writes down what is read, so that what looks into the documents sees it too.
"""

from functools import partial
from typing import TYPE_CHECKING

from bson import ObjectId
from pymongo import UpdateOne

from services.kit.database import Database, Document
from services.orders.repository import ORDERS

if TYPE_CHECKING:
    from services.kit.database import Session

NAME = "orders-note-refunds"
BATCH = 500

_WITHOUT_NOTE = {"products": {"$elemMatch": {"refundedAmount": {"$exists": False}}}, "cardLast4": {"$exists": True}}


async def note_refunds(database: Database, *, again: bool) -> None:
    """Note the refunds of every order that lacks the note: once, or `again` where older code may have written since.

    Each batch is one transaction: it conflicts with whoever changes one of its orders meanwhile, and runs again.
    """
    if not again and await database.migrations.find_one({"_id": NAME}):
        return
    last: ObjectId | None = ObjectId("0" * 24)
    while last is not None:
        last = await database.transaction(partial(_note_batch, database, last))
    await database.migrations.update_one({"_id": NAME}, {"$currentDate": {"doneAt": True}}, upsert=True)


async def _note_batch(database: Database, after: ObjectId, session: "Session") -> ObjectId | None:
    """Note those of the next orders; returns the last of them, or None where there was none."""
    query: Document = {"_id": {"$gt": after}, **_WITHOUT_NOTE}
    documents = await database.orders.find(query, session=session).sort("_id", 1).limit(BATCH).to_list(None)
    if not documents:
        return None
    updates = []
    for document in documents:
        noted = ORDERS.dump(ORDERS.load(document))
        changes = {"products": noted["products"], "refunded": noted["refunded"]}
        updates.append(UpdateOne({"_id": document["_id"]}, {"$set": changes}))
    await database.orders.bulk_write(updates, session=session, ordered=False)
    last: ObjectId = documents[-1]["_id"]
    return last
