"""The verbs of series: what happened in each hour, day, week or month. For admins."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from models.principal import Principal, Role
from models.series import AskAccessCodeUseSeries, AskRedemptionSeries, AskSeries, AskUsageSeries, Bucket, edges_of
from services.access_codes.totals import USES_BY_HOUR
from services.coupons.totals import REDEMPTIONS
from services.kit.database import Database
from services.kit.hourly.totals import ALL, HourlySource, read_buckets
from services.orders.totals import ORDERS_BY_HOUR, REFUNDS_BY_HOUR
from services.usage.totals import MOVES, part_of

SOURCES = (REDEMPTIONS, USES_BY_HOUR, MOVES, ORDERS_BY_HOUR, REFUNDS_BY_HOUR)
"""Every series that is kept."""


class Series:
    """Each verb returns the buckets in their order, without gaps, from totals that move with the rows."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def of_redemptions(self, principal: Principal, asked: AskRedemptionSeries) -> list[Bucket]:
        """What was redeemed, of all or of one role: `count`, `newUsers`, `points` given to each side."""
        role = ALL if asked.role is None else asked.role.value
        return await self._read(principal, asked, REDEMPTIONS, role)

    async def of_access_code_uses(self, principal: Principal, asked: AskAccessCodeUseSeries) -> list[Bucket]:
        """How often access codes were used, all or those of a batch: `count`."""
        return await self._read(principal, asked, USES_BY_HOUR, asked.batch or ALL)

    async def of_usage(self, principal: Principal, asked: AskUsageSeries) -> list[Bucket]:
        """How usage moved, of all, of a coupon or of a campaign: `count` of moves, `added`, `removed`."""
        part = ALL
        if asked.coupon_id is not None:
            part = part_of("couponId", asked.coupon_id)
        elif asked.campaign_id is not None:
            part = part_of("campaignId", asked.campaign_id)
        return await self._read(principal, asked, MOVES, part)

    async def of_orders(self, principal: Principal, asked: AskSeries) -> list[Bucket]:
        """Which orders were made, `count` and `amount` (what they come to now), and what was refunded.

        The latter are `refunds.count`, `refunds.units` and `refunds.amount`.
        """
        orders = await self._read(principal, asked, ORDERS_BY_HOUR)
        refunds = await self._read(principal, asked, REFUNDS_BY_HOUR)
        return [
            replace(made, numbers={**made.numbers, **{f"refunds.{name}": n for name, n in given_back.numbers.items()}})
            for made, given_back in zip(orders, refunds, strict=True)
        ]

    async def _read(
        self, principal: Principal, asked: AskSeries, source: HourlySource, part: str = ALL
    ) -> list[Bucket]:
        principal.require_role(Role.VIEWER)
        edges = edges_of(asked, self._clock())
        counted = await read_buckets(self._database, source, part, edges)
        return [Bucket(start, end, numbers) for (start, end), numbers in zip(pairwise(edges), counted, strict=True)]
