"""The verbs of coupons: create, redeem, get, list, statistics, delete, activate and deactivate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bson import ObjectId

from models.codes import CodeBook, normalize_code
from models.coupons import (
    Coupon,
    CouponFilter,
    CouponNotFound,
    CouponRole,
    CouponStats,
    CreateCoupon,
    FindCoupon,
    GetCoupon,
    ListCoupons,
    RedeemCoupon,
    Redemption,
    SetCouponActive,
    require_redemption_fields,
)
from models.ids import either_id
from models.inputs import parse
from models.pages import KeysetOrder, Page, Slice, Window
from models.principal import Principal
from services.attempts import Attempt, AttemptToRead
from services.batching import Coalescer
from services.counters import Counters
from services.coupon_documents import SEARCH_FIELDS, by_code, coupon_from_document
from services.coupon_writer import CouponWriter, DeleteCoupon
from services.database import Database
from services.keyset import fetch_page, fetch_window
from services.outbox import Outbox
from services.search import contains, search_key

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))
ORDERS = {
    "CREATED_AT": NEWEST_FIRST,
    "TIMES_USED": KeysetOrder("timesUsed", ("timesUsed", "points")),
    "FOLLOWERS": KeysetOrder("followers", ("followers",)),
}

_Wanted = tuple[CouponFilter, KeysetOrder, Window]


class Coupons:
    """Every verb takes who is calling first: an `Attempt` where it is open to everyone, else a `Principal`."""

    def __init__(self, database: Database, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        self._coupons = database.coupons
        self._counters = Counters(database, "coupons")
        self._writer = CouponWriter(database, outbox, self._counters, clock)
        self._by_twitter_id: Coalescer[str, Coupon] = Coalescer(self._finder("twitterId"))
        self._by_code: Coalescer[str, Coupon] = Coalescer(self._find_by_codes)
        self._by_id: Coalescer[str, Coupon] = Coalescer(self._finder("_id"))
        # The same window asked for by many at once, as a page that many open, is found once for those that wait.
        self._windows: Coalescer[_Wanted, Slice[Coupon]] = Coalescer(self._find_window, limit=1, flights=4)

    async def close(self) -> None:
        await self._writer.close()

    async def create(self, _: Attempt, raw: Mapping[str, Any]) -> Coupon:
        """Make a coupon with a new code. 400 for faults, 409 `User already has a coupon`."""
        coupon = await self._writer.submit(parse(CreateCoupon, raw))
        assert isinstance(coupon, Coupon)
        return coupon

    async def redeem(self, _: Attempt, raw: Mapping[str, Any]) -> Redemption:
        """Give 10 points to the coupon's creator and 10 to the redeemer, who may do so once ever.

        A redeemer without a coupon gets one of the same role. Refusals: see `models.coupons.judge_redemption`.
        """
        request = parse(RedeemCoupon, raw)
        require_redemption_fields(request)
        redemption = await self._writer.submit(request)
        assert isinstance(redemption, Redemption)
        return redemption

    async def get(self, _: AttemptToRead, wanted: GetCoupon) -> Coupon:
        """The coupon of a Twitter user. 404 `Coupon not found`."""
        coupon = await self._by_twitter_id.load(wanted.twitter_id)
        if coupon is None:
            raise CouponNotFound()
        return coupon

    async def find(self, _: AttemptToRead, raw: Mapping[str, Any]) -> Coupon | None:
        """The coupon of a Twitter user or of a code, exactly one of them; None where there is none."""
        wanted = parse(FindCoupon, raw)
        if wanted.twitter_id is not None:
            return await self._by_twitter_id.load(wanted.twitter_id)
        assert wanted.coupon_code is not None
        return await self._by_code.load(normalize_code(wanted.coupon_code))

    async def find_by_id(self, _: AttemptToRead, coupon_id: str) -> Coupon | None:
        return await self._by_id.load(coupon_id)

    async def find_followed(self, principal: Principal, coupon_id: str) -> Coupon | None:
        """The coupon that a usage follower counts. For users and admins."""
        principal.require_signed_in()
        return await self._by_id.load(coupon_id)

    async def list_window(
        self, principal: Principal, raw_filter: Mapping[str, Any], order: KeysetOrder, window: Window
    ) -> Slice[Coupon]:
        """A Relay window of all coupons. For admins."""
        principal.require_admin()
        found = await self._windows.load((parse(CouponFilter, raw_filter), order, window))
        assert found is not None
        return found

    async def list_page(self, principal: Principal, wanted: ListCoupons) -> Page[Coupon]:
        """A numbered page of all coupons, newest first. For admins."""
        principal.require_admin()
        total, query = await self._count(wanted), _query(wanted)
        return await fetch_page(self._coupons, query, NEWEST_FIRST, wanted, total, coupon_from_document, SEARCH_FIELDS)

    async def count(self, principal: Principal, raw_filter: Mapping[str, Any]) -> int:
        """How many coupons the filter leaves. For admins."""
        principal.require_admin()
        return await self._count(parse(CouponFilter, raw_filter))

    async def stats(self, principal: Principal) -> CouponStats:
        """Counts of what exists, from totals that move with the rows. For admins."""
        principal.require_admin()
        totals = await self._counters.read()
        order = ORDERS["TIMES_USED"]
        used = self._coupons.find({"timesUsed": {"$gt": 0}}, SEARCH_FIELDS).sort([(key, -1) for key in order.keys])
        most_used = await used.limit(1).to_list(None)
        return CouponStats(
            total_coupons=totals.get("total", 0),
            creators=totals.get("creators", 0),
            users=totals.get("users", 0),
            total_redeemed=totals.get("redeemed", 0),
            most_used=coupon_from_document(most_used[0]) if most_used else None,
        )

    async def delete(self, principal: Principal, identifier: str, *, path: str = "id") -> Coupon:
        """Delete a coupon and answer what it was; its redemptions stay. For admins; 404 `Coupon not found`.

        `identifier` is the raw or the Relay id, `path` how the caller named it.
        """
        principal.require_admin()
        coupon = await self._writer.submit(DeleteCoupon(either_id("Coupon", path, identifier)))
        assert isinstance(coupon, Coupon)
        return coupon

    async def set_active(self, principal: Principal, raw: Mapping[str, Any]) -> Coupon:
        """Let a coupon be redeemed or not. For admins; 404 `Coupon not found`."""
        principal.require_admin()
        request = parse(SetCouponActive, raw)
        coupon = await self._writer.submit(replace(request, id=either_id("Coupon", "id", request.id)))
        assert isinstance(coupon, Coupon)
        return coupon

    async def _count(self, wanted: CouponFilter) -> int:
        if wanted.min_followers is None and wanted.username is None:
            totals = await self._counters.read()
            return totals.get("total" if wanted.role is None else f"{wanted.role}s", 0)
        return await self._coupons.count_documents(_query(wanted))

    async def _find_window(self, asked: Sequence[_Wanted]) -> dict[_Wanted, Slice[Coupon]]:
        ((wanted, order, window),) = asked
        query = _query(wanted)
        found = await fetch_window(self._coupons, query, order, window, coupon_from_document, SEARCH_FIELDS)
        return {asked[0]: found}

    async def _find_by_codes(self, codes: Sequence[str]) -> dict[str, Coupon]:
        found = await self._coupons.find({"$or": by_code(codes)}, SEARCH_FIELDS).to_list(None)
        book = CodeBook(map(coupon_from_document, found), lambda coupon: coupon.coupon_code)
        return {code: coupon for code in codes if (coupon := book.find(code)) is not None}

    def _finder(self, field: str) -> Callable[[Sequence[str]], Any]:
        async def find(keys: Sequence[str]) -> dict[str, Coupon]:
            sought = [ObjectId(key) for key in keys] if field == "_id" else list(keys)
            found = self._coupons.find({field: {"$in": sought}}, SEARCH_FIELDS)
            return {str(d[field]): coupon_from_document(d) for d in await found.to_list(None)}

        return find


def _query(wanted: CouponFilter) -> dict[str, Any]:
    query: dict[str, Any] = {}
    if wanted.role is not None:
        query["role"] = CouponRole(wanted.role).value
    if wanted.min_followers:
        query["followers"] = {"$gte": wanted.min_followers}
    if wanted.username is not None:
        query |= contains("usernameKey", "usernameTrigrams", search_key(wanted.username))
    return query
