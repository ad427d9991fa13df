"""Orders and refunds: what they are, and the pure rules of who may change what and of what can be refunded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from models.errors import Conflict, ErrorCode, Fault, Forbidden, InvalidInput, NotFound, Refused
from models.inputs import card, flag, items, money, text, whole
from models.payment import MAX_ADDRESS, Payment
from models.principal import Principal
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


@stored("orderLine")
@dataclass(frozen=True, slots=True)
class OrderLine:
    """A product of an order; `price` is that of one unit."""

    product_id: str
    quantity: int
    price: Decimal
    refunded_quantity: int = 0
    seller_id: str | None = None

    @property
    def is_refunded(self) -> bool:
        """Whether some of it is refunded."""
        return self.refunded_quantity > 0

    @property
    def remaining(self) -> int:
        """How many units can still be refunded."""
        return self.quantity - self.refunded_quantity


@stored("order")
@dataclass(frozen=True, slots=True)
class Order:
    """An order: what one payment paid for. Of the card only `card_last4` is known, with its leading zeros."""

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


@dataclass(frozen=True, slots=True)
class FindOrders:
    """What `GET /api/order/find/:userId` takes."""

    user_id: str = text("userId")


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A line as an admin sets it."""

    product_id: str = text("productId")
    quantity: int = whole("quantity", minimum=1)
    price: Decimal = money("price")
    is_refunded: bool | None = flag("isRefunded", None)
    refunded_quantity: int = whole("refundedQuantity", 0, minimum=0)
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
    """A refund of some units of a product: the order after it, and what these units cost."""

    order: Order
    product_id: str
    quantity: int
    price: Decimal


_IDS = {"id": "_id", "user_id": "userId", "checkout_id": "checkoutId", "basket_id": "basketId"} | {
    "payment_id": "paymentId"
}
_FOR_USERS = ("address", "is_gift")
_FOR_ADMINS = ("status", "products", "total_price", "refunded", "card_last4")


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


def change_order(order: Order, change: UpdateOrder, caller: Principal) -> Order:
    """The order as its owner or an admin changes it (its instant stays).

    A user may change `address` and `isGift` while the order is pending (403 `ORDER_NOT_PENDING` afterwards), an admin
    any field but the ids. Raises `InvalidInput` for a change of ids and for lines that contradict themselves.
    """
    if not caller.is_admin and any(getattr(change, name) is not None for name in _FOR_ADMINS):
        raise Forbidden("Only an admin may change more of an order than address and isGift")
    given = {name: getattr(change, name) for name in (*_FOR_USERS, *_FOR_ADMINS) if getattr(change, name) is not None}
    faults = [
        Fault(shown, f"{shown} cannot be changed")
        for name, shown in _IDS.items()
        if getattr(change, name) not in (None, getattr(order, name))
    ]
    if change.products is not None:
        faults += _line_faults(change.products)
        given["products"] = tuple(
            OrderLine(p.product_id, p.quantity, p.price, p.refunded_quantity, p.seller_id) for p in change.products
        )
    if not given and not faults:
        faults.append(Fault("", "There is nothing to change"))
    if faults:
        raise InvalidInput(faults, faults[0].message)
    if not caller.is_admin and order.status != OrderStatus.PENDING:
        raise OrderNotPending()
    return replace(order, **given)


def refund_order(order: Order) -> Order:
    """The order refunded as a whole (its instant stays)."""
    if order.refunded:
        raise OrderAlreadyRefunded()
    if any(line.is_refunded for line in order.products):
        raise OrderPartlyRefunded()
    lines = tuple(replace(line, refunded_quantity=line.quantity) for line in order.products)
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
    left, price, after = wanted.quantity, Decimal(0), []
    for line in order.products:
        taken = min(left, line.remaining) if line.product_id == wanted.product_id else 0
        left, price = left - taken, price + taken * line.price
        after.append(replace(line, refunded_quantity=line.refunded_quantity + taken))
    refunded = not any(line.remaining for line in after)
    return ProductRefund(
        replace(order, products=tuple(after), refunded=refunded), wanted.product_id, wanted.quantity, price
    )


def _line_faults(lines: Sequence[ChangedLine]) -> list[Fault]:
    faults = []
    for place, line in enumerate(lines):
        path = f"products.{place}"
        if line.refunded_quantity > line.quantity:
            faults.append(Fault(f"{path}.refundedQuantity", f"{path}.refundedQuantity must be at most {line.quantity}"))
        if line.is_refunded not in (None, line.refunded_quantity > 0):
            sentence = f"{path}.isRefunded must say whether refundedQuantity is more than zero"
            faults.append(Fault(f"{path}.isRefunded", sentence))
    return faults
