"""How orders are stored and found. The field names are those of the order document.

The card's last four digits stand as text in `cardLast4`; `cardNumber` is a field of orders of the original system only.
"""

from dataclasses import replace

from pymongo import ASCENDING, DESCENDING, IndexModel

from models.orders.commands import OrderFilter
from models.orders.lines import with_earlier_refunds
from models.orders.order import Order
from models.orders.refunds import Refund
from models.pagination import KeysetOrder
from services.kit.database import Document
from services.kit.mapping import Derived, Mapper
from services.kit.pagination import given, within
from services.kit.sharding import ShardKey
from services.kit.stored_form import WITH_FORM


def _with_refunds_noted(order: Order, document: Document) -> Order:
    """The order with what its refunds came to, which release 1.0.0 did not note."""
    if all("refundedAmount" in line for line in document["products"]):
        return order
    lines, refunded = with_earlier_refunds(order.products, order.total_price, order.refunded)
    return replace(order, products=lines, refunded=refunded)


RECORDED = "refundsRecorded"
"""Says that every refund of the order is in the ledger. An order that an earlier release writes loses it."""
ORDERS: Mapper[Order] = Mapper(
    Order,
    derived=[WITH_FORM, Derived(frozenset(), lambda _: {RECORDED: True})],
    optional=("copy",),
    upgrade=_with_refunds_noted,
)
REFUNDS = Mapper(Refund)

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))
LATEST_REFUND_FIRST = KeysetOrder("refunds", ("at",))

ORDER_INDEXES = [
    IndexModel([("userId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="user"),
    IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
    *(
        IndexModel([(field, ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name=name)
        for name, field in (("status", "status"), ("refunded", "refunded"), ("product", "products.productId"))
    ),
    # What is refunded without the ledger, and nothing else once it is brought along.
    IndexModel([(RECORDED, ASCENDING)], name="unrecorded", partialFilterExpression={"products.isRefunded": True}),
    IndexModel(
        [(RECORDED, ASCENDING), ("_id", ASCENDING)],
        name="unrecordedWhole",
        partialFilterExpression={"refunded": True},
    ),
]
REFUND_INDEXES = [
    IndexModel([("at", DESCENDING), ("_id", DESCENDING)], name="newest"),
    *(
        IndexModel([(field, ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name=field)
        for field in ("orderId", "userId", "productId")
    ),
]
ONE_FOR_EACH_PAYMENT = IndexModel([("paymentId", ASCENDING), ("copy", ASCENDING)], name="paymentId", unique=True)
SHARD_KEYS = (ShardKey("orders", ("paymentId",)), ShardKey("refunds", ("orderId",)))


def orders_of(user_id: str | None) -> Document:
    """Returns the query for a user's orders, or for all of them."""
    return {} if user_id is None else {"userId": user_id}


def orders_query(wanted: OrderFilter, user_id: str | None) -> Document:
    """Returns the query for what a filter leaves of a user's orders, or of all."""
    named = {"status": wanted.status, "refunded": wanted.refunded, "paymentId": wanted.payment_id}
    products = {"products.productId": wanted.product_id}
    return orders_of(user_id) | given(**named, **products) | within("createdAt", wanted)
