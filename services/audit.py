"""The audit: every counter against its ledger, every total against what exists, and their repair."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.audit import MOST_SHOWN, AuditFamily, AuditReport, Drift
from models.principal import Principal
from services.access_code_counts import AccessCodeCounts
from services.coupon_counts import CouponCounts
from services.database import Database
from services.row_counts import RowCounts
from services.tallies import Source, Tally

if TYPE_CHECKING:
    from services.database import Session

TALLIES = (
    Tally(
        AuditFamily.COUPONS,
        "coupons",
        "timesUsed",
        (Source("redemptions", ("couponId",), 1),),
    ),
    Tally(
        AuditFamily.COUPONS,
        "coupons",
        "points",
        (Source("redemptions", ("couponId",), "$points"), Source("redemptions", ("redeemerCouponId",), "$points")),
        offset="unaccountedPoints",
    ),
    Tally(
        AuditFamily.ACCESS_CODES,
        "accesscodes",
        "usedCount",
        (Source("accesscodeuses", ("codeId",), 1),),
        offset="unaccountedUses",
        follows={"full": {"$gte": ["$usedCount", "$maxUses"]}},
    ),
    Tally(
        AuditFamily.USAGE_FOLLOWERS,
        "usagecounters",
        "used",
        (Source("usageledger", ("followerId", "userId"), "$amount"),),
        key=("followerId", "userId"),
    ),
    Tally(
        AuditFamily.USAGE_FOLLOWERS,
        "usagefollowers",
        "totalUsageCount",
        (Source("usageledger", ("followerId",), "$amount"),),
    ),
    Tally(
        AuditFamily.USAGE_FOLLOWERS,
        "usagefollowers",
        "heldCount",
        (Source("usagecounters", ("followerId",), "$held"),),
    ),
    Tally(
        AuditFamily.USAGE_FOLLOWERS,
        "usagefollowers",
        "userCount",
        (Source("usagecounters", ("followerId",), 1),),
    ),
)


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of a family's statistics or lists: as they are kept, as they are counted anew, and how to mend them."""

    family: AuditFamily
    kept: Callable[["Session"], Awaitable[Mapping[str, int]]]
    counted: Callable[["Session"], Awaitable[Mapping[str, int]]]
    recount: Callable[["Session"], Awaitable[None]]


class Audit:
    """Audits and repairs, for admins."""

    def __init__(self, database: Database) -> None:
        self._database = database
        coupons, codes = CouponCounts(database), AccessCodeCounts(database)
        followers, orders = (RowCounts(database, rows) for rows in (database.usage_followers, database.orders))
        self._totals = (
            Totals(AuditFamily.COUPONS, coupons.kept, coupons.counted, coupons.recount),
            Totals(AuditFamily.ACCESS_CODES, codes.kept, codes.counted, codes.recount),
            Totals(AuditFamily.USAGE_FOLLOWERS, followers.kept, followers.counted, followers.recount),
            Totals(AuditFamily.ORDERS, orders.kept, orders.counted, orders.recount),
        )

    async def audit(self, principal: Principal, families: Collection[AuditFamily] = tuple(AuditFamily)) -> AuditReport:
        """Compare every counter of these families with its ledger, as of one moment. Writes nothing."""
        principal.require_admin()
        return await self._run(families, repair=False)

    async def repair(self, principal: Principal, families: Collection[AuditFamily] = tuple(AuditFamily)) -> AuditReport:
        """Put right every counter that drifted, each in a transaction, while others go on; answers what was wrong."""
        principal.require_admin()
        # An idempotency key keeps one outcome, the report; the repairs themselves may be done as often as one likes.
        # They are begun only where the key has none yet, and once for however many tries to write it down.
        repairs: list[asyncio.Task[AuditReport]] = []

        async def work(_: "Session") -> AuditReport:
            if not repairs:
                repairs.append(asyncio.create_task(self._run(families, repair=True), context=Context()))
            return await repairs[0]

        return await self._database.transaction(work)

    async def _run(self, families: Collection[AuditFamily], *, repair: bool) -> AuditReport:
        findings = _Findings()
        for tally in TALLIES:
            if tally.family in families:
                await self._judge_tally(tally, findings, repair=repair)
        for totals in self._totals:
            if totals.family in families:
                await self._judge_totals(totals, findings, repair=repair)
        return findings.report()

    async def _judge_tally(self, tally: Tally, findings: "_Findings", *, repair: bool) -> None:
        async with self._database.snapshot() as session:
            async for identifier, drift in tally.compare(self._database, session):
                findings.checked[tally.family] += 1
                mend = drift is not None and repair
                findings.add(await tally.repair(self._database, identifier) if mend else drift)

    async def _judge_totals(self, totals: Totals, findings: "_Findings", *, repair: bool) -> None:
        async def work(session: "Session") -> Sequence[Drift]:
            kept, counted = Counter(await totals.kept(session)), Counter(await totals.counted(session))
            names = sorted(kept.keys() | counted.keys())
            drifts = [
                Drift(totals.family, "counters", name, "total", kept[name], counted[name])
                for name in names
                if kept[name] != counted[name]
            ]
            findings.checked[totals.family] += len(names)
            if drifts and repair:
                await totals.recount(session)
            return drifts

        if repair:
            drifts = await self._database.transaction(work)
        else:
            async with self._database.snapshot() as session:
                drifts = await work(session)
        for drift in drifts:
            findings.add(drift)


class _Findings:
    """What an audit has found so far."""

    def __init__(self) -> None:
        self.checked: Counter[AuditFamily] = Counter()
        self._drifts: list[Drift] = []
        self._drift_count = 0

    def add(self, drift: Drift | None) -> None:
        if drift is not None:
            self._drift_count += 1
            if len(self._drifts) < MOST_SHOWN:
                self._drifts.append(drift)

    def report(self) -> AuditReport:
        return AuditReport(dict(self.checked), tuple(self._drifts), self._drift_count)
