"""Indexes of orders, and the import of orders that an older system left.

The original system kept the whole card number, money as binary numbers, and could make two orders of one payment. An
order without `cardLast4` is one of those. Only the fields of an order are imported, so that no card secret stays.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from bson import Decimal128

from models.orders.order import OrderStatus
from models.values.card_numbers import last_four
from models.values.money import MAX_MONEY, to_cents, to_unit_price
from services.kit.counters import RowCounts
from services.kit.database import Database, Document
from services.kit.indexes import drop_index, ensure_indexes
from services.migrations.legacy_import import Imported, import_all
from services.migrations.legacy_reading import Reading
from services.migrations.legacy_values import Unreadable, legacy_number, legacy_text
from services.migrations.order_refunds import note_refunds
from services.orders.repository import ONE_FOR_EACH_PAYMENT, ORDER_INDEXES, REFUND_INDEXES

if TYPE_CHECKING:
    from services.kit.database import Session

UNKNOWN_CARD = "0000"
"""The last four digits of a card of which nothing can be read."""

_KNOWN = frozenset(
    {"_id", "userId", "checkoutId", "basketId", "paymentId", "products", "address", "isGift", "status", "totalPrice"}
    | {"refunded", "cardNumber", "createdAt", "updatedAt", "form", "__v"}
)


async def prepare_orders(database: Database, *, recount: bool) -> int:
    """Make the indexes and import what an older system left; returns how many orders that were.

    All orders are counted anew after it, where there was any or `recount` says so or their total is wrong.
    """
    await ensure_indexes(database.refunds, REFUND_INDEXES)
    await drop_index(database.orders, "original")
    imported = await import_all(database, OrderImporter(database))
    # Only now, because they would not suffer the original's doubles, nor lists in two fields of one order.
    await ensure_indexes(database.orders, [*ORDER_INDEXES, ONE_FOR_EACH_PAYMENT])
    await note_refunds(database, again=recount or imported > 0)
    await RowCounts(database, database.orders).catch_up(recount=recount or imported > 0)
    return imported


class OrderImporter:
    """Makes money decimal, cuts card numbers, and numbers the further orders of one payment."""

    collection = "orders"
    unique: tuple[str, ...] = ()
    looked_up: tuple[str, ...] = ("paymentId",)

    def __init__(self, database: Database) -> None:
        self._orders = database.orders

    def convert(self, reading: Reading) -> Imported:
        complete = _complete(reading)
        if "cardLast4" in reading.document:
            lines = zip(reading.list("products"), complete["products"], strict=True)
            complete["products"] = [{**line, **read} for line, read in lines]
            return Imported({**reading.document, **complete}, legacy=False)
        reading.drop_unknown(_KNOWN)
        return Imported(complete, legacy=True)

    async def settle(
        self, session: "Session", kept: Sequence[Imported], doubles: Sequence[Imported]
    ) -> list[tuple[str, Document]]:
        """Number the further orders of a payment: the first that is found stands for it."""
        mine = [each.document["_id"] for each in kept]
        sought = {"paymentId": {"$in": list({each.document["paymentId"] for each in kept})}, "_id": {"$nin": mine}}
        copies: defaultdict[str, set[int]] = defaultdict(set)
        async for row in self._orders.find(sought, {"paymentId": 1, "copy": 1, "_id": 0}, session=session):
            copies[row["paymentId"]].add(row.get("copy") or 0)
        for each in kept:
            taken, number = copies[each.document["paymentId"]], each.document.get("copy") or 0
            if number in taken:
                number = max(taken) + 1
                each.document["copy"] = number
            taken.add(number)
        return []


def _complete(reading: Reading) -> Document:
    """What the document holds, in our form and with what it lacks."""
    created_at, identifier = reading.created_at(), reading.identifier()
    flagged = reading.flag("refunded") is True
    lines = [_line(reading, place, line, order_refunded=flagged) for place, line in enumerate(reading.list("products"))]
    ordered = sum(line["quantity"] for line in lines)
    return {
        "_id": identifier,
        "userId": reading.text("userId") or "",
        "checkoutId": reading.text("checkoutId") or "",
        "basketId": reading.text("basketId") or "",
        # A text of its own where there is none, so that orders without a payment do not pass for each other's doubles.
        "paymentId": reading.text("paymentId") or f"none:{identifier}",
        "products": lines,
        "address": reading.text("address") or "",
        "isGift": reading.flag("isGift") is True,
        "status": reading.text("status") or OrderStatus.PENDING.value,
        "totalPrice": Decimal128(to_cents(_amount(reading, "totalPrice"))),
        "refunded": flagged or (ordered > 0 and sum(line["refundedQuantity"] for line in lines) == ordered),
        "cardLast4": _last_four(reading),
        "createdAt": created_at,
        "updatedAt": reading.instant("updatedAt") or created_at,
    }


def _line(reading: Reading, place: int, raw: object, *, order_refunded: bool) -> Document:
    if not isinstance(raw, Mapping):
        raise reading.refuse(f"products.{place}", "is no object")
    line = Reading(raw, f"products.{place}.", reading.changes)
    quantity = line.whole("quantity", minimum=0) or 0
    refunded = line.count("refundedQuantity")
    if order_refunded or (refunded == 0 and line.flag("isRefunded")):
        refunded = quantity
    if refunded > quantity:
        line.changed("refundedQuantity", f"was {refunded} and is {quantity}, the number of units")
    refunded = min(refunded, quantity)
    return {
        "productId": line.text("productId") or "",
        "quantity": quantity,
        # As it came, to six decimals: what is finer is the noise of binary numbers.
        "price": Decimal128(to_unit_price(_amount(line, "price"))),
        "isRefunded": refunded > 0,
        "refundedQuantity": refunded,
        "sellerId": line.text("sellerId"),
    }


def _amount(reading: Reading, name: str) -> Decimal:
    amount = reading.money(name) or Decimal(0)
    if amount > MAX_MONEY:
        raise reading.refuse(name, f"is more than {MAX_MONEY}")
    return amount


def _last_four(reading: Reading) -> str:
    """The digits of a number of any of MongoDB's kinds, or of a text; of what is none of these nothing is kept."""
    raw = reading.document.get("cardLast4", reading.document.get("cardNumber"))
    try:
        if not isinstance(raw, str | bool):
            number = legacy_number(raw)
            raw = None if number is None or not number.is_finite() else int(number)
        else:
            raw = legacy_text(raw)
    except Unreadable:
        raw = None
    return last_four(raw) or UNKNOWN_CARD
