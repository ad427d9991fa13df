"""What the types ask for beside what they hold, each by one verb whose look-ups go together."""

from dataclasses import dataclass
from functools import partial

from models.access_codes.access_code import AccessCode, AccessCodeFilter, AccessCodeUsage
from models.access_codes.batches import AccessCodeBatchCounts
from models.coupons.redemptions import RedemptionsOfCoupon
from models.errors import RuleViolation
from models.orders.commands import FindOrder
from models.orders.order import Order
from models.pagination import Window
from models.principal import Principal
from models.sent import read_for_user
from models.usage.commands import FindAvailability, FindUsageFollower
from models.usage.history import MovesOfFollower
from schema.access_code import AccessCode as ShownAccessCode
from schema.access_code import AccessCodeConnection, AccessCodeUse, AccessCodeUseConnection, AccessCodeValidity
from schema.access_code_batch import AccessCodeBatch
from schema.coupon import Coupon
from schema.order import Order as ShownOrder
from schema.redemption import Redemption, RedemptionConnection
from schema.refund import Refund
from schema.usage import UsageAvailability, UsageFollower, UserUsage, UserUsageConnection
from schema.usage_move import UsageMove, UsageMoveConnection
from services.registry import Services


@dataclass(frozen=True, slots=True)
class RequestLoaders:
    """The loaders of one caller."""

    services: Services
    caller: Principal

    async def coupon(self, raw_id: str) -> Coupon | None:
        """The coupon that a follower follows; the field that led there has judged the caller."""
        return Coupon.or_none(await self.services.coupons.find_followed(self.caller, raw_id))

    async def redemptions(self, coupon_id: str, coupon_code: str, window: Window) -> RedemptionConnection:
        """Who redeemed a coupon. For admins."""
        redemptions = self.services.redemptions
        wanted = RedemptionsOfCoupon(coupon_id=coupon_id, coupon_code=coupon_code)
        page = await redemptions.window(self.caller, wanted, window)
        return RedemptionConnection.of(page, Redemption.of, partial(redemptions.count, self.caller, wanted))

    async def usage_follower(self, coupon_id: str) -> UsageFollower | None:
        """The follower of a coupon. For users and admins."""
        return UsageFollower.or_none(
            await self.services.usage.find(self.caller, FindUsageFollower(coupon_id=coupon_id))
        )

    async def follower(self, raw_id: str) -> UsageFollower | None:
        """A follower by its raw id. For users and admins."""
        return UsageFollower.or_none(await self.services.usage.find(self.caller, FindUsageFollower(id=raw_id)))

    async def usage_moves(
        self, follower_id: str, coupon_id: str | None, campaign_id: str | None, window: Window
    ) -> UsageMoveConnection:
        """What moved the counts of a follower. For admins."""
        moves = self.services.usage_moves
        wanted = MovesOfFollower(coupon_id=coupon_id, campaign_id=campaign_id, follower_id=follower_id)
        page = await moves.window(self.caller, wanted, window)
        return UsageMoveConnection.of(page, UsageMove.of, partial(moves.count, self.caller, wanted))

    async def usage_availability(
        self, coupon_id: str | None, campaign_id: str | None, user_id: str | None
    ) -> UsageAvailability | None:
        """What a follower allows a user, the caller where none is named. For the user and admins."""
        named = {"couponId": coupon_id, "campaignId": campaign_id, "userId": user_id}
        asked = read_for_user(FindAvailability, named)
        return UsageAvailability.or_none(await self.services.usage.find_availability(self.caller, asked))

    async def usages(self, follower_id: str, window: Window) -> UserUsageConnection:
        """The users of a follower: all of them for an admin, else the caller."""
        usage = self.services.usage
        page = await usage.list_usages(self.caller, follower_id, window)
        count = partial(usage.count_usages, self.caller, follower_id)
        return UserUsageConnection.of(page, partial(UserUsage.at, usage.now()), count)

    async def order(self, raw_id: str) -> ShownOrder | None:
        """An order by its raw id. For its user and admins."""
        return ShownOrder.or_none(await self.services.orders.find(self.caller, FindOrder(raw_id)))

    async def refunds(self, order: Order) -> list[Refund]:
        """What was refunded of an order. For admins."""
        return list(map(Refund.of, await self.services.refunds.of_order(self.caller, order)))

    async def access_code(self, raw_id: str) -> ShownAccessCode | None:
        """An access code by its raw id. For admins."""
        return ShownAccessCode.or_none(await self.services.access_codes.find_by_id(self.caller, raw_id))

    def access_code_usage(self, code: AccessCode) -> AccessCodeUsage:
        """How far an access code is used at this moment."""
        return self.services.access_codes.usage(code)

    def access_code_validity(self, code: AccessCode) -> AccessCodeValidity:
        """Whether an access code can be redeemed at this moment."""
        try:
            return AccessCodeValidity.of(self.services.access_codes.require_usable(code))
        except RuleViolation as refusal:
            return AccessCodeValidity.from_refusal(code.code, refusal)

    async def access_code_uses(self, code: AccessCode, window: Window) -> AccessCodeUseConnection:
        """Who used an access code. For admins."""
        access_codes = self.services.access_codes
        page = await access_codes.uses_window(self.caller, code, window)
        return AccessCodeUseConnection.of(page, AccessCodeUse.of, partial(access_codes.count_uses, self.caller, code))

    async def access_code_batch(self, name: str) -> AccessCodeBatch | None:
        """The batch of an access code. For admins."""
        return AccessCodeBatch.or_none(await self.services.access_code_batches.find(self.caller, name))

    async def access_code_batch_counts(self, name: str) -> AccessCodeBatchCounts:
        """Counts of a batch's codes at this moment. For admins."""
        return await self.services.access_code_batches.counts(self.caller, name)

    async def access_codes_of_batch(self, name: str, window: Window) -> AccessCodeConnection:
        """The codes of a batch. For admins."""
        access_codes, wanted = self.services.access_codes, AccessCodeFilter(batch=name)
        page = await access_codes.list_window(self.caller, wanted, window)
        return AccessCodeConnection.of(page, ShownAccessCode.of, partial(access_codes.count, self.caller, wanted))
