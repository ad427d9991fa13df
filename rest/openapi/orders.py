"""What is told of the paths of orders."""

from typing import Annotated

from pydantic import Field

from models.errors import FieldError
from models.orders import commands
from models.orders.lines import OrderLine
from models.orders.order import (
    NotEnoughQuantity,
    Order,
    OrderAlreadyRefunded,
    OrderNotFound,
    OrderNotPending,
    OrderPartlyRefunded,
    ProductAlreadyRefunded,
    ProductNotFound,
    QuantityNotPositive,
)
from models.orders.updates import ContradictsRefunds
from rest.openapi.description import Answer, Description, ListOf, ObjectId, Of, Shape
from rest.openapi.samples import ORDER as SAMPLE

TAG = "Orders"
ORDER = Shape(
    Order,
    "Order",
    without=frozenset({"products", "cardLast4", "copy"}),
    more={
        "products": ListOf(Shape(OrderLine, "OrderProduct", without=frozenset({"refundedAmount"}))),
        "cardNumber": Of(Annotated[int, Field(ge=0, le=9999, description="The last four digits.")], 4242),
    },
)
BY_ID = {"orderId": Of(ObjectId, "60d21b4667d0d8992e610f01")}
REFUNDED = (OrderNotFound(), OrderAlreadyRefunded())
ACROSS_SITES = (
    "With the cookie alone it is refused, unless the request is of the same origin (`Sec-Fetch-Site`) "
    "or has the header `X-Requested-With`."
)

FIND_BY_USER = Description(
    "findOrders",
    TAG,
    "List the orders of a user",
    Answer("All of them, the newest first.", ListOf(ORDER)),
    path=commands.FindOrders,
)
FIND_ORDER = Description(
    "getOrder", TAG, "Find an order", Answer("The order.", ORDER), path=BY_ID, refuses=(OrderNotFound(),)
)
UPDATE = Description(
    "updateOrder",
    TAG,
    "Change an order",
    Answer("The order as it is now.", ORDER),
    "Users change `address` and `isGift` while it is `Pending`, admins all but its ids.",
    path=BY_ID,
    body=commands.OrderChange,
    refuses=(
        OrderNotFound(),
        OrderNotPending(),
        ContradictsRefunds([FieldError("products", "products cannot be changed once some are refunded")], SAMPLE),
    ),
)
REFUND = Description(
    "refundOrder",
    TAG,
    "Refund an order",
    Answer("The order, refunded.", ORDER),
    ACROSS_SITES,
    path=BY_ID,
    refuses=(*REFUNDED, OrderPartlyRefunded()),
)
REFUND_PRODUCT = Description(
    "refundOrderProduct",
    TAG,
    "Refund units of a product of an order",
    Answer("The order as it is now.", ORDER),
    ACROSS_SITES,
    path=BY_ID,
    query=(commands.ProductUnits,),
    refuses=(
        *REFUNDED,
        ProductNotFound(),
        ProductAlreadyRefunded(),
        QuantityNotPositive.of("quantity", "Quantity must be more than zero!"),
        NotEnoughQuantity(1),
    ),
)
