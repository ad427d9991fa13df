"""The GraphQL fields of orders."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

import strawberry

from models.errors import FieldError, InvalidInput
from models.inputs import parse
from models.orders import commands
from models.orders import refunds as models
from models.orders.order import OrderStatus
from models.pagination import Window
from models.principal import Role
from models.sent import RefusedCommand, read_for_user, read_sent
from models.values.ids import either_id, is_object_id
from resolvers.context import Info, as_mapping, command_of
from schema.order import (
    Order,
    OrderConnection,
    OrderFilter,
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
from schema.refund import Refund, RefundConnection, RefundFilter
from schema.relay import After, Before, First, Last


async def node(info: Info, raw_id: str) -> Order | None:
    """An order by its raw id, for `node` and `nodes`: its user's, or an admin's."""
    return await _find(info, raw_id) if is_object_id(raw_id) else None


async def _find(info: Info, identifier: str) -> Order | None:
    caller = info.context.signed_in(Role.VIEWER)
    return Order.or_none(await info.context.services.orders.find(caller, commands.FindOrder(_id(identifier))))


@strawberry.type
class OrderQuery:
    @strawberry.field(description="An order; null where there is none. For its user and admins.")
    async def order(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its Relay id or its raw `_id`.")],
    ) -> Order | None:
        return await _find(info, id)

    @strawberry.field(description="What was refunded of all orders, the latest first. For admins.")
    async def refunds(
        self,
        info: Info,
        filter: Annotated[RefundFilter | None, strawberry.argument(description="Narrows the list.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> RefundConnection:
        caller, refunds = info.context.admin(Role.VIEWER), info.context.services.refunds.listing
        wanted, window = command_of(models.RefundFilter, filter), Window.of(first, after, last, before)
        page = await refunds.window(caller, wanted, window)
        return RefundConnection.of(page, Refund.of, partial(refunds.count, caller, wanted))

    @strawberry.field(description="The orders of a user, the newest first. For that user and admins.")
    async def orders(
        self,
        info: Info,
        user_id: Annotated[
            str | None,
            strawberry.argument(description="Whose; the caller's own when not given, or for an admin everyone's."),
        ] = None,
        filter: Annotated[OrderFilter | None, strawberry.argument(description="Narrows the list.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> OrderConnection:
        caller, orders = info.context.caller(), info.context.services.orders
        sent = _wanted(user_id, filter)
        caller.require_self(sent.user_id or caller.user_id)
        page = await orders.list_window(caller, sent, Window.of(first, after, last, before))
        return OrderConnection.of(page, Order.of, partial(orders.count, caller, sent))


@strawberry.type
class OrderMutation:
    @strawberry.mutation(
        description="Change an order. For its user while it is pending, and for admins of the role ADMIN."
    )
    async def update_order(self, info: Info, input: UpdateOrderInput) -> UpdateOrderResult:
        caller = info.context.signed_in(Role.ADMIN)
        command = commands.UpdateOrder(_id(input.id), _change(input))
        order = await info.context.services.orders.update(caller, command)
        return UpdateOrderPayload(order=Order.of(order))

    @strawberry.mutation(description="Refund a whole order. For its user, and for admins of the role SUPPORT or ADMIN.")
    async def refund_order(self, info: Info, input: RefundOrderInput) -> RefundOrderResult:
        caller = info.context.signed_in(Role.SUPPORT)
        order = await info.context.services.orders.refund(caller, commands.RefundOrder(_id(input.id)))
        return RefundOrderPayload(order=Order.of(order))

    @strawberry.mutation(
        description="Refund units of a product of an order. For its user, and for admins of the role SUPPORT or ADMIN."
    )
    async def refund_order_product(
        self,
        info: Info,
        input: RefundOrderProductInput,
    ) -> RefundOrderProductResult:
        caller = info.context.signed_in(Role.SUPPORT)
        command = commands.RefundProduct(_id(input.id), read_sent(parse, commands.ProductUnits, _given(input)))
        order = await info.context.services.orders.refund_product(caller, command)
        return RefundOrderProductPayload(order=Order.of(order))


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
        caller, wanted = info.context.signed_in(Role.VIEWER), _watched(id, user_id)
        async with aclosing(info.context.services.orders.watch(caller, wanted)) as changed:
            async for order in changed:
                yield Order.of(order)


def _id(identifier: str) -> str:
    return either_id("Order", "id", identifier)


def _watched(identifier: str | None, user_id: str | None) -> commands.FindOrder | commands.ListOrders | RefusedCommand:
    if identifier is None:
        return read_for_user(commands.ListOrders, {"userId": user_id})
    if user_id is not None:
        raise InvalidInput.of("userId", "Give id or userId, not both")
    return commands.FindOrder(_id(identifier))


def _wanted(user_id: str | None, given: OrderFilter | None) -> commands.OrderFilter | RefusedCommand:
    """What of whose orders is to be listed, by the names of the order document."""
    wanted = dict(as_mapping(given))
    faults = _status_faults(wanted)
    if user_id is not None and wanted.setdefault("userId", user_id) != user_id:
        faults = [FieldError("userId", "Give userId as the argument or in the filter, not both")]
    text = wanted.pop("statusText", None)
    wanted["status"] = text if text is not None else wanted.get("status")
    if faults:
        return RefusedCommand(InvalidInput(faults, faults[0].message), user_id)
    return read_for_user(commands.OrderFilter, wanted)


def _status_faults(given: Mapping[str, object]) -> list[FieldError]:
    """What is wrong with a status that is given by its name, as a text, or both ways."""
    if given.get("status") is not None and given.get("statusText") is not None:
        return [FieldError("statusText", "Give status or statusText, not both")]
    if given.get("status") is OrderStatus.OTHER:
        return [FieldError("status", "For OTHER give statusText alone")]
    return []


def _given(given: object) -> dict[str, Any]:
    """What an input says beside its target."""
    return {name: value for name, value in as_mapping(given).items() if name != "id"}


def _change(given: UpdateOrderInput) -> commands.OrderChange | RefusedCommand:
    """What is to be changed, by the names of the order document."""
    changes = _given(given)
    if faults := _status_faults(changes):
        return RefusedCommand(InvalidInput(faults, faults[0].message))
    status, text = changes.get("status"), changes.pop("statusText", None)
    changes["status"] = text if status is None else status.value
    changes["cardNumber"] = changes.pop("cardLast4", None)
    return read_sent(parse, commands.OrderChange, changes)
