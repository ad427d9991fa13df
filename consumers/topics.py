"""The table: which topic does what, and where the outbox goes to."""

from consumers.handler import Handler
from consumers.handlers.payment_service import PaymentService
from consumers.handlers.payments import payment_accepted
from consumers.handlers.usage import usage_events
from consumers.kafka.admin import DEAD_LETTERS
from services.registry import Services

CONSUMED = (
    "payment-service-accept",
    "paymentService-payment-service-accept",
    "campaignService-campaignCreated",
    "campaignService-campaignUpdated",
    "campaignService-campaignDeleted",
    "couponService-couponCreated",
    "couponService-couponUpdated",
    "couponService-couponDeleted",
    "couponService-couponRedeemed",
    "basketService-setUsage-active",
)
"""The topics that have a handler, for who has no handlers at hand."""

PRODUCED = (
    "orderService-orderCreated",
    "orderService-basketClear",
    "orderService-orderCreated-checkoutActive",
    "orderService-orderRefunded",
    "orderService-productsRefundedIncreaseQuantity",
    "orderService-productFromOrderRefunded",
    "orderService-productRefundedIncreaseQuantity",
    "couponSystem-couponCreated",
    "couponSystem-couponRedeemed",
    "couponSystem-couponDeleted",
    "couponSystem-couponSwitched",
    "couponSystem-accessCodeCreated",
    "couponSystem-accessCodeRedeemed",
    "couponSystem-accessCodeSwitched",
    "couponSystem-accessCodeBatchCreated",
    "couponSystem-accessCodeBatchSwitched",
    "couponSystem-usageMoved",
)
"""The topics that the outbox goes to."""


def handlers(services: Services, payments: PaymentService) -> dict[str, Handler]:
    """The topics that are consumed, each with its handler."""
    accepted = payment_accepted(services, payments)
    return {
        "payment-service-accept": accepted,
        "paymentService-payment-service-accept": accepted,
        **usage_events(services),
    }


def all_topics(prefix: str) -> list[str]:
    """Every topic that there has to be, under the names that they have with this prefix."""
    consumed = [prefix + topic for topic in CONSUMED]
    return [*consumed, *(topic + DEAD_LETTERS for topic in consumed), *(prefix + topic for topic in PRODUCED)]
