"""How orders are stored and found. The field names are those of the order document.

The card's last four digits stand as text in `cardLast4`; `cardNumber` is a field of orders of the original system only.
"""

from dataclasses import replace

from pymongo import ASCENDING, DESCENDING, IndexModel

from models.orders.lines import with_earlier_refunds
from models.orders.order import Order
from models.pagination import KeysetOrder
from services.kit.database import Document
from services.kit.mapping import Mapper
from services.kit.stored_form import WITH_FORM


def _with_refunds_noted(order: Order, document: Document) -> Order:
    """The order with what its refunds came to, which release 1.0.0 did not note."""
    if all("refundedAmount" in line for line in document["products"]):
        return order
    lines, refunded = with_earlier_refunds(order.products, order.total_price, order.refunded)
    return replace(order, products=lines, refunded=refunded)


ORDERS: Mapper[Order] = Mapper(Order, derived=[WITH_FORM], optional=("copy",), upgrade=_with_refunds_noted)

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))

ORDER_INDEXES = [
    IndexModel([("userId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="user"),
    IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
]
ONE_FOR_EACH_PAYMENT = IndexModel([("paymentId", ASCENDING), ("copy", ASCENDING)], name="paymentId", unique=True)


def orders_of(user_id: str | None) -> Document:
    """Returns the query for a user's orders, or for all of them."""
    return {} if user_id is None else {"userId": user_id}
