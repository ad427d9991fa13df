"""What leads from one object to others: asked for where a field of it is selected, and nowhere else."""

from typing import TYPE_CHECKING, Protocol, TypeAlias

import strawberry

from models.access_codes.access_code import AccessCode, AccessCodeUsage
from models.access_codes.batches import AccessCodeBatchCounts
from models.orders.order import Order
from models.pagination import Window

if TYPE_CHECKING:
    from schema.access_code import AccessCode as ShownAccessCode
    from schema.access_code import AccessCodeConnection, AccessCodeUseConnection, AccessCodeValidity
    from schema.access_code_batch import AccessCodeBatch
    from schema.coupon import Coupon
    from schema.order import Order as ShownOrder
    from schema.redemption import RedemptionConnection
    from schema.refund import Refund
    from schema.usage import UsageAvailability, UsageFollower, UserUsageConnection
    from schema.usage_move import UsageMoveConnection


class Loaders(Protocol):
    """What the types may ask for in the caller's name; each judges what the caller may see."""

    async def coupon(self, raw_id: str) -> "Coupon | None": ...

    async def redemptions(self, coupon_id: str, coupon_code: str, window: Window) -> "RedemptionConnection": ...

    async def usage_follower(self, coupon_id: str) -> "UsageFollower | None": ...

    async def follower(self, raw_id: str) -> "UsageFollower | None": ...

    async def usage_moves(
        self, follower_id: str, coupon_id: str | None, campaign_id: str | None, window: Window
    ) -> "UsageMoveConnection": ...

    async def usage_availability(
        self, coupon_id: str | None, campaign_id: str | None, user_id: str | None
    ) -> "UsageAvailability | None": ...

    async def usages(self, follower_id: str, window: Window) -> "UserUsageConnection": ...

    async def order(self, raw_id: str) -> "ShownOrder | None": ...

    async def refunds(self, order: Order) -> "list[Refund]": ...

    async def access_code(self, raw_id: str) -> "ShownAccessCode | None": ...

    def access_code_usage(self, code: AccessCode) -> AccessCodeUsage: ...

    def access_code_validity(self, code: AccessCode) -> "AccessCodeValidity": ...

    async def access_code_uses(self, code: AccessCode, window: Window) -> "AccessCodeUseConnection": ...

    async def access_code_batch(self, name: str) -> "AccessCodeBatch | None": ...

    async def access_code_batch_counts(self, name: str) -> AccessCodeBatchCounts: ...

    async def access_codes_of_batch(self, name: str, window: Window) -> "AccessCodeConnection": ...


class HasLoaders(Protocol):
    """The context of a request, as far as the types need it."""

    @property
    def loaders(self) -> Loaders: ...


Info: TypeAlias = strawberry.Info[HasLoaders, None]
