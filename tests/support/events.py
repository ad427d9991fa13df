"""What there is an event of besides orders, redemptions and what is made or deleted by itself."""

from bson import ObjectId

from models.access_codes.access_code import CreateAccessCode, DeactivateAccessCode
from models.access_codes.batches import CreateAccessCodes, DeactivateAccessCodeBatch
from models.coupons.coupon import CreateCoupon, SetCouponActive
from models.principal import SYSTEM
from models.usage.commands import CreateUsageFollower, MoveUsage
from services.kit.rate_limit import RateLimitPermit
from services.registry import Services
from tests.support.api import unique


async def switch_and_move(services: Services) -> None:
    """Switch a coupon, a code and a batch of codes, and move a count of usage."""
    coupon = await services.coupons.create(RateLimitPermit(SYSTEM), CreateCoupon(unique(), unique(), 2_000))
    await services.coupons.set_active(SYSTEM, SetCouponActive(coupon.id, active=False))
    code = await services.access_codes.create(SYSTEM, CreateAccessCode(1, 1))
    await services.access_codes.deactivate(SYSTEM, DeactivateAccessCode(code.code))
    name = unique("batch")
    kind = CreateAccessCodes(max_uses=1, expiry_days=1, count=2, batch=name)
    await services.access_code_batches.create_many(SYSTEM, kind)
    async for _ in services.access_code_batches.switch(SYSTEM, DeactivateAccessCodeBatch(name)):
        pass
    campaign = str(ObjectId())
    await services.usage.create(SYSTEM, CreateUsageFollower(campaign_id=campaign))
    await services.usage.add(SYSTEM, MoveUsage(user_id="ada", campaign_ids=(campaign,), usage_amount=2))
    assert await services.usage_announcements.announce() == 1
