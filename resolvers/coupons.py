"""The GraphQL fields of coupons."""

from functools import partial
from typing import Annotated

import strawberry

from models.coupons import coupon as models
from models.coupons import redemptions
from models.inputs import parse
from models.pagination import Window
from models.principal import Role
from models.sent import read_by_name
from models.values.ids import either_id, is_object_id
from resolvers.context import Info, as_mapping, command_of
from schema.coupon import (
    Coupon,
    CouponConnection,
    CouponFilter,
    CouponOrder,
    CouponStats,
    CreateCouponInput,
    CreateCouponPayload,
    CreateCouponResult,
    DeleteCouponInput,
    DeleteCouponPayload,
    DeleteCouponResult,
    RedeemCouponInput,
    RedeemCouponPayload,
    RedeemCouponResult,
    SetCouponActiveInput,
    SetCouponActivePayload,
    SetCouponActiveResult,
)
from schema.redemption import Redemption, RedemptionConnection, RedemptionFilter
from schema.relay import After, Before, First, Last
from services.coupons.repository import ORDERS


async def node(info: Info, raw_id: str) -> Coupon | None:
    """A coupon by its raw id, for `node` and `nodes`: open to everyone, as `coupon` is."""
    if not is_object_id(raw_id):
        return None
    coupons = info.context.services.coupons
    return Coupon.or_none(await info.context.public(lambda permit: coupons.find_by_id(permit, raw_id)))


async def redemption_node(info: Info, raw_id: str) -> Redemption | None:
    """A redemption by its raw id, for `node` and `nodes`: for admins."""
    caller = info.context.admin(Role.VIEWER)
    if not is_object_id(raw_id):
        return None
    return Redemption.or_none(await info.context.services.redemptions.find_by_id(caller, raw_id))


@strawberry.type
class CouponQuery:
    @strawberry.field(
        description="A coupon by its owner or by its code (exactly one of them); null where there is none."
    )
    async def coupon(
        self,
        info: Info,
        twitter_id: Annotated[str | None, strawberry.argument(description="The Twitter id of its owner.")] = None,
        coupon_code: Annotated[
            str | None,
            strawberry.argument(description="Its code, as typed or pasted: case, blanks and dashes do not count."),
        ] = None,
    ) -> Coupon | None:
        named, coupons = {"twitterId": twitter_id, "couponCode": coupon_code}, info.context.services.coupons
        return Coupon.or_none(
            await info.context.public(lambda permit: coupons.find(permit, parse(models.FindCoupon, named)))
        )

    @strawberry.field(description="All coupons, the newest first unless ordered otherwise. For admins.")
    async def coupons(
        self,
        info: Info,
        filter: Annotated[CouponFilter | None, strawberry.argument(description="Narrows the list.")] = None,
        order_by: Annotated[CouponOrder, strawberry.argument(description="What comes first.")] = CouponOrder.CREATED_AT,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> CouponConnection:
        caller, coupons = info.context.admin(Role.VIEWER), info.context.services.coupons
        wanted, window = command_of(models.CouponFilter, filter), Window.of(first, after, last, before)
        page = await coupons.list_window(caller, wanted, ORDERS[order_by.value], window)
        return CouponConnection.of(page, Coupon.of, partial(coupons.count, caller, wanted))

    @strawberry.field(description="What was redeemed, the latest first; deleted coupons included. For admins.")
    async def redemptions(
        self,
        info: Info,
        filter: Annotated[RedemptionFilter | None, strawberry.argument(description="Narrows the list.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> RedemptionConnection:
        caller, ledger = info.context.admin(Role.VIEWER), info.context.services.redemptions
        wanted, window = command_of(redemptions.RedemptionFilter, filter), Window.of(first, after, last, before)
        page = await ledger.window(caller, wanted, window)
        return RedemptionConnection.of(page, Redemption.of, partial(ledger.count, caller, wanted))

    @strawberry.field(description="Counts over all coupons that exist. For admins.")
    async def coupon_stats(self, info: Info) -> CouponStats:
        return CouponStats.of(await info.context.services.coupons.stats(info.context.caller()))


@strawberry.type
class CouponMutation:
    @strawberry.mutation(description="Make a coupon with a new code. Open to everyone, rate limited.")
    async def create_coupon(self, info: Info, input: CreateCouponInput) -> CreateCouponResult:
        create = info.context.services.coupons.create
        coupon = await info.context.public(lambda permit: create(permit, command_of(models.CreateCoupon, input)))
        return CreateCouponPayload(coupon=Coupon.of(coupon))

    @strawberry.mutation(
        description="Redeem a coupon: 10 points to each side, once for each user ever. Open to everyone, rate limited."
    )
    async def redeem_coupon(self, info: Info, input: RedeemCouponInput) -> RedeemCouponResult:
        redeem, sent = info.context.services.coupons.redeem, read_by_name(models.RedeemCoupon, as_mapping(input))
        redemption = await info.context.public(lambda permit: redeem(permit, sent))
        return RedeemCouponPayload.of(redemption)

    @strawberry.mutation(
        description="Delete a coupon; its redemptions stay in the ledger. For admins of the role ADMIN."
    )
    async def delete_coupon(self, info: Info, input: DeleteCouponInput) -> DeleteCouponResult:
        caller = info.context.admin(Role.ADMIN)
        command = models.DeleteCoupon(either_id("Coupon", "id", input.id))
        coupon = await info.context.services.coupons.delete(caller, command)
        return DeleteCouponPayload(coupon=Coupon.of(coupon))

    @strawberry.mutation(description="Let a coupon be redeemed, or not. For admins of the role SUPPORT or ADMIN.")
    async def set_coupon_active(self, info: Info, input: SetCouponActiveInput) -> SetCouponActiveResult:
        caller = info.context.admin(Role.SUPPORT)
        coupon = await info.context.services.coupons.set_active(caller, command_of(models.SetCouponActive, input))
        return SetCouponActivePayload(coupon=Coupon.of(coupon))
