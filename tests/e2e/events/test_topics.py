"""The table of topics, held to what the verbs write."""

from consumers.topics import PRODUCED
from models.access_codes.access_code import CreateAccessCode, RedeemAccessCode
from models.coupons.coupon import CreateCoupon, DeleteCoupon, RedeemCoupon
from models.orders.commands import RefundOrder
from models.principal import SYSTEM
from services.kit.rate_limit import RateLimitPermit
from services.migrations.runner import migrate
from tests.support.api import unique
from tests.support.consumers import EventWorld
from tests.support.events import switch_and_move
from tests.support.orders import make_order, refund_units

PERMIT = RateLimitPermit(SYSTEM)


async def test_every_topic_that_is_made_for_the_outbox_is_one_that_the_verbs_write_to_and_no_other(
    own_world: EventWorld,
) -> None:
    services = own_world.services
    await migrate(services.database)
    coupon = await services.coupons.create(PERMIT, CreateCoupon(unique(), unique(), 2_000))
    await services.coupons.redeem(PERMIT, RedeemCoupon(unique(), coupon.coupon_code, unique(), 2_000))
    await services.coupons.delete(SYSTEM, DeleteCoupon(coupon.id))
    code = await services.access_codes.create(SYSTEM, CreateAccessCode(1, 1))
    await services.access_codes.redeem(PERMIT, RedeemAccessCode(code.code, unique()))
    whole, part = await make_order(services), await make_order(services)
    await services.orders.refund(SYSTEM, RefundOrder(whole.id))
    await refund_units(services, part.id, "p1", 1)
    await switch_and_move(services)
    assert set(await services.database.outbox.distinct("topic")) == set(PRODUCED)
