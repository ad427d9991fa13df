"""How the cost of a verb grows with the data: each verb is timed alone, on a small and on a large database."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from pymongo import MongoClient

from bench.load import BenchError
from bench.seeds import (
    BATCH_OF_CODES,
    MADE,
    YEAR,
    access_code_of,
    access_codes,
    activity_documents,
    batch_documents,
    code_of,
    coupons,
    follower_documents,
    insert,
    move_documents,
    order_documents,
    redemption_documents,
    refund_documents,
    usage_documents,
    use_documents,
)
from bench.walks import walks_within
from models.access_codes.access_code import (
    AccessCodeFilter,
    AccessCodeUseFilter,
    GetAccessCode,
    ListAccessCodes,
    ListRedemptions,
    RedeemAccessCode,
)
from models.access_codes.batches import AccessCodeBatchFilter
from models.activity import ActivityFilter, Outcome
from models.coupons.coupon import CouponFilter, CouponRole, FindCoupon, ListCoupons, RedeemCoupon
from models.coupons.redemptions import RedemptionFilter
from models.orders.commands import FindOrder, FindOrders, OrderFilter, RefundOrder
from models.orders.refunds import RefundFilter
from models.pagination import Window
from models.principal import SYSTEM, Principal
from models.series import AskAccessCodeUseSeries, Interval
from models.usage.commands import CheckUsage, CreateUsageFollower, GetAvailability, MoveUsage
from models.usage.follower import Move
from models.usage.history import UsageFollowerFilter, UsageMoveFilter
from services.access_codes.repository import ACCESS_CODES
from services.coupons.repository import COUPONS, MOST_USED, NEWEST_FIRST
from services.kit.rate_limit import RateLimitPermit
from services.migrations.runner import migrate
from services.registry import Services

Verb = Callable[[], Awaitable[object]]
UNCOUNTED = RateLimitPermit(Principal())
CAMPAIGN = "60d21b4667d0d8992e610c01"
A_DAY = (MADE, MADE + timedelta(days=1))


def coupon_verbs(services: Services, count: int) -> Mapping[str, Verb]:
    coupons, numbers = services.coupons, iter(range(10**9))

    def redeem() -> Awaitable[object]:
        number = next(numbers)
        return coupons.redeem(UNCOUNTED, RedeemCoupon(f"g{number}", code_of(number % 40), "g", 1000))

    def window(wanted: CouponFilter) -> Verb:
        return lambda: coupons.list_window(SYSTEM, wanted, NEWEST_FIRST, Window(20))

    def search(part: str) -> Verb:
        return window(CouponFilter(username=part))

    def redeemed(wanted: RedemptionFilter) -> Verb:
        return lambda: services.redemptions.window(SYSTEM, wanted, Window(20))

    return {
        "coupon by twitterId": lambda: coupons.find(UNCOUNTED, FindCoupon(twitter_id=f"seed{count // 2}")),
        "coupon by code": lambda: coupons.find(UNCOUNTED, FindCoupon(coupon_code=code_of(count // 2))),
        "redeem a coupon": redeem,
        "coupon statistics": lambda: coupons.stats(SYSTEM),
        "coupons: first window": lambda: coupons.list_window(SYSTEM, CouponFilter(), NEWEST_FIRST, Window(20)),
        "coupons: last window": lambda: coupons.list_window(
            SYSTEM, CouponFilter(), NEWEST_FIRST, Window(20, backward=True)
        ),
        "coupons: most used": lambda: coupons.list_window(SYSTEM, CouponFilter(), MOST_USED, Window(20)),
        "coupons: first page": lambda: coupons.list_page(SYSTEM, ListCoupons()),
        "coupons: last page": lambda: coupons.list_page(SYSTEM, ListCoupons(page=-(-count // 20))),
        "coupons: total count": lambda: coupons.count(SYSTEM, CouponFilter()),
        "coupons: search for a rare part": search(f"son_{count // 2 + 1}"),
        "coupons: search for a common part": search("person"),
        "coupons: part of a code": window(CouponFilter(coupon_code=code_of(count // 2)[2:])),
        "coupons: inactive": window(CouponFilter(active=False)),
        "coupons: of a role, within a period": window(CouponFilter(*A_DAY, role=CouponRole.USER)),
        "redemptions: first window": redeemed(RedemptionFilter()),
        "redemptions: last window": lambda: services.redemptions.window(
            SYSTEM, RedemptionFilter(), Window(20, backward=True)
        ),
        "redemptions of a code": redeemed(RedemptionFilter(coupon_code=code_of(count // 2))),
        "redemptions of a creator": redeemed(RedemptionFilter(creator_twitter_id=f"seed{count // 2}")),
        "redemptions of a redeemer": redeemed(RedemptionFilter(redeemer_twitter_id=f"redeemer{count // 2}")),
        "redemptions within a day": redeemed(RedemptionFilter(*A_DAY)),
    }


def access_code_verbs(services: Services, count: int) -> Mapping[str, Verb]:
    codes, batches, numbers = services.access_codes, services.access_code_batches, iter(range(10**9))
    of_batch = AccessCodeFilter(batch=BATCH_OF_CODES)

    def redeem() -> Awaitable[object]:
        number = next(numbers)
        return codes.redeem(UNCOUNTED, RedeemAccessCode(access_code_of(number % 40 * 10 + 1), f"g{number}"))

    def listed(wanted: AccessCodeFilter) -> Verb:
        return lambda: codes.list_window(SYSTEM, wanted, Window(20))

    def used(wanted: AccessCodeUseFilter) -> Verb:
        return lambda: services.access_code_uses.window(SYSTEM, wanted, Window(20))

    return {
        "validate a code": lambda: codes.validate(UNCOUNTED, GetAccessCode(access_code_of(count // 2 + 1))),
        "redeem a code": redeem,
        "redemptions of a user": lambda: codes.list_redemptions(UNCOUNTED, ListRedemptions("g1")),
        "code statistics": lambda: codes.stats(SYSTEM),
        "codes: first window": lambda: codes.list_window(SYSTEM, AccessCodeFilter(), Window(20)),
        "codes: first page": lambda: codes.list_page(SYSTEM, ListAccessCodes()),
        "codes: last page": lambda: codes.list_page(SYSTEM, ListAccessCodes(page=-(-count // 20))),
        "codes: search": lambda: codes.list_window(
            SYSTEM, AccessCodeFilter(code=access_code_of(count // 2)[1:]), Window(20)
        ),
        "codes: part of the description": listed(AccessCodeFilter(description="beta")),
        "codes of a maker": listed(AccessCodeFilter(created_by="nobody")),
        "codes within a day": listed(AccessCodeFilter(*A_DAY)),
        "uses: first window": used(AccessCodeUseFilter()),
        "uses: last window": lambda: services.access_code_uses.window(
            SYSTEM, AccessCodeUseFilter(), Window(20, backward=True)
        ),
        "uses of a code": used(AccessCodeUseFilter(code=access_code_of(count // 2))),
        "uses of a batch": used(AccessCodeUseFilter(batch="none")),
        "uses of a user": used(AccessCodeUseFilter(username=f"user{count // 2}")),
        "uses within a day": used(AccessCodeUseFilter(*A_DAY)),
        "codes of a batch: first window": lambda: codes.list_window(SYSTEM, of_batch, Window(20)),
        "codes of a batch: last window": lambda: codes.list_window(SYSTEM, of_batch, Window(20, backward=True)),
        "codes of a batch: total count": lambda: codes.count(SYSTEM, of_batch),
        "counts of a batch": lambda: batches.counts(SYSTEM, BATCH_OF_CODES),
        "batches: first window": lambda: batches.list_window(SYSTEM, AccessCodeBatchFilter(), Window(20)),
        "batches: part of a name": lambda: batches.list_window(
            SYSTEM, AccessCodeBatchFilter(name=f"ch{count // 2}"), Window(20)
        ),
    }


def order_verbs(services: Services, count: int) -> Mapping[str, Verb]:
    orders, numbers = services.orders, iter(range(10**9))

    def listed(wanted: OrderFilter) -> Verb:
        return lambda: orders.list_window(SYSTEM, wanted, Window(20))

    def refunded(wanted: RefundFilter) -> Verb:
        return lambda: services.refunds.listing.window(SYSTEM, wanted, Window(20))

    return {
        "order by id": lambda: orders.get(SYSTEM, FindOrder(f"{count // 2:024x}")),
        "orders of a user": lambda: orders.find_by_user(SYSTEM, FindOrders(f"user{count // 20}")),
        "orders: first window": lambda: orders.list_window(SYSTEM, OrderFilter(), Window(20)),
        "orders: total count": lambda: orders.count(SYSTEM, OrderFilter()),
        "orders of a status": listed(OrderFilter(status="Shipped")),
        "orders that are refunded": listed(OrderFilter(refunded=True)),
        "orders of a payment": listed(OrderFilter(payment_id=f"payment{count // 2}")),
        "orders of a product": listed(OrderFilter(product_id="p2")),
        "orders within a day": listed(OrderFilter(*A_DAY)),
        "refunds: first window": refunded(RefundFilter()),
        "refunds of an order": refunded(RefundFilter(order_id=f"{count // 2:024x}")),
        "refunds of a user": refunded(RefundFilter(user_id=f"user{count // 20}")),
        "refunds of a product": refunded(RefundFilter(product_id="p2")),
        "refunds within a day": refunded(RefundFilter(*A_DAY)),
        "refund an order": lambda: orders.refund(SYSTEM, RefundOrder(f"{next(numbers):024x}")),
    }


def usage_verbs(services: Services, count: int) -> Mapping[str, Verb]:
    usage = services.usage
    user = f"user{count // 2}"
    add = MoveUsage(user_id=user, campaign_ids=(CAMPAIGN,), usage_amount=1)

    def followers(wanted: UsageFollowerFilter) -> Verb:
        return lambda: usage.list_window(SYSTEM, wanted, Window(20))

    def moved(wanted: UsageMoveFilter) -> Verb:
        return lambda: services.usage_moves.window(SYSTEM, wanted, Window(20))

    return {
        "availability": lambda: usage.get_availability(SYSTEM, GetAvailability(id=CAMPAIGN, user_id=user)),
        "check usage": lambda: usage.check(SYSTEM, CheckUsage(user_id=user, campaign_id=CAMPAIGN)),
        "add usage": lambda: usage.add(SYSTEM, add),
        "followers: first window": followers(UsageFollowerFilter()),
        "followers that are exhausted": followers(UsageFollowerFilter(exhausted=True)),
        "moves: first window": moved(UsageMoveFilter()),
        "moves: last window": lambda: services.usage_moves.window(SYSTEM, UsageMoveFilter(), Window(20, backward=True)),
        "moves of a campaign": moved(UsageMoveFilter(campaign_id=CAMPAIGN)),
        "moves of a user": moved(UsageMoveFilter(user_id=user)),
        "moves of a rare kind": moved(UsageMoveFilter(campaign_id=CAMPAIGN, move=Move.REMOVE)),
        "moves within a day": moved(UsageMoveFilter(*A_DAY)),
    }


def activity_verbs(services: Services, count: int) -> Mapping[str, Verb]:
    def listed(wanted: ActivityFilter, *, backward: bool = False) -> Verb:
        return lambda: services.activity.window(SYSTEM, wanted, Window(20, backward=backward))

    return {
        "activity: first window": listed(ActivityFilter()),
        "activity: last window": listed(ActivityFilter(), backward=True),
        "activity: total count": lambda: services.activity.count(SYSTEM, ActivityFilter()),
        "activity of an admin": listed(ActivityFilter(by="admin10")),
        "activity of a verb": listed(ActivityFilter(verb="SET_COUPON_ACTIVE")),
        "activity upon an object": listed(ActivityFilter(object_id=f"{count // 20 * 10:024x}")),
        "activity about a user": listed(ActivityFilter(subject=f"user{count // 2}")),
        "activity: what was refused": listed(ActivityFilter(outcome=Outcome.REFUSED)),
        "activity within a day": listed(ActivityFilter(*A_DAY)),
    }


def series_verbs(services: Services, _: int) -> Mapping[str, Verb]:
    def uses(interval: Interval, time_zone: str) -> Verb:
        asked = AskAccessCodeUseSeries(interval=interval, start=MADE, end=MADE + YEAR, time_zone=time_zone)
        return lambda: services.series.of_access_code_uses(SYSTEM, asked)

    return {
        "a year of uses by the day": uses(Interval.DAY, "UTC"),
        "a year of uses by the day of Kolkata": uses(Interval.DAY, "Asia/Kolkata"),
        "a year of uses by the hour": uses(Interval.HOUR, "Europe/Berlin"),
        "a year of uses by the month": uses(Interval.MONTH, "America/New_York"),
    }


@dataclass(frozen=True, slots=True)
class Grown:
    """A verb on a small and on a large database, in milliseconds."""

    verb: str
    small: float
    large: float

    @property
    def ratio(self) -> float:
        return self.large / self.small

    def row(self) -> tuple[str, ...]:
        return self.verb, f"{self.small:.2f}", f"{self.large:.2f}", f"{self.ratio:.2f}"


async def measure_growth(uri_of: Callable[[str], str], counts: tuple[int, int], repeats: int) -> list[Grown]:
    """Medians of `repeats` calls of each verb, one at a time."""
    small, large = [await _measure(uri_of(f"growth_{count}"), count, repeats) for count in counts]
    return [Grown(verb, small[verb], large[verb]) for verb in small]


async def _measure(uri: str, count: int, repeats: int) -> dict[str, float]:
    name = f"growth_{count}"
    services = Services.open(mongo_uri=uri, database_name=name, rate_limit="off", events_enabled=True)
    await services.database.client.drop_database(name)
    await migrate(services.database)
    wanted = CreateUsageFollower(campaign_id=CAMPAIGN, max_total_limit=2_000_000_000)
    made = await services.usage.create(SYSTEM, wanted)
    with MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        insert(database["coupons"], map(COUPONS.dump, coupons(count, times_used=1)))
        insert(database["redemptions"], redemption_documents(count))
        insert(database["accesscodes"], map(ACCESS_CODES.dump, access_codes(count)))
        insert(database["accesscodebatches"], batch_documents(count))
        insert(database["accesscodeuses"], use_documents(count))
        insert(database["orders"], order_documents(count))
        insert(database["refunds"], refund_documents(count))
        insert(database["usagefollowers"], follower_documents(count))
        insert(database["usagecounters"], usage_documents(made.follower.id, count))
        insert(database["usageledger"], move_documents(made.follower, count))
        insert(database["activity"], activity_documents(count))
    await migrate(services.database)
    taken: dict[str, float] = {}
    families = (coupon_verbs, access_code_verbs, order_verbs, usage_verbs, activity_verbs, series_verbs)
    for family in families:
        for verb_name, verb in family(services, count).items():
            taken[verb_name] = await _time(verb, repeats)
            with walks_within(uri) as walks:
                await verb()
            if walks:
                raise BenchError(f"{verb_name} walks through a collection: {walks}")
    await services.database.client.drop_database(name)
    await services.close()
    return taken


async def _time(verb: Verb, repeats: int) -> float:
    taken = []
    for _ in range(repeats + 5):
        began = time.perf_counter()
        await verb()
        taken.append((time.perf_counter() - began) * 1_000)
    return median(taken[5:])
