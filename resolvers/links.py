"""Fields that lead from one noun to another, each by one verb whose look-ups go together."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from models.pagination import Window
from models.usage_commands import FindUsageFollower
from schema.coupon import Coupon
from schema.usage import UsageFollower, UserUsage, UserUsageConnection

if TYPE_CHECKING:
    from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class RequestLinks:
    """The links as one caller sees them."""

    context: "Context"

    async def coupon(self, raw_id: str) -> Coupon | None:
        """The coupon that a follower follows; the field that led there has judged the caller."""
        coupon = await self.context.services.coupons.find_followed(self.context.caller(), raw_id)
        return Coupon.from_domain(coupon) if coupon else None

    async def usage_follower(self, coupon_id: str) -> UsageFollower | None:
        wanted = FindUsageFollower(coupon_id=coupon_id)
        follower = await self.context.services.usage.find(self.context.caller(), wanted)
        return UsageFollower.from_domain(follower) if follower else None

    async def usages(self, follower_id: str, window: Window) -> UserUsageConnection:
        caller, usage = self.context.caller(), self.context.services.usage
        page = await usage.list_usages(caller, follower_id, window)
        to_node = partial(UserUsage.from_domain, now=usage.now())
        return UserUsageConnection.of(page, to_node, partial(usage.count_usages, caller, follower_id))
