"""Orders: what they are, and why one is not changed or refunded."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from models.base import Id
from models.errors import Conflict, InvalidInput, NotFound, RuleViolation
from models.orders.lines import OrderLine
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
    """404: there is no order of this id."""

    code = "ORDER_NOT_FOUND"
    message = "Order not Found."


class OrderNotPending(RuleViolation):
    """403: its user may change an order only while it is pending."""

    code = "ORDER_NOT_PENDING"
    message = "Only a pending order can be changed."


class OrderAlreadyRefunded(Conflict):
    """409: every unit of the order is refunded."""

    code = "ORDER_ALREADY_REFUNDED"
    message = "Order already refunded."


class OrderPartlyRefunded(Conflict):
    """409: some products are refunded; refund the others one by one."""

    code = "ORDER_PARTLY_REFUNDED"
    message = "Some products of this order are already refunded; refund the remaining products one by one."


class ProductNotFound(NotFound):
    """404: the order has no such product."""

    code = "PRODUCT_NOT_FOUND"
    message = "Product not found."


class ProductAlreadyRefunded(Conflict):
    """409: every unit of the product is refunded."""

    code = "PRODUCT_ALREADY_REFUNDED"
    message = "Product already refunded."


class QuantityNotPositive(InvalidInput):
    """400: a refund needs one unit at least."""

    code = "QUANTITY_NOT_POSITIVE"


class NotEnoughQuantity(Conflict):
    """409: fewer units than these are left to refund.

    `left` units of the product can still be refunded (None where release 1.0.0 stored it for a key).
    """

    code = "NOT_ENOUGH_QUANTITY"
    message = "Not enough quantity!"
    left: int | None = None

    def __init__(self, left: int) -> None:
        self.left = left
        super().__init__()

    @property
    def data(self) -> dict[str, object]:
        return {} if self.left is None else {"left": self.left}


@stored("order")
@dataclass(frozen=True, slots=True)
class Order:
    """An order: what one payment paid for. Of the card only `card_last4` is known, with its leading zeros.

    `refunded` says whether every unit of every line is refunded. `copy` numbers the further orders that the original
    system made of one payment; ours have none.
    """

    id: Id
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
    copy: int | None = None

    @property
    def has_refunds(self) -> bool:
        """Whether some of it is refunded: from then on what was bought and paid is settled."""
        return self.refunded or any(line.is_refunded for line in self.products)
