"""The audit: every counter against its ledger, every total against what exists, and their repair."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING

from pymongo.errors import PyMongoError

from models.activity import Deed
from models.audit import MOST_SHOWN, REPAIR_COUNTERS, AuditFamily, AuditReport, Drift
from models.principal import Principal, Role
from services.access_codes.totals import AccessCodeCounts
from services.coupons.totals import CouponCounts
from services.kit.activity.log import ActivityLog
from services.kit.counters import Counts, RowCounts
from services.kit.database import Database
from services.kit.hourly.audit import HourlyAudit
from services.kit.hourly.totals import HourlySource
from services.kit.snapshots import TRIES, SnapshotGone, as_snapshot_fault
from services.orders.refunds import reconcile_one
from services.reconciliation.totals import Reconciliation, Source, in_cents
from services.series.service import SOURCES
from services.usage.repository import IS_EXHAUSTED

if TYPE_CHECKING:
    from services.kit.database import Session

_PRODUCTS_IN_CENTS = {"$cond": [{"$eq": ["$productId", None]}, 0, in_cents("$amount")]}
RECONCILIATIONS = (
    Reconciliation(
        AuditFamily.ORDERS,
        "orders",
        "refundedAmount",
        (Source("refunds", ("orderId",), _PRODUCTS_IN_CENTS),),
        value=in_cents({"$sum": "$products.refundedAmount"}),
        mend=reconcile_one,
    ),
    Reconciliation(
        AuditFamily.COUPONS,
        "coupons",
        "timesUsed",
        (Source("redemptions", ("couponId",), 1),),
        offset="unaccountedUses",
    ),
    Reconciliation(
        AuditFamily.COUPONS,
        "coupons",
        "points",
        (Source("redemptions", ("couponId",), "$points"), Source("redemptions", ("redeemerCouponId",), "$points")),
        offset="unaccountedPoints",
    ),
    Reconciliation(
        AuditFamily.ACCESS_CODES,
        "accesscodes",
        "usedCount",
        (Source("accesscodeuses", ("codeId",), 1),),
        offset="unaccountedUses",
        follows={"full": {"$gte": ["$usedCount", "$maxUses"]}},
    ),
    Reconciliation(
        AuditFamily.USAGE_FOLLOWERS,
        "usagecounters",
        "used",
        (Source("usageledger", ("followerId", "userId"), "$amount"),),
        key=("followerId", "userId"),
    ),
    Reconciliation(
        AuditFamily.USAGE_FOLLOWERS,
        "usagefollowers",
        "totalUsageCount",
        (Source("usageledger", ("followerId",), "$amount"),),
        follows={"exhausted": IS_EXHAUSTED},
    ),
    Reconciliation(
        AuditFamily.USAGE_FOLLOWERS,
        "usagefollowers",
        "heldCount",
        (Source("usagecounters", ("followerId",), "$held"),),
    ),
    Reconciliation(
        AuditFamily.USAGE_FOLLOWERS,
        "usagefollowers",
        "userCount",
        (Source("usagecounters", ("followerId",), 1),),
    ),
)


class Audit:
    """Audits and repairs, for admins."""

    def __init__(self, database: Database, activity: ActivityLog) -> None:
        self._database = database
        self._activity = activity
        self._counts: dict[AuditFamily, Counts] = {
            AuditFamily.COUPONS: CouponCounts(database),
            AuditFamily.ACCESS_CODES: AccessCodeCounts(database),
            AuditFamily.USAGE_FOLLOWERS: RowCounts(database, database.usage_followers),
            AuditFamily.ORDERS: RowCounts(database, database.orders),
        }

    async def audit(self, principal: Principal, families: Collection[AuditFamily] = tuple(AuditFamily)) -> AuditReport:
        """Compare every counter of these families with its ledger, as of one moment. Writes nothing."""
        principal.require_role(Role.VIEWER)
        return await self._run(families, repair=False)

    async def repair(self, principal: Principal, families: Collection[AuditFamily] = tuple(AuditFamily)) -> AuditReport:
        """Put right every counter that drifted, each in a transaction, while others go on; returns what was wrong."""
        principal.require_role(Role.ADMIN)
        # An idempotency key keeps one outcome, the report; the repairs themselves may be done as often as one likes.
        # They are begun only where the key has none yet, and once for however many tries to write it down.
        repairs: list[asyncio.Task[AuditReport]] = []

        async def work(_: "Session") -> AuditReport:
            if not repairs:
                repairs.append(asyncio.create_task(self._run(families, repair=True), context=Context()))
            return await repairs[0]

        return await self._activity.transaction(principal, work, lambda _: Deed(REPAIR_COUNTERS))

    async def _run(self, families: Collection[AuditFamily], *, repair: bool) -> AuditReport:
        findings = _Findings()
        for reconciliation in RECONCILIATIONS:
            if reconciliation.family in families:
                await self._reconcile(reconciliation, findings, repair=repair)
        for family, counts in self._counts.items():
            if family in families:
                await self._judge_counts(family, counts, findings, repair=repair)
        if AuditFamily.SERIES in families:
            for source in SOURCES:
                await self._judge_series(source, findings, repair=repair)
        return findings.report()

    async def _reconcile(self, reconciliation: Reconciliation, findings: "_Findings", *, repair: bool) -> None:
        async for identifier, drift in reconciliation.compare(self._database):
            findings.checked[reconciliation.family] += 1
            mend = drift is not None and repair
            findings.add(await reconciliation.repair(self._database, identifier) if mend else drift)

    async def _judge_counts(self, family: AuditFamily, counts: Counts, findings: "_Findings", *, repair: bool) -> None:
        try:
            async with self._database.snapshot() as session:
                kept, counted = await counts.kept(session), await counts.counted(session)
            drifts = _compare(family, kept, counted)
            checked = len(kept.keys() | counted.keys())
        except PyMongoError as fault:
            if not isinstance(as_snapshot_fault(fault), SnapshotGone):
                raise
            drifts, checked = await self._judge_beside(family, counts)
        findings.checked[family] += checked
        if drifts and repair:
            drifts = await self._database.transaction(partial(_mend, family, counts))
        for drift in drifts:
            findings.add(drift)

    async def _judge_beside(self, family: AuditFamily, counts: Counts) -> tuple[list[Drift], int]:
        """What is wrong with totals whose documents cannot all be counted at one moment, and how many were judged.

        They are counted while others write, and read before it and after it: a total is right where the count lies
        between, and wrong where that is so every time.
        """
        wrong: dict[str, Drift] | None = None
        async with self._database.session() as session:
            for _ in range(TRIES):
                before, counted = await counts.kept(session), await counts.counted(session)
                after = await counts.kept(session)
                found = {drift.id: drift for drift in _compare(family, after, counted) if _is_beside(drift, before)}
                wrong = found if wrong is None else {name: found[name] for name in wrong if name in found}
                if not wrong:
                    break
        assert wrong is not None
        return [*wrong.values()], len(after.keys() | counted.keys())

    async def _judge_series(self, source: HourlySource, findings: "_Findings", *, repair: bool) -> None:
        async for judged in HourlyAudit(self._database, source).judge(repair=repair):
            findings.checked[AuditFamily.SERIES] += judged.checked
            for one in judged.differences:
                drift = Drift(AuditFamily.SERIES, "counters", one.name, one.number, one.stored, one.counted)
                findings.add(drift)


async def _mend(family: AuditFamily, counts: Counts, session: "Session") -> list[Drift]:
    """Count totals anew; returns what was wrong with them by then."""
    kept = await counts.kept(session)
    await counts.recount(session)
    return _compare(family, kept, await counts.kept(session))


def _is_beside(drift: Drift, before: Mapping[str, int]) -> bool:
    """Whether what was counted lies not between a total as it was before and as it is now."""
    reached = (before.get(drift.id, 0), drift.stored)
    return not min(reached) <= drift.expected <= max(reached)


def _compare(family: AuditFamily, kept: Mapping[str, int], counted: Mapping[str, int]) -> list[Drift]:
    named = ((name, kept.get(name, 0), counted.get(name, 0)) for name in sorted(kept.keys() | counted.keys()))
    return [Drift(family, "counters", name, "total", old, new) for name, old, new in named if old != new]


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
