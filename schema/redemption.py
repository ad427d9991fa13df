"""Redemptions of coupons in GraphQL."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from models.coupons.redemptions import LedgerEntry
from schema.loaders import Info
from schema.relay import Connection, Entity, PeriodInput, Shows

if TYPE_CHECKING:
    from schema.coupon import Coupon


@strawberry.type(
    description=(
        "A redemption of a coupon, for ever: it outlives both coupons. What an older system did not record is null."
    )
)
class Redemption(Entity, Shows[LedgerEntry]):
    coupon_code: str | None = strawberry.field(description="The code that was redeemed.")
    creator_twitter_id: str | None = strawberry.field(description="The Twitter id of the coupon's owner.")
    redeemer_twitter_id: str | None = strawberry.field(description="The Twitter id of who redeemed it.")
    new_user: bool | None = strawberry.field(
        description="Whether the redeemer got their coupon by it; null where an earlier release recorded it."
    )
    points: int = strawberry.field(description="How many points each side was given.")
    redeemed_at: datetime = strawberry.field(description="When it was redeemed.")
    coupon_id: strawberry.Private[str | None]
    redeemer_coupon_id: strawberry.Private[str | None]

    @strawberry.field(description="The coupon that was redeemed; null once it is deleted.")
    async def coupon(self, info: Info) -> Annotated["Coupon", strawberry.lazy("schema.coupon")] | None:
        return None if self.coupon_id is None else await info.context.loaders.coupon(self.coupon_id)

    @strawberry.field(description="The redeemer's own coupon; null once it is deleted.")
    async def redeemer_coupon(self, info: Info) -> Annotated["Coupon", strawberry.lazy("schema.coupon")] | None:
        return None if self.redeemer_coupon_id is None else await info.context.loaders.coupon(self.redeemer_coupon_id)


@strawberry.type(description="A page of redemptions, the latest first.")
class RedemptionConnection(Connection[Redemption]):
    pass


@strawberry.input(description="Narrows a list of redemptions; every condition given must hold.")
class RedemptionFilter(PeriodInput):
    coupon_code: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The code that was redeemed, as typed or pasted; that of a deleted coupon too.",
    )
    creator_twitter_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The Twitter id of the coupon's owner."
    )
    redeemer_twitter_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The Twitter id of who redeemed, once ever."
    )
