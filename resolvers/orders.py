"""The GraphQL fields of orders."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any, TypeVar

import strawberry

from models.errors import InvalidInput
from models.ids import is_object_id
from models.inputs import DataclassLike, parse
from models.order import OrderStatus, RefundProduct, UpdateOrder
from models.pagination import Window
from models.texts import clean
from resolvers.context import Info, as_mapping
from schema.order import (
    Order,
    OrderConnection,
    RefundOrderInput,
    RefundOrderPayload,
    RefundOrderProductInput,
    RefundOrderProductPayload,
    RefundOrderProductResult,
    RefundOrderResult,
    UpdateOrderInput,
    UpdateOrderPayload,
    UpdateOrderResult,
)
from schema.relay import After, Before, First, Last

Shape = TypeVar("Shape", bound=DataclassLike)


async def node(info: Info, raw_id: str) -> Order | None:
    """An order by its raw id, for `node` and `nodes`: its user's, or an admin's."""
    if not is_object_id(raw_id):
        return None
    order = await info.context.services.orders.find(info.context.caller(), raw_id)
    return Order.from_domain(order) if order else None


@strawberry.type
class OrderQuery:
    @strawberry.field(description="An order; null where there is none. For its user and admins.")
    async def order(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its Relay id or its raw `_id`.")],
    ) -> Order | None:
        order = await info.context.services.orders.find(info.context.caller(), id)
        return Order.from_domain(order) if order else None

    @strawberry.field(description="The orders of a user, the newest first. For that user and admins.")
    async def orders(
        self,
        info: Info,
        user_id: Annotated[
            str | None,
            strawberry.argument(description="Whose; the caller's own when not given, or for an admin everyone's."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> OrderConnection:
        caller, orders = info.context.caller(), info.context.services.orders
        caller.require_self(clean(user_id or "") or caller.user_id)
        window = Window.of(first, after, last, before)
        page = await orders.list_window(caller, user_id, window)
        return OrderConnection.of(page, Order.from_domain, partial(orders.count, caller, user_id))


@strawberry.type
class OrderMutation:
    @strawberry.mutation(description="Change an order. For its user while it is pending, and for admins.")
    async def update_order(self, info: Info, input: UpdateOrderInput) -> UpdateOrderResult:
        orders = info.context.services.orders
        order = await orders.update(info.context.caller(), input.id, lambda: parse(UpdateOrder, _changes(input)))
        return UpdateOrderPayload(order=Order.from_domain(order))

    @strawberry.mutation(description="Refund a whole order. For its user and admins.")
    async def refund_order(self, info: Info, input: RefundOrderInput) -> RefundOrderResult:
        order = await info.context.services.orders.refund(info.context.caller(), input.id)
        return RefundOrderPayload(order=Order.from_domain(order))

    @strawberry.mutation(description="Refund units of a product of an order. For its user and admins.")
    async def refund_order_product(
        self,
        info: Info,
        input: RefundOrderProductInput,
    ) -> RefundOrderProductResult:
        orders = info.context.services.orders
        order = await orders.refund_product(info.context.caller(), input.id, _reader(RefundProduct, _given(input)))
        return RefundOrderProductPayload(order=Order.from_domain(order))


@strawberry.type
class OrderSubscription:
    @strawberry.subscription(
        description=(
            "An order by its id, at once and whenever it changes; or every order of a user that is made or changed "
            "from now on. At most ten times a second. For the user and admins."
        )
    )
    async def order_changed(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="Its Relay id or its raw `_id`.")] = None,
        user_id: Annotated[
            str | None,
            strawberry.argument(description="Whose; the caller's own when not given, or for an admin everyone's."),
        ] = None,
    ) -> AsyncGenerator[Order, None]:
        async with aclosing(info.context.services.orders.watch(info.context.caller(), id, user_id)) as changed:
            async for order in changed:
                yield Order.from_domain(order)


def _given(given: Any) -> dict[str, Any]:
    """What an input says beside its target."""
    return {name: value for name, value in as_mapping(given).items() if name != "id"}


def _reader(shape: type[Shape], raw: Mapping[str, Any]) -> Callable[[], Shape]:
    return partial(parse, shape, raw)


def _changes(given: UpdateOrderInput) -> dict[str, Any]:
    """An `UpdateOrderInput` with the names of the order document."""
    changes = _given(given)
    status, text = changes.get("status"), changes.pop("statusText", None)
    if status is not None and text is not None:
        raise InvalidInput.of("statusText", "Give status or statusText, not both")
    if status is OrderStatus.OTHER:
        raise InvalidInput.of("status", "For OTHER give statusText alone")
    changes["status"] = text if status is None else status.value
    changes["cardNumber"] = changes.pop("cardLast4", None)
    return changes
