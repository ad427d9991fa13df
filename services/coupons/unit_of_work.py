"""All writes to coupons, in batches; each answer carries its own running balance."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from bson import ObjectId
from typing_extensions import override

from models.activity import Deed, Thing
from models.coupons.coupon import (
    Coupon,
    CouponRole,
    CreateCoupon,
    DeleteCoupon,
    RedeemCoupon,
    Redemption,
    SetCouponActive,
    judge_redemption,
    make_coupon_code,
    new_coupon,
    redeem,
    require_redemption_fields,
    switch,
)
from models.coupons.events import created_event, deleted_event, switched_event
from models.coupons.refusals import CouponAlreadyExists, CouponNotFound
from models.events import Event
from models.values.codes import CodeBook
from models.verbs import Verb
from services.coupons.repository import COUPONS, LEDGER, SEARCH_FIELDS, by_code
from services.coupons.totals import FAMILY, REDEMPTIONS
from services.kit.database import Database, Document, aggregate
from services.kit.tracked import ROWS_AT_ONCE, Tracked
from services.kit.unit_of_work import CommandBus, Contended, UnitOfWork

if TYPE_CHECKING:
    from services.kit.database import Session

Command: TypeAlias = CreateCoupon | RedeemCoupon | DeleteCoupon | SetCouponActive
Result: TypeAlias = Coupon | Redemption


class CouponBus(CommandBus[Command, Result]):
    """Carries out commands on coupons."""

    lane = "coupons"

    @override
    def begin(self, now: datetime) -> "CouponUnitOfWork":
        return CouponUnitOfWork(self._database, now)

    @override
    def verb(self, command: Command) -> Verb:
        return command.verb

    @override
    def contended(self, commands: Sequence[Command]) -> Contended | None:
        codes = [require_redemption_fields(command)[1] for command in commands if isinstance(command, RedeemCoupon)]
        return Contended(self._database.coupons, {"$or": by_code(codes)}) if codes else None


class CouponUnitOfWork(UnitOfWork[Command, Result]):
    """The coupons that a batch names, by id, code and owner, and who of its redeemers has redeemed before."""

    def __init__(self, database: Database, now: datetime) -> None:
        super().__init__(now)
        self._database = database
        self._coupons = Tracked(database.coupons, COUPONS, increments=("points", "times_used"))
        self._by_code: CodeBook[str] = CodeBook()
        self._by_twitter_id: dict[str, str] = {}
        self._redeemed: set[str] = set()

    @override
    def tracked(self) -> Sequence[Tracked[Any]]:
        return [self._coupons]

    @override
    async def load(self, session: "Session", commands: Sequence[Command]) -> None:
        codes: set[str] = set()
        owners: set[str] = set()
        redeemers: set[str] = set()
        ids: set[ObjectId] = set()
        for command in commands:
            match command:
                case CreateCoupon():
                    owners.add(command.twitter_id)
                case RedeemCoupon():
                    redeemer, code = require_redemption_fields(command)
                    codes.add(code)
                    redeemers.add(redeemer)
                case DeleteCoupon() | SetCouponActive():
                    ids.add(ObjectId(command.id))
        sought = {"twitterId": [*(owners | redeemers)], "_id": [*ids]}
        either = [{field: {"$in": values}} for field, values in sought.items() if values]
        either += by_code(codes) if codes else []
        self._coupons.take(await self._find(session, {"$or": either}, redeemers))
        for coupon in self._coupons:
            self._by_code.put(coupon.coupon_code, coupon.id)
        self._by_twitter_id = {coupon.twitter_id: coupon.id for coupon in self._coupons}

    async def _find(self, session: "Session", query: Document, redeemers: set[str]) -> list[Document]:
        """The coupons of a query; which of these users have redeemed before comes in the same round trip, if it may.

        Where there is no coupon that is not found either, and then there is none that anyone could redeem.
        """
        if redeemers and not self._database.joins:
            return await self._find_apart(session, query, redeemers)
        pipeline = [{"$match": {"redeemerTwitterId": {"$in": [*redeemers]}}}, {"$project": {"redeemerTwitterId": 1}}]
        steps: list[Document] = [
            {"$match": query},
            {"$unset": [*SEARCH_FIELDS]},
            {"$group": {"_id": None, "coupons": {"$push": "$$ROOT"}}},
            {"$lookup": {"from": self._database.redemptions.name, "pipeline": pipeline, "as": "redeemed"}},
        ]
        rows = aggregate(self._database.coupons, steps if redeemers else steps[:3], session=session)
        # One row, or none where no coupon is found.
        coupons: list[Document] = []
        async for row in rows:
            self._redeemed = {entry["redeemerTwitterId"] for entry in row.get("redeemed", ())}
            coupons = row["coupons"]
        return coupons

    async def _find_apart(self, session: "Session", query: Document, redeemers: set[str]) -> list[Document]:
        found = self._database.coupons.find(query, dict.fromkeys(SEARCH_FIELDS, 0), session=session)
        of_redeemers = {"redeemerTwitterId": {"$in": [*redeemers]}}
        rows = self._database.redemptions.find(of_redeemers, {"redeemerTwitterId": 1}, session=session)
        coupons = await found.batch_size(ROWS_AT_ONCE).to_list(None)
        self._redeemed = {row["redeemerTwitterId"] for row in await rows.batch_size(ROWS_AT_ONCE).to_list(None)}
        return coupons

    @override
    def apply(self, command: Command) -> Result:
        match command:
            case CreateCoupon():
                return self._create(command)
            case RedeemCoupon():
                return self._redeem(command)
            case DeleteCoupon():
                return self._delete(command)
            case SetCouponActive():
                return self._set_active(command)

    @override
    def deed(self, command: Command, result: Result | None) -> Deed:
        match command:
            case CreateCoupon():
                made = result.id if isinstance(result, Coupon) else None
                return Deed(command.verb, _coupon(made), (command.twitter_id, command.username))
            case RedeemCoupon():
                redeemer_id, code = require_redemption_fields(command)
                redeemer = self._coupons.get(self._by_twitter_id.get(redeemer_id, ""))
                names = (*command.names, None if redeemer is None else redeemer.username)
                return Deed(command.verb, _coupon(self._by_code.find(code)), names)
            case DeleteCoupon() | SetCouponActive():
                owner = (result.twitter_id, result.username) if isinstance(result, Coupon) else ()
                return Deed(command.verb, _coupon(command.id), owner)

    def _create(self, command: CreateCoupon) -> Coupon:
        if command.twitter_id in self._by_twitter_id:
            raise CouponAlreadyExists()
        coupon = self._add(command)
        self._tell(self.now, created_event(coupon))
        return coupon

    def _redeem(self, command: RedeemCoupon) -> Redemption:
        redeemer_id, code = require_redemption_fields(command)
        coupon = self._coupons.get(self._by_code.find(code) or "")
        redeemer = self._coupons.get(self._by_twitter_id.get(redeemer_id, ""))
        refusal = judge_redemption(command, coupon, redeemer, has_redeemed=redeemer_id in self._redeemed)
        if refusal is not None:
            raise refusal
        assert coupon is not None
        is_new = redeemer is None
        redeemer = redeemer or self._add(_coupon_of_redeemer(command, coupon.role))
        done = redeem(
            coupon,
            redeemer,
            is_new=is_new,
            entry_id=str(ObjectId()),
            at=self._coupons.later(self.now, coupon.id, redeemer.id),
        )
        self._coupons.put(coupon.id, done.coupon)
        self._coupons.put(redeemer.id, done.redeemer)
        self._redeemed.add(redeemer_id)
        self.rows["redemptions"].append(LEDGER.dump(done.entry))
        self.totals[FAMILY]["redeemed"] += 1
        counted = {"count": 1, "newUsers": int(is_new), "points": done.entry.points}
        self.hours.add(REDEMPTIONS, done.entry.redeemed_at, counted, done.entry.role)
        self._tell(done.entry.redeemed_at, *done.events)
        return Redemption(done.coupon.points, done.redeemer.points, done.redeemer if is_new else None)

    def _delete(self, command: DeleteCoupon) -> Coupon:
        coupon = self._coupons.remove(command.id)
        if coupon is None:
            raise CouponNotFound()
        self._by_code.remove(coupon.coupon_code)
        del self._by_twitter_id[coupon.twitter_id]
        self._count(coupon, -1)
        self.totals[FAMILY]["redeemed"] -= coupon.times_used
        self._tell(self._coupons.later(self.now, coupon.id), deleted_event(coupon))
        return coupon

    def _set_active(self, command: SetCouponActive) -> Coupon:
        coupon = self._coupons.get(command.id)
        if coupon is None:
            raise CouponNotFound()
        at = self._coupons.later(self.now, coupon.id)
        switched = switch(coupon, active=command.active, at=at)
        if switched is not coupon:
            self.events.append((at, switched_event(switched)))
        return self._coupons.put(coupon.id, switched)

    def _add(self, command: CreateCoupon) -> Coupon:
        code = make_coupon_code(secrets.randbelow)
        coupon = new_coupon(command, identifier=str(ObjectId()), code=code, now=self.now)
        self._by_code.put(code, coupon.id)
        self._by_twitter_id[coupon.twitter_id] = coupon.id
        self._count(coupon, 1)
        return self._coupons.put(coupon.id, coupon)

    def _count(self, coupon: Coupon, number: int) -> None:
        self.totals[FAMILY]["total"] += number
        self.totals[FAMILY]["creators" if coupon.role == CouponRole.CREATOR else "users"] += number

    def _tell(self, at: datetime, *events: Event) -> None:
        self.events += [(at, event) for event in events]


def _coupon(identifier: str | None) -> tuple[Thing, ...]:
    return () if identifier is None else (Thing("Coupon", identifier),)


def _coupon_of_redeemer(command: RedeemCoupon, role: CouponRole) -> CreateCoupon:
    """What makes the coupon of a new user, whose fields the rules have found to be there."""
    assert command.redeemer_twitter_id is not None
    assert command.username is not None
    assert command.followers is not None
    return CreateCoupon(command.redeemer_twitter_id, command.username, command.followers, role)
