"""The GraphQL fields of series."""

from datetime import datetime
from typing import Annotated

import strawberry

from models.coupons.coupon import CouponRole
from models.inputs import parse
from models.principal import Role
from models.series import AskAccessCodeUseSeries, AskRedemptionSeries, AskSeries, AskUsageSeries, Interval
from resolvers.context import Info
from schema.series import AccessCodeUseBucket, OrderBucket, RedemptionBucket, UsageBucket

IntervalArgument = Annotated[Interval, strawberry.argument(description="How long a bucket is.")]
From = Annotated[
    datetime, strawberry.argument(name="from", description="Where it begins: the bucket of this instant is the first.")
]
To = Annotated[
    datetime | None,
    strawberry.argument(
        name="to",
        description="Where it ends; up to now when not given. The bucket of the instant before is the last.",
    ),
]
TimeZone = Annotated[
    str,
    strawberry.argument(
        description="Whose clock and calendar make the buckets: a name of the IANA, such as `Europe/Berlin`."
    ),
]


def _given(interval: Interval, start: datetime, end: datetime | None, time_zone: str) -> dict[str, object]:
    """The arguments of every series by their names on the wire."""
    return {"interval": interval, "from": start, "to": end, "timeZone": time_zone}


@strawberry.type
class SeriesQuery:
    @strawberry.field(description="What was redeemed, in buckets without gaps. For admins.")
    async def redemption_series(
        self,
        info: Info,
        interval: IntervalArgument,
        start: From,
        end: To = None,
        time_zone: TimeZone = "UTC",
        role: Annotated[
            CouponRole | None, strawberry.argument(description="Only between coupons of this role.")
        ] = None,
    ) -> list[RedemptionBucket]:
        caller, given = info.context.admin(Role.VIEWER), _given(interval, start, end, time_zone)
        asked = parse(AskRedemptionSeries, given | {"role": role})
        return [RedemptionBucket.of(one) for one in await info.context.services.series.of_redemptions(caller, asked)]

    @strawberry.field(description="How often access codes were used, in buckets without gaps. For admins.")
    async def access_code_use_series(
        self,
        info: Info,
        interval: IntervalArgument,
        start: From,
        end: To = None,
        time_zone: TimeZone = "UTC",
        batch: Annotated[
            str | None, strawberry.argument(description="Only of codes of the batch of this name.")
        ] = None,
    ) -> list[AccessCodeUseBucket]:
        caller, given = info.context.admin(Role.VIEWER), _given(interval, start, end, time_zone)
        asked = parse(AskAccessCodeUseSeries, given | {"batch": batch})
        found = await info.context.services.series.of_access_code_uses(caller, asked)
        return [AccessCodeUseBucket.of(one) for one in found]

    @strawberry.field(description="How usage moved, in buckets without gaps. For admins.")
    async def usage_series(
        self,
        info: Info,
        interval: IntervalArgument,
        start: From,
        end: To = None,
        time_zone: TimeZone = "UTC",
        coupon_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only of the follower of this coupon.")
        ] = None,
        campaign_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only of the follower of this campaign.")
        ] = None,
    ) -> list[UsageBucket]:
        caller, given = info.context.admin(Role.VIEWER), _given(interval, start, end, time_zone)
        asked = parse(AskUsageSeries, given | {"couponId": coupon_id, "campaignId": campaign_id})
        return [UsageBucket.of(one) for one in await info.context.services.series.of_usage(caller, asked)]

    @strawberry.field(description="Which orders were made, in buckets without gaps. For admins.")
    async def order_series(
        self, info: Info, interval: IntervalArgument, start: From, end: To = None, time_zone: TimeZone = "UTC"
    ) -> list[OrderBucket]:
        caller, asked = info.context.admin(Role.VIEWER), parse(AskSeries, _given(interval, start, end, time_zone))
        return [OrderBucket.of(one) for one in await info.context.services.series.of_orders(caller, asked)]
