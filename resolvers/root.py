"""The root of the schema: everything a client can ask, in one file."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry

from models.errors import Forbidden, InvalidInput, Unauthenticated
from models.principal import Role
from models.values.ids import split_global_id
from resolvers import access_code_batches, access_codes, activity, admin_keys, coupons, orders, usage
from resolvers.access_code_batches import AccessCodeBatchMutation, AccessCodeBatchQuery
from resolvers.access_codes import AccessCodeMutation, AccessCodeQuery
from resolvers.activity import ActivityQuery
from resolvers.admin_keys import AdminKeyMutation, AdminKeyQuery
from resolvers.audit import AuditMutation, AuditQuery
from resolvers.availability import AvailabilitySubscription
from resolvers.context import Info
from resolvers.coupons import CouponMutation, CouponQuery
from resolvers.idempotency import make_idempotent
from resolvers.orders import OrderMutation, OrderQuery, OrderSubscription
from resolvers.series import SeriesQuery
from resolvers.usage import UsageMutation, UsageQuery, UsageSubscription
from schema.relay import Node

Finder = Callable[[Info, str], Awaitable[Node | None]]

# How an object of each type is found by its raw id.
FINDERS: dict[str, Finder] = {
    "Coupon": coupons.node,
    "Redemption": coupons.redemption_node,
    "AccessCode": access_codes.node,
    "AccessCodeBatch": access_code_batches.node,
    "UsageFollower": usage.node,
    "Order": orders.node,
    "AdminKey": admin_keys.node,
    "Activity": activity.node,
}
MAX_NODES = 100


async def find_node(info: Info, identifier: str) -> Node | None:
    """Returns the object of a global id, or None where there is none that the caller may see."""
    info.context.caller()
    type_name, raw_id = split_global_id(identifier) or ("", "")
    finder = FINDERS.get(type_name)
    try:
        return await finder(info, raw_id) if finder else None
    except (Forbidden, Unauthenticated):
        return None


@strawberry.type(description="Who is calling.")
class Viewer:
    user_id: str | None = strawberry.field(description="The `userId` of the token; null for a bare admin key.")
    user_types: list[str] = strawberry.field(description="The `userType` of the token.")
    name: str = strawberry.field(description="Who acts: the admin of the key, else the user.")
    role: Role | None = strawberry.field(description="What an admin may do; null for who is none.")
    is_admin: bool = strawberry.field(description="Whether an admin calls, of whatever role.")


@strawberry.type(description="Everything that can be read.")
class Query(
    CouponQuery,
    AccessCodeQuery,
    AccessCodeBatchQuery,
    UsageQuery,
    OrderQuery,
    SeriesQuery,
    AuditQuery,
    AdminKeyQuery,
    ActivityQuery,
):
    @strawberry.field(description="An object by its global id; null where there is none that the caller may see.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="A Relay global id.")],
    ) -> Node | None:
        return await find_node(info, id)

    @strawberry.field(description="Objects by their global ids (at most 100), in the order asked for.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Relay global ids.")],
    ) -> list[Node | None]:
        if len(ids) > MAX_NODES:
            raise InvalidInput.of("ids", f"ids must hold at most {MAX_NODES} items")
        return list(await asyncio.gather(*(find_node(info, one) for one in ids)))

    @strawberry.field(description="Who is calling; null for the anonymous.")
    def viewer(self, info: Info) -> Viewer | None:
        caller = info.context.caller()
        if caller.user_id is None and caller.role is None:
            return None
        return Viewer(
            user_id=caller.user_id,
            user_types=list(caller.user_types),
            name=caller.name,
            role=caller.role,
            is_admin=caller.role is not None,
        )


@strawberry.type(description="Everything that can be changed.")
class Mutation(
    CouponMutation,
    AccessCodeMutation,
    AccessCodeBatchMutation,
    UsageMutation,
    OrderMutation,
    AuditMutation,
    AdminKeyMutation,
):
    pass


@strawberry.type(description="Everything that can be listened to.")
class Subscription(UsageSubscription, OrderSubscription, AvailabilitySubscription):
    pass


make_idempotent(Mutation)
