"""The verbs of coupons: create, redeem, get, list, statistics, delete, activate and deactivate."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from bson import ObjectId

from models.activity import Deed
from models.coupons.coupon import (
    Coupon,
    CouponFilter,
    CouponStats,
    CreateCoupon,
    DeleteCoupon,
    FindCoupon,
    GetCoupon,
    ListCoupons,
    RedeemCoupon,
    Redemption,
    SetCouponActive,
    require_redemption_fields,
)
from models.coupons.refusals import CouponNotFound
from models.pagination import KeysetOrder, Page, Slice, Window
from models.principal import Principal, Role
from models.sent import RefusedCommand
from models.values.codes import CodeBook, normalize_code
from services.coupons.repository import COUPONS, ENTITY_ALONE, MOST_USED, NEWEST_FIRST, by_code, query_of
from services.coupons.totals import FAMILY
from services.coupons.unit_of_work import CouponBus
from services.kit.activity.log import ActivityLog
from services.kit.batching import Coalescer
from services.kit.counters import Counters
from services.kit.database import Database
from services.kit.messages.outbox import Outbox
from services.kit.pagination import fetch_page, fetch_window
from services.kit.rate_limit import Permit

_Wanted = tuple[CouponFilter, KeysetOrder, Window]


class Coupons:
    """Every verb takes who is calling first: a `Permit` where it is open to everyone, else a `Principal`."""

    def __init__(
        self, database: Database, outbox: Outbox, activity: ActivityLog, clock: Callable[[], datetime]
    ) -> None:
        self._coupons = database.coupons
        self._activity = activity
        self._counters = Counters(database, FAMILY)
        self._bus = CouponBus(database, outbox, activity, clock)
        self._by_twitter_id: Coalescer[str, Coupon] = Coalescer(self._finder("twitterId"))
        self._by_code: Coalescer[str, Coupon] = Coalescer(self._find_by_codes)
        self._by_id: Coalescer[str, Coupon] = Coalescer(self._finder("_id"))
        # The same window asked for by many at once, as a page that many open, is found once for those that wait.
        self._windows: Coalescer[_Wanted, Slice[Coupon]] = Coalescer(self._find_window, limit=1, concurrency=4)

    async def close(self) -> None:
        await self._bus.close()

    async def create(self, permit: Permit, command: CreateCoupon) -> Coupon:
        """Make a coupon with a new code. 409 `User already has a coupon`."""
        coupon = await self._bus.submit(command, permit)
        assert isinstance(coupon, Coupon)
        return coupon

    async def redeem(self, permit: Permit, sent: RedeemCoupon | RefusedCommand) -> Redemption:
        """Give 10 points to the coupon's creator and 10 to the redeemer, who may do so once ever.

        A redeemer without a coupon gets one of the same role. Refusals: see `models.coupons.coupon.judge_redemption`.
        """
        with self._activity.telling(permit.principal, Deed(RedeemCoupon.verb, subjects=sent.names)):
            if isinstance(sent, RefusedCommand):
                raise sent.refusal
            require_redemption_fields(sent)
        redemption = await self._bus.submit(sent, permit)
        assert isinstance(redemption, Redemption)
        return redemption

    async def get(self, _: Permit, wanted: GetCoupon) -> Coupon:
        """The coupon of a Twitter user. 404 `Coupon not found`."""
        coupon = await self._by_twitter_id.load(wanted.twitter_id)
        if coupon is None:
            raise CouponNotFound()
        return coupon

    async def find(self, _: Permit, wanted: FindCoupon) -> Coupon | None:
        """The coupon of a Twitter user or of a code, exactly one of them; None where there is none."""
        if wanted.twitter_id is not None:
            return await self._by_twitter_id.load(wanted.twitter_id)
        assert wanted.coupon_code is not None
        return await self._by_code.load(normalize_code(wanted.coupon_code))

    async def find_by_id(self, _: Permit, coupon_id: str) -> Coupon | None:
        return await self._by_id.load(coupon_id)

    async def find_followed(self, principal: Principal, coupon_id: str) -> Coupon | None:
        """The coupon that a usage follower counts. For users and admins."""
        principal.require_signed_in()
        return await self._by_id.load(coupon_id)

    async def list_window(
        self, principal: Principal, wanted: CouponFilter, order: KeysetOrder, window: Window
    ) -> Slice[Coupon]:
        """A Relay window of all coupons. For admins."""
        principal.require_role(Role.VIEWER)
        found = await self._windows.load((wanted, order, window))
        assert found is not None
        return found

    async def list_page(self, principal: Principal, wanted: ListCoupons) -> Page[Coupon]:
        """A numbered page of all coupons, newest first. For admins."""
        principal.require_role(Role.VIEWER)
        total, query = await self._count(wanted), query_of(wanted)
        return await fetch_page(self._coupons, query, NEWEST_FIRST, wanted, total, COUPONS.load, ENTITY_ALONE)

    async def count(self, principal: Principal, wanted: CouponFilter) -> int:
        """How many coupons the filter leaves. For admins."""
        principal.require_role(Role.VIEWER)
        return await self._count(wanted)

    async def stats(self, principal: Principal) -> CouponStats:
        """Counts of what exists, from totals that move with the rows. For admins."""
        principal.require_role(Role.VIEWER)
        totals = await self._counters.read()
        used = self._coupons.find({"timesUsed": {"$gt": 0}}, ENTITY_ALONE).sort([(k, -1) for k in MOST_USED.keys])
        most_used = await used.limit(1).to_list(None)
        return CouponStats(
            total_coupons=totals.get("total", 0),
            creators=totals.get("creators", 0),
            users=totals.get("users", 0),
            total_redeemed=totals.get("redeemed", 0),
            most_used=COUPONS.load(most_used[0]) if most_used else None,
        )

    async def delete(self, principal: Principal, command: DeleteCoupon) -> Coupon:
        """Delete a coupon and return what it was; its redemptions stay. For admins; 404 `Coupon not found`."""
        principal.require_role(Role.ADMIN)
        coupon = await self._bus.submit(command, principal)
        assert isinstance(coupon, Coupon)
        return coupon

    async def set_active(self, principal: Principal, command: SetCouponActive) -> Coupon:
        """Let a coupon be redeemed or not. For admins; 404 `Coupon not found`."""
        principal.require_role(Role.SUPPORT)
        coupon = await self._bus.submit(command, principal)
        assert isinstance(coupon, Coupon)
        return coupon

    async def _count(self, wanted: CouponFilter) -> int:
        query = query_of(wanted)
        if wanted.active is None and query.keys() <= {"active", "role"}:
            totals = await self._counters.read()
            return totals.get("total" if wanted.role is None else f"{wanted.role}s", 0)
        return await self._coupons.count_documents(query)

    async def _find_window(self, asked: Sequence[_Wanted]) -> dict[_Wanted, Slice[Coupon]]:
        ((wanted, order, window),) = asked
        found = await fetch_window(self._coupons, query_of(wanted), order, window, COUPONS.load, ENTITY_ALONE)
        return {asked[0]: found}

    async def _find_by_codes(self, codes: Sequence[str]) -> dict[str, Coupon]:
        found = await self._coupons.find({"$or": by_code(codes)}, ENTITY_ALONE).to_list(None)
        book = CodeBook(map(COUPONS.load, found), lambda coupon: coupon.coupon_code)
        return {code: coupon for code in codes if (coupon := book.find(code)) is not None}

    def _finder(self, field: str) -> Callable[[Sequence[str]], Awaitable[Mapping[str, Coupon]]]:
        async def find(keys: Sequence[str]) -> dict[str, Coupon]:
            sought = [ObjectId(key) for key in keys] if field == "_id" else list(keys)
            found = self._coupons.find({field: {"$in": sought}}, ENTITY_ALONE)
            return {str(d[field]): COUPONS.load(d) for d in await found.to_list(None)}

        return find
