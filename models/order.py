"""Orders and refunds: what they are, and the pure rules of what can be refunded."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from models.errors import Conflict, ErrorCode, InvalidInput, NotFound, Refused
from models.inputs import card, flag, items, money, text, unit_price, whole
from models.order_lines import OrderLine, is_every_unit_refunded, refund_units
from models.payment import MAX_ADDRESS, Payment
from models.stored import stored


class OrderStatus(StrEnum):
    """The known values of an order's status, which is free text; `OTHER` stands for all else."""

    PENDING = "Pending"
    PROCESSING = "Processing"
    SHIPPED = "Shipped"
    DELIVERED = "Delivered"
    CANCELLED = "Cancelled"
    OTHER = "Other"

    @classmethod
    def of(cls, status: str) -> "OrderStatus":
        return cls(status) if status in cls.__members__.values() else cls.OTHER


class OrderNotFound(NotFound):
    code = ErrorCode.ORDER_NOT_FOUND
    message = "Order not Found."


class OrderNotPending(Refused):
    code = ErrorCode.ORDER_NOT_PENDING
    message = "Only a pending order can be changed."


class OrderAlreadyRefunded(Conflict):
    code = ErrorCode.ORDER_ALREADY_REFUNDED
    message = "Order already refunded."


class OrderPartlyRefunded(Conflict):
    code = ErrorCode.ORDER_PARTLY_REFUNDED
    message = "Some products of this order are already refunded; refund the remaining products one by one."


class ProductNotFound(NotFound):
    code = ErrorCode.PRODUCT_NOT_FOUND
    message = "Product not found."


class ProductAlreadyRefunded(Conflict):
    code = ErrorCode.PRODUCT_ALREADY_REFUNDED
    message = "Product already refunded."


class QuantityNotPositive(InvalidInput):
    code = ErrorCode.QUANTITY_NOT_POSITIVE


class NotEnoughQuantity(Conflict):
    code = ErrorCode.NOT_ENOUGH_QUANTITY
    message = "Not enough quantity!"


@stored("order")
@dataclass(frozen=True, slots=True)
class Order:
    """An order: what one payment paid for. Of the card only `card_last4` is known, with its leading zeros.

    `refunded` says whether every unit of every line is refunded.
    """

    id: str
    user_id: str
    checkout_id: str
    basket_id: str
    payment_id: str
    products: tuple[OrderLine, ...]
    address: str
    is_gift: bool
    status: str
    total_price: Decimal
    refunded: bool
    card_last4: str
    created_at: datetime
    updated_at: datetime

    @property
    def has_refunds(self) -> bool:
        """Whether some of it is refunded: from then on what was bought and paid is settled."""
        return self.refunded or any(line.is_refunded for line in self.products)


@dataclass(frozen=True, slots=True)
class FindOrders:
    """What `GET /api/order/find/:userId` takes."""

    user_id: str = text("userId")


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
class UpdateOrder:
    """What `PATCH /api/order/:orderId` and `updateOrder` take. Ids may be repeated, not changed."""

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
class RefundProduct:
    """What `/api/order/refundProductFromOrder/:orderId` and `refundOrderProduct` take."""

    product_id: str = text("productId")
    quantity: int = whole("quantity")


@dataclass(frozen=True, slots=True)
class ProductRefund:
    """A refund of some units of a product: the order after it, and what these units were paid."""

    order: Order
    product_id: str
    quantity: int
    price: Decimal


def order_of_payment(payment: Payment, order_id: str, now: datetime) -> Order:
    """The new order of an accepted payment: pending, and nothing of it refunded."""
    return Order(
        id=order_id,
        user_id=payment.user_id,
        checkout_id=payment.checkout_id,
        basket_id=payment.basket_id,
        payment_id=payment.id,
        products=tuple(OrderLine(p.product_id, p.quantity, p.price, seller_id=p.seller_id) for p in payment.products),
        address=payment.address,
        is_gift=payment.is_gift,
        status=OrderStatus.PENDING.value,
        total_price=payment.total_price,
        refunded=False,
        card_last4=payment.card_last4,
        created_at=now,
        updated_at=now,
    )


def refund_order(order: Order) -> Order:
    """The order refunded as a whole (its instant stays)."""
    if order.refunded:
        raise OrderAlreadyRefunded()
    if any(line.is_refunded for line in order.products):
        raise OrderPartlyRefunded()
    lines, _ = refund_units(order.products, order.total_price, [line.quantity for line in order.products])
    return replace(order, products=lines, refunded=True)


def refund_product(order: Order, wanted: RefundProduct) -> ProductRefund:
    """Some units of a product refunded (the order's instant stays); with the last unit of all the order is refunded.

    Where several lines hold the product, the units are taken from them in their order.
    """
    if order.refunded:
        raise OrderAlreadyRefunded()
    lines = [line for line in order.products if line.product_id == wanted.product_id]
    if not lines:
        raise ProductNotFound()
    if not any(line.remaining for line in lines):
        raise ProductAlreadyRefunded()
    if wanted.quantity <= 0:
        raise QuantityNotPositive.of("quantity", "Quantity must be more than zero!")
    if wanted.quantity > sum(line.remaining for line in lines):
        raise NotEnoughQuantity()
    left, units = wanted.quantity, []
    for line in order.products:
        units.append(min(left, line.remaining) if line.product_id == wanted.product_id else 0)
        left -= units[-1]
    after, price = refund_units(order.products, order.total_price, units)
    refunded = is_every_unit_refunded(after, order.refunded)
    return ProductRefund(replace(order, products=after, refunded=refunded), wanted.product_id, wanted.quantity, price)
