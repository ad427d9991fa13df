"""What the verbs of orders take: commands, most of them read from what a caller sent."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from models.inputs import Card, Flag, Input, Items, Money, NonNegative, Positive, Text, UnitPrice, Whole
from models.pagination import Period
from models.payment import MAX_ADDRESS, Payment
from models.principal import Principal, Role
from models.sent import RefusedCommand
from models.verbs import Verb


@dataclass(frozen=True, slots=True)
class FindOrder:
    """What `GET /api/order/findOrder/:orderId`, `order` and `orderChanged` take."""

    id: str


@dataclass(frozen=True, slots=True)
class FindOrders(Input):
    """What `GET /api/order/find/:userId` takes."""

    user_id: Text


@dataclass(frozen=True, slots=True)
class ListOrders(Input):
    """What `orderChanged` takes beside an id; without a user they are the caller's, or for an admin everyone's."""

    user_id: Text | None = None


@dataclass(frozen=True, slots=True)
class OrderFilter(Period):
    """What a list of orders may be narrowed by; without a user they are the caller's, or for an admin everyone's.

    `status` is the status as it is written; the period is that in which they were made.
    """

    user_id: Text | None = None
    status: Text | None = None
    refunded: Flag | None = None
    payment_id: Text | None = None
    product_id: Text | None = None


@dataclass(frozen=True, slots=True)
class ChangedLine(Input):
    """A line as an admin sets it; what is not said of its refunds stays as it is."""

    product_id: Text
    quantity: Positive
    price: UnitPrice
    is_refunded: Flag | None = None
    refunded_quantity: NonNegative | None = None
    seller_id: Text | None = None


@dataclass(frozen=True, slots=True)
class OrderChange(Input):
    """What `PATCH /api/order/:orderId` and `updateOrder` take beside the id. Ids may be repeated, not changed."""

    address: Annotated[Text, Field(max_length=MAX_ADDRESS)] | None = None
    is_gift: Flag | None = None
    status: Text | None = None
    products: Items[ChangedLine] | None = None
    total_price: Money | None = None
    refunded: Flag | None = None
    card_last4: Annotated[Card | None, Field(alias="cardNumber")] = None
    id: Annotated[Text | None, Field(alias="_id")] = None
    user_id: Text | None = None
    checkout_id: Text | None = None
    basket_id: Text | None = None
    payment_id: Text | None = None


@dataclass(frozen=True, slots=True)
class ProductUnits(Input):
    """What `/api/order/refundProductFromOrder/:orderId` and `refundOrderProduct` take beside the id."""

    product_id: Text
    quantity: Whole


@dataclass(frozen=True, slots=True)
class UpdateOrder:
    """Changes an order. What was sent is judged once it is known whose the order is.

    `role` is what an admin needs to do so with the orders of others, here and below.
    """

    verb: ClassVar = Verb("UPDATE_ORDER", "An order was changed.")
    role: ClassVar = Role.ADMIN
    id: str
    sent: OrderChange | RefusedCommand


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Refunds a whole order."""

    verb: ClassVar = Verb("REFUND_ORDER", "An order was refunded whole.", of_anyone=True, when_refused=True)
    role: ClassVar = Role.SUPPORT
    id: str


@dataclass(frozen=True, slots=True)
class RefundProduct:
    """Refunds units of a product; `sent` as above."""

    verb: ClassVar = Verb(
        "REFUND_ORDER_PRODUCT", "Units of a product of an order were refunded.", of_anyone=True, when_refused=True
    )
    role: ClassVar = Role.SUPPORT
    id: str
    sent: ProductUnits | RefusedCommand


ChangeOrder: TypeAlias = UpdateOrder | RefundOrder | RefundProduct


@dataclass(frozen=True, slots=True)
class Asked:
    """A change with who asks for it: whose the order is shows only where it is read."""

    caller: Principal
    change: ChangeOrder


Command: TypeAlias = Payment | Asked
"""An accepted payment makes its order."""
