"""Refunds in GraphQL."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from models.orders import refunds as models
from schema.loaders import Info
from schema.relay import Connection, PeriodInput, Shows

if TYPE_CHECKING:
    from schema.order import Order


@strawberry.type(description="What was refunded of a product of an order at once, for ever.")
class Refund(Shows[models.Refund]):
    product_id: str | None = strawberry.field(
        description="The product; null for what a whole order was paid beyond its products, such as shipping."
    )
    quantity: int = strawberry.field(description="How many units.")
    amount: Decimal = strawberry.field(description="What they came to.")
    by: str | None = strawberry.field(
        description="Who refunded them: a user, or the name of an admin; null where an earlier release did."
    )
    at: datetime = strawberry.field(
        description="When they were refunded; of an earlier release, when the order last changed."
    )
    order_id: strawberry.Private[str]

    @strawberry.field(description="The order that they are of.")
    async def order(self, info: Info) -> Annotated["Order", strawberry.lazy("schema.order")] | None:
        return await info.context.loaders.order(self.order_id)


@strawberry.type(description="A page of refunds, the latest first.")
class RefundConnection(Connection[Refund]):
    pass


@strawberry.input(description="Narrows a list of refunds; every condition given must hold.")
class RefundFilter(PeriodInput):
    order_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The order, by its raw `_id` or its Relay id."
    )
    user_id: str | None = strawberry.field(default=strawberry.UNSET, description="Whose order it is.")
    product_id: str | None = strawberry.field(default=strawberry.UNSET, description="The product that was refunded.")
