"""Coupons in GraphQL."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from models.coupons import coupon as models
from models.pagination import Window
from schema.loaders import Info
from schema.problems import Conflict, InvalidInput, NotFound, RateLimited, Refused
from schema.redemption import RedemptionConnection
from schema.relay import After, Before, Connection, Entity, First, IdempotentInput, Last, PeriodInput, Shows
from schema.scalars import BigInt, describe_enum

if TYPE_CHECKING:
    from schema.usage import UsageFollower

describe_enum(
    models.CouponRole,
    "CouponRole",
    "Who a coupon belongs to: a coupon is redeemed by owners of coupons of the same role.",
    {
        models.CouponRole.CREATOR: "A creator's coupon, redeemed by creators.",
        models.CouponRole.USER: "A user's coupon, redeemed by users.",
    },
)


class CouponOrder(StrEnum):
    """The members are the names of `services.coupons.service.ORDERS`."""

    CREATED_AT = "CREATED_AT"
    TIMES_USED = "TIMES_USED"
    FOLLOWERS = "FOLLOWERS"


describe_enum(
    CouponOrder,
    "CouponOrder",
    "What a list of coupons is ordered by, the greatest or newest first.",
    {
        CouponOrder.CREATED_AT: "The newest first.",
        CouponOrder.TIMES_USED: "The most often redeemed first; of equal ones that with the most points.",
        CouponOrder.FOLLOWERS: "Those first whose owners had the most followers when they were made.",
    },
)


@strawberry.type(description="A referral coupon: one for each user, redeemed by others, with its owner's points.")
class Coupon(Entity, Shows[models.Coupon]):
    coupon_code: str = strawberry.field(description="The code that others redeem, `XXXX-XXXX`.")
    twitter_id: str = strawberry.field(description="The Twitter id of its owner.")
    username: str = strawberry.field(description="The Twitter username of its owner.")
    followers: int = strawberry.field(description="How many followers its owner had when it was made.")
    points: int = strawberry.field(description="The owner's balance: 10 for each redemption on either side.")
    times_used: int = strawberry.field(description="How often it was redeemed.")
    role: models.CouponRole = strawberry.field(description="Only coupons of one's own role can be redeemed.")
    active: bool = strawberry.field(description="Whether it can be redeemed.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    last_used_at: datetime | None = strawberry.field(description="When it was last redeemed.")

    @strawberry.field(description="The follower that counts its usage. For users and admins.")
    async def usage_follower(self, info: Info) -> Annotated["UsageFollower", strawberry.lazy("schema.usage")] | None:
        return await info.context.loaders.usage_follower(self.database_id)

    @strawberry.field(description="Its redemptions, the latest first. For admins.")
    async def redemptions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> RedemptionConnection | None:
        window = Window.of(first, after, last, before)
        return await info.context.loaders.redemptions(self.database_id, self.coupon_code, window)


@strawberry.type(description="A page of coupons.")
class CouponConnection(Connection[Coupon]):
    pass


@strawberry.type(description="How many coupons each role has.")
class RoleDistribution(Shows[models.CouponStats]):
    creators: int = strawberry.field(description="Coupons of creators.")
    users: int = strawberry.field(description="Coupons of users.")


@strawberry.type(description="Counts over all coupons that exist.")
class CouponStats(Shows[models.CouponStats]):
    total_coupons: int = strawberry.field(description="How many coupons there are.")
    role_distribution: RoleDistribution = strawberry.field(description="How many of each role.")
    total_redeemed: BigInt = strawberry.field(description="The sum of `timesUsed`.")
    most_used_coupon: Coupon | None = strawberry.field(
        description="The highest `timesUsed`, then points; null while nothing was redeemed."
    )

    @classmethod
    def of(cls, stats: models.CouponStats, /) -> Self:
        most_used = Coupon.or_none(stats.most_used)
        return cls.by_name(stats, role_distribution=RoleDistribution.of(stats), most_used_coupon=most_used)


@strawberry.input(description="Narrows a list of coupons; every condition given must hold.")
class CouponFilter(PeriodInput):
    role: models.CouponRole | None = strawberry.field(
        default=strawberry.UNSET, description="Only coupons of this role."
    )
    min_followers: int | None = strawberry.field(
        default=strawberry.UNSET, description="Only coupons whose owners had at least so many followers, 0 or more."
    )
    username: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="This text literally, anywhere in the username, ignoring case in any script.",
    )
    coupon_code: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="This part of the code, anywhere in it; case, blanks and dashes do not count.",
    )
    active: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only coupons that can be redeemed, or only those that cannot."
    )


@strawberry.input(description="What a new coupon needs.")
class CreateCouponInput(IdempotentInput):
    twitter_id: str = strawberry.field(
        description="The Twitter id of its owner, who may have one coupon; up to 256 characters."
    )
    username: str = strawberry.field(description="The Twitter username of its owner, up to 256 characters.")
    followers: int = strawberry.field(description="How many followers its owner has, at least 1000.")
    role: models.CouponRole | None = strawberry.field(default=strawberry.UNSET, description="`USER` when not given.")


@strawberry.input(description="What a redemption needs. A redeemer without a coupon gives `username` and `followers`.")
class RedeemCouponInput(IdempotentInput):
    redeemer_twitter_id: str = strawberry.field(description="The Twitter id of the redeemer.")
    coupon_code: str = strawberry.field(
        description="The code, as typed or pasted: case, blanks, dashes, quotes and invisible characters do not count."
    )
    username: str | None = strawberry.field(
        default=strawberry.UNSET, description="The username of a redeemer who has no coupon yet."
    )
    followers: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many followers a redeemer who has no coupon yet has, at least 1000."
    )


@strawberry.input(description="Which coupon to delete.")
class DeleteCouponInput(IdempotentInput):
    id: strawberry.ID = strawberry.field(description="Its Relay id or its raw `_id`.")


@strawberry.input(description="Which coupon to switch on or off.")
class SetCouponActiveInput(IdempotentInput):
    id: strawberry.ID = strawberry.field(description="Its Relay id or its raw `_id`.")
    active: bool = strawberry.field(description="true lets it be redeemed, false refuses it as an unknown code is.")


@strawberry.type(description="A coupon was made.")
class CreateCouponPayload:
    coupon: Coupon = strawberry.field(description="The new coupon.")


@strawberry.type(description="A coupon was redeemed: 10 points to each side.")
class RedeemCouponPayload(Shows[models.Redemption]):
    creator_points: int = strawberry.field(description="The balance of the coupon's owner after it.")
    redeemer_points: int = strawberry.field(description="The balance of the redeemer after it.")
    new_user: bool = strawberry.field(description="Whether the redeemer had no coupon before.")
    new_coupon: Coupon | None = strawberry.field(description="The coupon made for a new user.")

    @classmethod
    def of(cls, redemption: models.Redemption, /) -> Self:
        new_coupon = Coupon.or_none(redemption.new_coupon)
        return cls.by_name(redemption, new_user=new_coupon is not None, new_coupon=new_coupon)


@strawberry.type(description="A coupon was deleted; its redemptions stay in the ledger.")
class DeleteCouponPayload:
    coupon: Coupon = strawberry.field(description="The coupon as it was.")


@strawberry.type(description="A coupon was switched on or off.")
class SetCouponActivePayload:
    coupon: Coupon = strawberry.field(description="The coupon as it is now.")


CreateCouponResult = Annotated[
    CreateCouponPayload | InvalidInput | Conflict | RateLimited,
    strawberry.union("CreateCouponResult", description="The new coupon, or why there is none."),
]
RedeemCouponResult = Annotated[
    RedeemCouponPayload | InvalidInput | NotFound | Conflict | Refused | RateLimited,
    strawberry.union("RedeemCouponResult", description="The balances after the redemption, or why there was none."),
]
DeleteCouponResult = Annotated[
    DeleteCouponPayload | InvalidInput | NotFound | Conflict,
    strawberry.union("DeleteCouponResult", description="The deleted coupon, or why it was not deleted."),
]
SetCouponActiveResult = Annotated[
    SetCouponActivePayload | InvalidInput | NotFound | Conflict,
    strawberry.union("SetCouponActiveResult", description="The coupon, or why it was not switched."),
]
