"""What the verbs of orders take: commands, most of them read from what a caller sent."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, TypeAlias

from models.inputs import card, flag, items, money, text, unit_price, whole
from models.payment import MAX_ADDRESS, Payment
from models.principal import Principal, Role
from models.sent import RefusedCommand


@dataclass(frozen=True, slots=True)
class FindOrder:
    """What `GET /api/order/findOrder/:orderId`, `order` and `orderChanged` take."""

    id: str


@dataclass(frozen=True, slots=True)
class FindOrders:
    """What `GET /api/order/find/:userId` takes."""

    user_id: str = text("userId")


@dataclass(frozen=True, slots=True)
class ListOrders:
    """What `orders` and `orderChanged` take; without a user they are the caller's, or for an admin everyone's."""

    user_id: str | None = text("userId", None)


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A line as an admin sets it; what is not said of its refunds stays as it is."""

    product_id: str = text("productId")
    quantity: int = whole("quantity", minimum=1)
    price: Decimal = unit_price("price")
    is_refunded: bool | None = flag("isRefunded", None)
    refunded_quantity: int | None = whole("refundedQuantity", None, minimum=0)
    seller_id: str | None = text("sellerId", None)


@dataclass(frozen=True, slots=True)
class OrderChange:
    """What `PATCH /api/order/:orderId` and `updateOrder` take beside the id. Ids may be repeated, not changed."""

    address: str | None = text("address", None, maximum=MAX_ADDRESS)
    is_gift: bool | None = flag("isGift", None)
    status: str | None = text("status", None)
    products: tuple[ChangedLine, ...] | None = items("products", ChangedLine, None)
    total_price: Decimal | None = money("totalPrice", None)
    refunded: bool | None = flag("refunded", None)
    card_last4: str | None = card("cardNumber", None)
    id: str | None = text("_id", None)
    user_id: str | None = text("userId", None)
    checkout_id: str | None = text("checkoutId", None)
    basket_id: str | None = text("basketId", None)
    payment_id: str | None = text("paymentId", None)


@dataclass(frozen=True, slots=True)
class ProductUnits:
    """What `/api/order/refundProductFromOrder/:orderId` and `refundOrderProduct` take beside the id."""

    product_id: str = text("productId")
    quantity: int = whole("quantity")


@dataclass(frozen=True, slots=True)
class UpdateOrder:
    """Changes an order. What was sent is judged once it is known whose the order is.

    `role` is what an admin needs to do so with the orders of others, here and below.
    """

    role: ClassVar = Role.ADMIN
    id: str
    sent: OrderChange | RefusedCommand


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Refunds a whole order."""

    role: ClassVar = Role.SUPPORT
    id: str


@dataclass(frozen=True, slots=True)
class RefundProduct:
    """Refunds units of a product; `sent` as above."""

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
