"""Limits of usage in GraphQL, and the refusal that they bring."""

from collections.abc import Iterable
from typing import Self

import strawberry

from models.usage import follower as models
from schema.problems import Problem
from schema.relay import Shows
from schema.scalars import BigInt, describe_enum

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
class UsageLimit(Shows[models.Limit]):
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
    def all_of(cls, follower: models.UsageFollower, limits: Iterable[models.Limit]) -> list[Self]:
        """The limits of one follower."""
        return [cls.by_name(limit, coupon_id=follower.coupon_id, campaign_id=follower.campaign_id) for limit in limits]


@strawberry.type(description="One or more limits allow less than was asked for; nothing changed.")
class UsageLimitReached(Problem):
    limits: list[UsageLimit] = strawberry.field(description="Every limit that binds, of every follower named.")

    @classmethod
    def of(cls, error: models.UsageLimitReached, /) -> Self:
        limits = [limit for follower, binding in error.limits for limit in UsageLimit.all_of(follower, [binding])]
        return cls.by_name(error, limits=limits)
