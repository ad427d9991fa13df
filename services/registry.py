"""All verbs, put together once for a process."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from models.access_codes.access_code import AccessCodeUse, AccessCodeUseFilter
from models.coupons.redemptions import LedgerEntry, RedemptionFilter
from models.usage.follower import UsageMove
from models.usage.history import UsageMoveFilter
from models.values.instants import to_milliseconds
from services.access_codes.batches import AccessCodeBatches
from services.access_codes.repository import uses
from services.access_codes.service import AccessCodes
from services.activity.repository import ActivityListing, activity
from services.admin_keys.service import AdminKeys
from services.coupons.repository import redemptions
from services.coupons.service import Coupons
from services.exports.service import Exports
from services.kit.activity.log import ActivityLog
from services.kit.database import Database
from services.kit.idempotency.keys import Idempotency
from services.kit.instruments.metrics import WorkMetrics
from services.kit.instruments.tracing import traced
from services.kit.messages.inbox import Inbox
from services.kit.messages.outbox import Outbox, OutboxQueue
from services.kit.messages.parked import ParkedRecords
from services.kit.pagination import Listing
from services.kit.rate_limit import RateLimiter
from services.mongo_uri import MongoDriver
from services.orders.refunds import Refunds
from services.orders.service import Orders
from services.reconciliation.audit import Audit
from services.series.service import Series
from services.usage.announcements import UsageAnnouncements
from services.usage.repository import moves
from services.usage.service import Usage

NOUNS = (
    "coupons", "redemptions", "access_codes", "access_code_uses", "access_code_batches", "orders", "refunds", "usage",
    "usage_moves", "series", "audit", "activity", "admin_keys", "exports",
)  # fmt: skip
"""Whose verbs are steps of a trace."""


def utc_now() -> datetime:
    return to_milliseconds(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Services:
    """The verbs, by noun. `close` commits what was begun and closes the database.

    When they are opened, `usage_hold` is in seconds, and refusals are told of for `activity_days`; where `metrics` are
    given round trips to MongoDB are measured, too.
    """

    database: Database
    rate_limit: RateLimiter
    idempotency: Idempotency
    coupons: Coupons
    redemptions: Listing[RedemptionFilter, LedgerEntry]
    access_codes: AccessCodes
    access_code_uses: Listing[AccessCodeUseFilter, AccessCodeUse]
    access_code_batches: AccessCodeBatches
    orders: Orders
    refunds: Refunds
    inbox: Inbox
    outbox_queue: OutboxQueue
    parked: ParkedRecords
    usage: Usage
    usage_moves: Listing[UsageMoveFilter, UsageMove]
    series: Series
    usage_announcements: UsageAnnouncements
    audit: Audit
    activity: ActivityListing
    activity_log: ActivityLog
    admin_keys: AdminKeys
    exports: Exports

    @classmethod
    def open(
        cls,
        *,
        mongo_uri: str,
        database_name: str,
        mongo_driver: MongoDriver = "motor",
        rate_limit: str = "100/15minutes",
        events_enabled: bool = False,
        usage_hold: int = 900,
        activity_days: int = 90,
        metrics: WorkMetrics | None = None,
        traces: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> Self:
        """Put the verbs together; no connection is made before the first of them runs."""
        database = Database(mongo_uri, database_name, mongo_driver, metrics, traced=traces)
        outbox = Outbox(database, enabled=events_enabled)
        opened = cls._over(database, outbox, RateLimiter(database, rate_limit), usage_hold, activity_days, clock)
        return opened.traced() if traces else opened

    @classmethod
    def _over(
        cls,
        database: Database,
        outbox: Outbox,
        rate_limit: RateLimiter,
        usage_hold: int,
        activity_days: int,
        clock: Callable[[], datetime],
    ) -> Self:
        activity_log = ActivityLog(database, clock, activity_days)
        return cls(
            database=database,
            rate_limit=rate_limit,
            idempotency=Idempotency(database, clock),
            coupons=Coupons(database, outbox, activity_log, clock),
            redemptions=redemptions(database),
            access_codes=AccessCodes(database, outbox, activity_log, clock),
            access_code_uses=uses(database),
            access_code_batches=AccessCodeBatches(database, outbox, activity_log, clock),
            orders=Orders(database, outbox, activity_log, clock),
            refunds=Refunds(database),
            inbox=Inbox(database),
            outbox_queue=OutboxQueue(database),
            parked=ParkedRecords(database),
            usage=Usage(database, outbox, activity_log, clock, timedelta(seconds=usage_hold)),
            usage_moves=moves(database),
            series=Series(database, clock),
            usage_announcements=UsageAnnouncements(database, outbox, clock),
            audit=Audit(database, activity_log),
            activity=activity(database),
            activity_log=activity_log,
            admin_keys=AdminKeys(database, outbox, activity_log, clock),
            exports=Exports(database, clock),
        )

    def traced(self) -> Self:
        """The same verbs, each a step of the trace that it is called in."""
        return replace(self, **{name: traced(name, getattr(self, name)) for name in NOUNS})

    async def close(self) -> None:
        await self.coupons.close()
        await self.access_codes.close()
        await self.orders.close()
        await self.usage.close()
        await self.admin_keys.close()
        await self.activity_log.close()
        await self.idempotency.close()
        await self.rate_limit.close()
        await self.database.close()
