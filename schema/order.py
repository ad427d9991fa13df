"""Orders in GraphQL."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

import strawberry

from models.orders import order as models
from models.orders.lines import OrderLine, line_amounts
from schema.loaders import Info
from schema.problems import Conflict, InvalidInput, NotFound, Problem, Refused
from schema.refund import Refund
from schema.relay import Connection, Entity, IdempotentInput, PeriodInput, Shows
from schema.scalars import describe_enum

describe_enum(
    models.OrderStatus,
    "OrderStatus",
    "The known values of an order's status; `OTHER` is any other text, told by `statusText`.",
    {
        models.OrderStatus.PENDING: "`Pending`: new; its user may still change the address.",
        models.OrderStatus.PROCESSING: "`Processing`: it is being prepared.",
        models.OrderStatus.SHIPPED: "`Shipped`: it is on its way.",
        models.OrderStatus.DELIVERED: "`Delivered`: it has arrived.",
        models.OrderStatus.CANCELLED: "`Cancelled`: it will not be delivered. A refund is another thing.",
        models.OrderStatus.OTHER: "Any other text, which `statusText` tells.",
    },
)


@strawberry.type(description="A product of an order.")
class OrderProduct(Shows[OrderLine]):
    product_id: str = strawberry.field(description="The id of the product.")
    quantity: int = strawberry.field(description="How many units were bought.")
    price: Decimal = strawberry.field(description="The price of one unit.")
    is_refunded: bool = strawberry.field(description="Whether some of it is refunded.")
    refunded_quantity: int = strawberry.field(description="How many units are refunded.")
    amount: Decimal = strawberry.field(
        description="What was paid for it: price × quantity, or its share of `totalPrice` where that is a discount."
    )
    refunded_amount: Decimal = strawberry.field(description="What its refunded units came to, of `amount`.")
    seller_id: str | None = strawberry.field(description="The id of its seller.")


@strawberry.type(description="An order: what one payment paid for.")
class Order(Entity, Shows[models.Order]):
    user_id: str = strawberry.field(description="The user who placed it.")
    checkout_id: str = strawberry.field(description="The checkout it came from.")
    basket_id: str = strawberry.field(description="The basket it was made of.")
    payment_id: str = strawberry.field(description="The payment that paid for it; each payment has one order.")
    products: list[OrderProduct] = strawberry.field(description="What was bought.")
    address: str = strawberry.field(description="Where it is delivered.")
    is_gift: bool = strawberry.field(description="Whether it is a gift.")
    status: models.OrderStatus = strawberry.field(description="How far it is.")
    status_text: str = strawberry.field(description="The status as it is written, which is free text.")
    total_price: Decimal = strawberry.field(description="What was paid.")
    refunded: bool = strawberry.field(description="Whether every unit of every product is refunded.")
    card_last4: str = strawberry.field(
        name="cardLast4", description="The last four digits of the card, the only ones that are known."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    model: strawberry.Private[models.Order]

    @strawberry.field(description="What was refunded of it, the latest first; it adds up to what was. For admins.")
    async def refunds(self, info: Info) -> list[Refund] | None:
        return await info.context.loaders.refunds(self.model)

    @classmethod
    def of(cls, order: models.Order, /) -> Self:
        amounts = line_amounts(order.products, order.total_price)
        lines = [OrderProduct.by_name(line, amount=paid) for line, paid in zip(order.products, amounts, strict=True)]
        status = models.OrderStatus.of(order.status)
        return cls.by_name(order, products=lines, status=status, status_text=order.status, model=order)


@strawberry.type(description="A page of orders.")
class OrderConnection(Connection[Order]):
    pass


@strawberry.input(description="Narrows a list of orders; every condition given must hold.")
class OrderFilter(PeriodInput):
    user_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="Whose, as the argument `userId` says; give one of the two."
    )
    status: models.OrderStatus | None = strawberry.field(
        default=strawberry.UNSET, description="How far they are. For `OTHER` give `statusText` alone."
    )
    status_text: str | None = strawberry.field(
        default=strawberry.UNSET, description="The status as it is written, in place of `status`."
    )
    refunded: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether every unit of every product is refunded."
    )
    payment_id: str | None = strawberry.field(default=strawberry.UNSET, description="The payment that paid for it.")
    product_id: str | None = strawberry.field(default=strawberry.UNSET, description="A product that was bought.")


@strawberry.type(description="Fewer units of the product are left to refund; nothing changed.")
class NotEnoughQuantity(Problem):
    left: int | None = strawberry.field(
        description="How many can still be refunded; null in an answer that an earlier release gave to the same key."
    )


@strawberry.input(description="A product of an order, as an admin sets it.")
class OrderProductInput:
    product_id: str = strawberry.field(description="The id of the product.")
    quantity: int = strawberry.field(description="How many units were bought, at least 1.")
    price: Decimal = strawberry.field(description="The price of one unit, at most six decimals.")
    refunded_quantity: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many units are refunded; as many as now when not given. Never fewer."
    )
    seller_id: str | None = strawberry.field(default=strawberry.UNSET, description="The id of its seller.")


@strawberry.input(
    description=(
        "What to change of an order. Its user may change `address` and `isGift` while it is pending, an admin all."
    )
)
class UpdateOrderInput(IdempotentInput):
    id: strawberry.ID = strawberry.field(description="Its Relay id or its raw `_id`.")
    address: str | None = strawberry.field(default=strawberry.UNSET, description="Where to deliver it.")
    is_gift: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether it is a gift.")
    status: models.OrderStatus | None = strawberry.field(
        default=strawberry.UNSET, description="How far it is. For `OTHER` give `statusText` alone."
    )
    status_text: str | None = strawberry.field(
        default=strawberry.UNSET, description="The status as free text, in place of `status`."
    )
    products: list[OrderProductInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="All its products anew; once units are refunded, the same products at the same prices.",
    )
    total_price: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="What was paid; it stays once units are refunded."
    )
    refunded: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether every unit of every product is refunded; anything else is refused.",
    )
    card_last4: str | None = strawberry.field(
        name="cardLast4",
        default=strawberry.UNSET,
        description="The card's last four digits; of a longer number only they are kept.",
    )


@strawberry.input(description="Which order to refund.")
class RefundOrderInput(IdempotentInput):
    id: strawberry.ID = strawberry.field(description="Its Relay id or its raw `_id`.")


@strawberry.input(description="Which units of which order to refund.")
class RefundOrderProductInput(IdempotentInput):
    id: strawberry.ID = strawberry.field(description="The order's Relay id or raw `_id`.")
    product_id: str = strawberry.field(description="The id of the product.")
    quantity: int = strawberry.field(description="How many units, at least 1.")


@strawberry.type(description="An order was changed.")
class UpdateOrderPayload:
    order: Order = strawberry.field(description="The order as it is now.")


@strawberry.type(description="An order was refunded as a whole.")
class RefundOrderPayload:
    order: Order = strawberry.field(description="The order as it is now.")


@strawberry.type(description="Units of a product were refunded.")
class RefundOrderProductPayload:
    order: Order = strawberry.field(description="The order as it is now; refunded when this was its last unit.")


UpdateOrderResult = Annotated[
    UpdateOrderPayload | InvalidInput | NotFound | Refused | Conflict,
    strawberry.union("UpdateOrderResult", description="The changed order, or why it was not changed."),
]
RefundOrderResult = Annotated[
    RefundOrderPayload | InvalidInput | NotFound | Conflict,
    strawberry.union("RefundOrderResult", description="The refunded order, or why it was not refunded."),
]
RefundOrderProductResult = Annotated[
    RefundOrderProductPayload | InvalidInput | NotFound | NotEnoughQuantity | Conflict,
    strawberry.union("RefundOrderProductResult", description="The order after the refund, or why there was none."),
]
