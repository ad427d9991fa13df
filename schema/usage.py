"""Usage followers in GraphQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

import strawberry

from models import usage as models
from models.ids import global_id
from models.pagination import Window
from schema.arguments import After, Before, First, Last
from schema.coupon import Coupon
from schema.enums import describe_enum
from schema.links import LinkInfo
from schema.problems import Problem
from schema.relay import Connection, Node
from schema.scalars import BigInt

describe_enum(
    models.LimitKind,
    "UsageLimitKind",
    "What a limit is for: one basket, each customer, or all customers together.",
    {
        models.LimitKind.BASKET: "`maxLimitInBasket`: units that one check can set aside.",
        models.LimitKind.CUSTOMER: "`maxLimitPerCustomer`: units that one user can use, ever.",
        models.LimitKind.TOTAL: "`maxTotalLimit`: units that all users together can use, ever.",
    },
)


@strawberry.type(description="A limit of a usage follower, and what is left of it for a user.")
class UsageLimit:
    kind: models.LimitKind = strawberry.field(description="What it limits.")
    limit: int = strawberry.field(description="How many units it allows.")
    used: BigInt = strawberry.field(description="How many of them are used.")
    held: BigInt = strawberry.field(
        description="How many are set aside: in the user's own open hold, or for the total in those of the others."
    )
    remaining: int = strawberry.field(description="How many the user may still have.")
    coupon_id: str | None = strawberry.field(description="The coupon whose limit it is.")
    campaign_id: str | None = strawberry.field(description="The campaign whose limit it is.")

    @classmethod
    def from_domain(cls, follower: models.UsageFollower, limit: models.Limit) -> Self:
        return cls(
            kind=limit.kind,
            limit=limit.limit,
            used=BigInt(limit.used),
            held=BigInt(limit.held),
            remaining=limit.remaining,
            coupon_id=follower.coupon_id,
            campaign_id=follower.campaign_id,
        )

    @classmethod
    def all_of(cls, follower: models.UsageFollower, limits: Iterable[models.Limit]) -> list[Self]:
        return [cls.from_domain(follower, limit) for limit in limits]


@strawberry.type(description="How often a user used what a follower counts.")
class UserUsage:
    user_id: str = strawberry.field(description="The user.")
    used: BigInt = strawberry.field(description="How many units they used.")
    held: BigInt = strawberry.field(description="How many units are set aside for them at this moment.")
    hold_expires_at: datetime | None = strawberry.field(description="Until when.")

    @classmethod
    def from_domain(cls, usage: models.UserUsage, now: datetime) -> Self:
        held = usage.open_hold(now)
        return cls(
            user_id=usage.user_id,
            used=BigInt(usage.used),
            held=BigInt(held),
            hold_expires_at=usage.hold_expires_at if held else None,
        )


@strawberry.type(description="A page of the users of a follower.")
class UserUsageConnection(Connection[UserUsage]):
    pass


@strawberry.type(description="Counts how often a coupon or a campaign is used, in all and by each user, within limits.")
class UsageFollower(Node):
    database_id: strawberry.ID = strawberry.field(description="The raw `_id`, as REST shows it.")
    coupon_id: str | None = strawberry.field(description="The coupon it follows.")
    campaign_id: str | None = strawberry.field(description="The campaign it follows.")
    max_limit_in_basket: int | None = strawberry.field(description="The most units in one basket; null is no limit.")
    max_total_limit: int | None = strawberry.field(description="The most units in all; null is no limit.")
    max_limit_per_customer: int | None = strawberry.field(description="The most units of each user; null is no limit.")
    total_usage_count: BigInt = strawberry.field(description="How many units all users used.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it last changed, or a count of it.")

    @strawberry.field(description="Its users in the order they came: all of them for an admin, else the caller.")
    async def usages(
        self, info: LinkInfo, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> UserUsageConnection:
        return await info.context.links.usages(self.database_id, Window.of(first, after, last, before))

    @strawberry.field(description="The coupon it follows, where it is one of ours.")
    async def coupon(self, info: LinkInfo) -> Coupon | None:
        return None if self.coupon_id is None else await info.context.links.coupon(self.coupon_id)

    @classmethod
    def from_domain(cls, follower: models.UsageFollower) -> Self:
        return cls(
            id=strawberry.ID(global_id("UsageFollower", follower.id)),
            database_id=strawberry.ID(follower.id),
            coupon_id=follower.coupon_id,
            campaign_id=follower.campaign_id,
            max_limit_in_basket=follower.max_limit_in_basket,
            max_total_limit=follower.max_total_limit,
            max_limit_per_customer=follower.max_limit_per_customer,
            total_usage_count=BigInt(follower.total_usage_count),
            created_at=follower.created_at,
            updated_at=follower.updated_at,
        )


@strawberry.type(description="A page of usage followers.")
class UsageFollowerConnection(Connection[UsageFollower]):
    pass


@strawberry.type(description="What a follower allows a user at this moment.")
class UsageAvailability:
    coupon_id: str | None = strawberry.field(description="The coupon that is followed.")
    campaign_id: str | None = strawberry.field(description="The campaign that is followed.")
    limits: list[UsageLimit] = strawberry.field(description="Every limit that is set.")
    used: BigInt = strawberry.field(description="How many units the user used.")
    held: BigInt = strawberry.field(description="How many are set aside for the user.")
    total_usage_count: BigInt = strawberry.field(description="How many units all users used.")
    available: int | None = strawberry.field(description="How many the user may have; null where nothing limits it.")

    @classmethod
    def from_domain(cls, found: models.Availability) -> Self:
        return cls(
            coupon_id=found.follower.coupon_id,
            campaign_id=found.follower.campaign_id,
            limits=UsageLimit.all_of(found.follower, found.limits),
            used=BigInt(found.used),
            held=BigInt(found.held),
            total_usage_count=BigInt(found.total_usage_count),
            available=found.available,
        )


@strawberry.type(description="One or more limits allow less than was asked for; nothing changed.")
class UsageLimitReached(Problem):
    limits: list[UsageLimit] = strawberry.field(description="Every limit that binds, of every follower named.")

    @classmethod
    def from_error(cls, error: models.UsageLimitReached) -> Self:
        limits = [UsageLimit.from_domain(follower, limit) for follower, limit in error.limits]
        return cls(code=error.code, message=error.message, limits=limits)
