"""All writes to coupons, by group commit.

A batch reads the coupons and ledger rows of all its commands; each answer carries its own running balance.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo import DeleteOne, InsertOne, UpdateOne

from models.codes import CodeBook
from models.coupons import (
    POINTS_PER_REDEMPTION,
    Coupon,
    CouponAlreadyExists,
    CouponNotFound,
    CouponRole,
    CreateCoupon,
    RedeemCoupon,
    Redemption,
    SetCouponActive,
    judge_redemption,
    make_coupon_code,
    require_redemption_fields,
)
from models.errors import DomainError
from models.events import Event
from services.batch_writer import BatchWriter, fresh_touch
from services.counters import Counters
from services.coupon_documents import (
    SEARCH_FIELDS,
    by_code,
    coupon_event,
    coupon_from_document,
    coupon_to_document,
    ledger_row,
    redeemed_event,
)
from services.database import Database
from services.outbox import Outbox

if TYPE_CHECKING:
    from services.database import Session


@dataclass(frozen=True, slots=True)
class DeleteCoupon:
    """Delete the coupon of a raw ObjectId."""

    id: str


Command = CreateCoupon | RedeemCoupon | DeleteCoupon | SetCouponActive
Result = Coupon | Redemption
Operation = InsertOne[dict[str, Any]] | UpdateOne | DeleteOne


class CouponWriter(BatchWriter[Command, Result]):
    """Carries out commands on coupons. `submit` answers once the command is committed by a majority."""

    def __init__(self, database: Database, outbox: Outbox, counters: Counters, clock: Callable[[], datetime]) -> None:
        super().__init__(database)
        self._outbox = outbox
        self._counters = counters
        self._clock = clock

    async def carry_out(self, session: "Session", commands: Sequence[Command]) -> list[Result | Exception]:
        batch = await self._load(session, commands)
        answers = [batch.decide(command) for command in commands]
        await self._write(session, batch)
        return answers

    async def touch(self, session: "Session", commands: Sequence[Command]) -> None:
        codes = [require_redemption_fields(command)[1] for command in commands if isinstance(command, RedeemCoupon)]
        if codes:
            await self._database.coupons.update_many({"$or": by_code(codes)}, fresh_touch(), session=session)

    async def _load(self, session: "Session", commands: Sequence[Command]) -> "_Batch":
        codes: set[str] = set()
        twitter_ids: set[str] = set()
        redeemers: set[str] = set()
        ids: set[ObjectId] = set()
        for command in commands:
            match command:
                case CreateCoupon():
                    twitter_ids.add(command.twitter_id)
                case RedeemCoupon():
                    redeemer, code = require_redemption_fields(command)
                    codes.add(code)
                    redeemers.add(redeemer)
                case DeleteCoupon() | SetCouponActive():
                    ids.add(ObjectId(command.id))
        sought = {"twitterId": [*(twitter_ids | redeemers)], "_id": [*ids]}
        either = [{field: {"$in": values}} for field, values in sought.items() if values]
        either += by_code(codes) if codes else []
        found = self._database.coupons.find({"$or": either}, SEARCH_FIELDS, session=session)
        coupons = [coupon_from_document(document) async for document in found]
        redeemed: set[str] = set()
        if redeemers:
            rows = self._database.redemptions.find(
                {"redeemerTwitterId": {"$in": list(redeemers)}}, {"_id": 0, "redeemerTwitterId": 1}, session=session
            )
            redeemed = {row["redeemerTwitterId"] async for row in rows}
        return _Batch(coupons, redeemed, self._clock())

    async def _write(self, session: "Session", batch: "_Batch") -> None:
        """Everything that was decided; the coupons last, because they are what others may be writing too."""
        if batch.ledger:
            await self._database.redemptions.insert_many(batch.ledger, session=session, ordered=False)
        await self._outbox.put(session, batch.events)
        await self._counters.add(session, batch.totals)
        writes = batch.writes()
        if writes:
            await self._database.coupons.bulk_write(writes, session=session)


def _place_of_kind(operation: Operation) -> int:
    return (DeleteOne, InsertOne, UpdateOne).index(type(operation))


class _Batch:
    """The state that a batch decides upon, and what it has decided so far."""

    def __init__(self, coupons: Sequence[Coupon], redeemed: set[str], now: datetime) -> None:
        self.events: list[tuple[datetime, Event]] = []
        self.ledger: list[dict[str, Any]] = []
        self.totals: Counter[str] = Counter()
        self._now = now
        self._before = {coupon.id: coupon for coupon in coupons}
        self._coupons = dict(self._before)
        self._by_code = CodeBook(self._before, lambda identifier: self._before[identifier].coupon_code)
        self._by_twitter_id = {coupon.twitter_id: coupon.id for coupon in coupons}
        self._redeemed = redeemed

    def decide(self, command: Command) -> Result | Exception:
        try:
            match command:
                case CreateCoupon():
                    return self._create(command)
                case RedeemCoupon():
                    return self._redeem(command)
                case DeleteCoupon():
                    return self._delete(command)
                case SetCouponActive():
                    return self._set_active(command)
        except DomainError as refusal:
            return refusal

    def writes(self) -> list[Operation]:
        """The changes between the state read and the state decided; deletions first, whose owners may have new ones."""
        operations: list[Operation] = []
        for identifier in self._before.keys() | self._coupons.keys():
            before, after = self._before.get(identifier), self._coupons.get(identifier)
            if before is after:
                continue
            if before is None and after is not None:
                operations.append(InsertOne(coupon_to_document(after)))
            elif before is not None and after is None:
                operations.append(DeleteOne({"_id": ObjectId(identifier)}))
            elif before is not None and after is not None:
                operations.append(_update(before, after))
        return sorted(operations, key=_place_of_kind)

    def _create(self, command: CreateCoupon) -> Coupon:
        if self._of_user(command.twitter_id) is not None:
            raise CouponAlreadyExists()
        coupon = self._add(command.twitter_id, command.username, command.followers, command.role)
        self.events.append((coupon.created_at, coupon_event("couponCreated", coupon)))
        return coupon

    def _redeem(self, command: RedeemCoupon) -> Redemption:
        redeemer_id, code = require_redemption_fields(command)
        coupon, redeemer = self._coupons.get(self._by_code.find(code) or ""), self._of_user(redeemer_id)
        refusal = judge_redemption(command, coupon, redeemer, has_redeemed=redeemer_id in self._redeemed)
        if refusal is not None:
            raise refusal
        assert coupon is not None
        is_new = redeemer is None
        if redeemer is None:
            assert command.username is not None
            assert command.followers is not None
            redeemer = self._add(redeemer_id, command.username, command.followers, coupon.role)
        at = max(self._later(coupon), self._later(redeemer))
        coupon = replace(
            coupon,
            points=coupon.points + POINTS_PER_REDEMPTION,
            times_used=coupon.times_used + 1,
            updated_at=at,
            last_used_at=at,
        )
        redeemer = replace(redeemer, points=redeemer.points + POINTS_PER_REDEMPTION, updated_at=at)
        self._coupons[coupon.id], self._coupons[redeemer.id] = coupon, redeemer
        self._redeemed.add(redeemer_id)
        self.ledger.append(ledger_row(coupon, redeemer, at))
        self.totals["redeemed"] += 1
        if is_new:
            self.events.append((at, coupon_event("couponCreated", redeemer)))
        self.events.append((at, redeemed_event(coupon, redeemer, at, new_user=is_new)))
        return Redemption(coupon.points, redeemer.points, redeemer if is_new else None)

    def _delete(self, command: DeleteCoupon) -> Coupon:
        coupon = self._coupons.pop(command.id, None)
        if coupon is None:
            raise CouponNotFound()
        self._by_code.remove(coupon.coupon_code)
        del self._by_twitter_id[coupon.twitter_id]
        self._count(coupon, -1)
        self.totals["redeemed"] -= coupon.times_used
        self.events.append((self._later(coupon), coupon_event("couponDeleted", coupon)))
        return coupon

    def _set_active(self, command: SetCouponActive) -> Coupon:
        coupon = self._coupons.get(command.id)
        if coupon is None:
            raise CouponNotFound()
        if coupon.active == command.active:
            return coupon
        changed = replace(coupon, active=command.active, updated_at=self._later(coupon))
        self._coupons[coupon.id] = changed
        return changed

    def _of_user(self, twitter_id: str) -> Coupon | None:
        return self._coupons.get(self._by_twitter_id.get(twitter_id, ""))

    def _add(self, twitter_id: str, username: str, followers: int, role: CouponRole) -> Coupon:
        coupon = Coupon(
            id=str(ObjectId()),
            coupon_code=make_coupon_code(secrets.randbelow),
            twitter_id=twitter_id,
            username=username,
            followers=followers,
            points=0,
            times_used=0,
            role=role,
            active=True,
            created_at=self._now,
            updated_at=self._now,
        )
        self._coupons[coupon.id] = coupon
        self._by_code.put(coupon.coupon_code, coupon.id)
        self._by_twitter_id[twitter_id] = coupon.id
        self._count(coupon, 1)
        return coupon

    def _count(self, coupon: Coupon, number: int) -> None:
        self.totals["total"] += number
        self.totals["creators" if coupon.role == CouponRole.CREATOR else "users"] += number

    def _later(self, coupon: Coupon) -> datetime:
        """Now, but after everything that happened to this coupon before this batch: its events stay in order."""
        before = self._before.get(coupon.id)
        return self._now if before is None else max(self._now, before.updated_at + timedelta(milliseconds=1))


def _update(before: Coupon, after: Coupon) -> UpdateOne:
    change: dict[str, Any] = {"updatedAt": after.updated_at, "active": after.active}
    if after.last_used_at != before.last_used_at:
        change["lastUsedAt"] = after.last_used_at
    moved = {"points": after.points - before.points, "timesUsed": after.times_used - before.times_used}
    increments = {name: number for name, number in moved.items() if number}
    return UpdateOne({"_id": ObjectId(before.id)}, {"$set": change, **({"$inc": increments} if increments else {})})
