"""Indexes of orders, and the take-over of orders that the original system left.

The original system kept the whole card number, money as binary numbers, and could make two orders of one payment. What
it left is known by `cardNumber`, a field that our orders do not have.
"""

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bson import Decimal128
from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne

from models.card_numbers import last_four
from models.instants import to_milliseconds
from models.money import from_number, to_cents, to_unit_price
from models.order import OrderStatus
from services.kit.counters import RowCounts
from services.kit.database import Database, aggregate
from services.kit.indexes import ensure_indexes
from services.order_refund_migration import note_refunds

if TYPE_CHECKING:
    from services.kit.database import Session

log = logging.getLogger("tessera.migration")

TAKE_OVER_BATCH = 500
UNKNOWN_CARD = "0000"

OF_THE_ORIGINAL = {"cardNumber": {"$exists": True}}
ORDER_INDEXES = [
    IndexModel(
        [("userId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)],
        name="user",
    ),
    IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
    # Holds the orders to take over, so it is empty but once, and looking into it takes constant time.
    IndexModel([("cardNumber", ASCENDING)], name="original", partialFilterExpression=OF_THE_ORIGINAL),
]
ONE_FOR_EACH_PAYMENT = IndexModel(
    # `copy` numbers the further orders that the original system made of one payment; ours have none.
    [("paymentId", ASCENDING), ("copy", ASCENDING)],
    name="paymentId",
    unique=True,
)


async def prepare_orders(database: Database, *, recount: bool) -> int:
    """Make the indexes and take over what the original system left. Answers how many orders were taken over.

    Each batch is one transaction, so a crash leaves whole batches, and running it again finishes the rest. All orders
    are counted anew after it, where there was any or `recount` says so or their total is amiss.
    """
    await ensure_indexes(database.orders, ORDER_INDEXES)
    taken = 0
    while batch := await database.transaction(lambda session: _take_over_batch(database, session)):
        taken += batch
    # Only now, because it would not suffer the original's doubles.
    await ensure_indexes(database.orders, [ONE_FOR_EACH_PAYMENT])
    await note_refunds(database, again=recount or taken > 0)
    await RowCounts(database, database.orders).catch_up(recount=recount or taken > 0)
    return taken


async def _take_over_batch(database: Database, session: "Session") -> int:
    found = database.orders.find(OF_THE_ORIGINAL, session=session).hint("original").limit(TAKE_OVER_BATCH)
    documents = await found.to_list(None)
    if not documents:
        return 0
    payment_ids = list({_text(document.get("paymentId")) for document in documents})
    per_payment: list[dict[str, Any]] = [
        {"$match": {"paymentId": {"$in": payment_ids}, "cardLast4": {"$exists": True}}},
        {"$group": {"_id": "$paymentId", "orders": {"$sum": 1}}},
    ]
    known = aggregate(database.orders, per_payment, session=session)
    copies: dict[str, int] = {row["_id"]: row["orders"] async for row in known}
    updates = []
    for document in documents:
        complete = _complete(document)
        payment_id = complete["paymentId"]
        if copies.get(payment_id):
            complete["copy"] = copies[payment_id]
            log.warning("order %s: its payment has another order, which stands for it", document["_id"])
        copies[payment_id] = copies.get(payment_id, 0) + 1
        updates.append(UpdateOne({"_id": document["_id"]}, {"$set": complete, "$unset": {"cardNumber": ""}}))
    await database.orders.bulk_write(updates, session=session)
    return len(documents)


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    """What the document holds, in our form and with what it lacks."""
    created_at = document.get("createdAt") or to_milliseconds(document["_id"].generation_time)
    refunded = document.get("refunded") is True
    return {
        "userId": _text(document.get("userId")),
        "checkoutId": _text(document.get("checkoutId")),
        "basketId": _text(document.get("basketId")),
        # A text of its own where there is none, so that orders without a payment do not pass for each other's doubles.
        "paymentId": _text(document.get("paymentId")) or f"none:{document['_id']}",
        "products": [_complete_line(line, refunded) for line in document.get("products") or ()],
        "address": _text(document.get("address")),
        "isGift": document.get("isGift") is True,
        "status": _text(document.get("status")) or OrderStatus.PENDING.value,
        "totalPrice": _money(document.get("totalPrice")),
        "refunded": refunded,
        "cardLast4": _last_four(document["cardNumber"]),
        "createdAt": created_at,
        "updatedAt": document.get("updatedAt") or created_at,
    }


def _complete_line(line: dict[str, Any], order_refunded: bool) -> dict[str, Any]:
    quantity = int(line.get("quantity") or 0)
    refunded = quantity if order_refunded else min(int(line.get("refundedQuantity") or 0), quantity)
    seller_id = line.get("sellerId")
    return {
        "productId": _text(line.get("productId")),
        "quantity": quantity,
        "price": _money(line.get("price"), to_unit_price),
        "isRefunded": refunded > 0,
        "refundedQuantity": refunded,
        "sellerId": None if seller_id is None else str(seller_id),
    }


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _money(value: Any, rounded: Callable[[Decimal], Decimal] = to_cents) -> Decimal128:
    amount = value.to_decimal() if isinstance(value, Decimal128) else from_number(value or 0)
    return Decimal128(rounded(amount if amount.is_finite() else Decimal(0)))


def _last_four(value: Any) -> str:
    """The digits of a number of any of MongoDB's kinds, or of a text."""
    if isinstance(value, float | Decimal128):
        value = int(Decimal(str(value)))
    return last_four(value if isinstance(value, str) else int(value or 0)) or UNKNOWN_CARD
