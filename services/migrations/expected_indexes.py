"""Every index that the migrations make and leave, by collection: what a database is held against."""

from collections.abc import Mapping, Sequence

from pymongo import IndexModel

from services.access_codes.expiry_counts import EXPIRY_INDEXES
from services.access_codes.repository import ACCESS_CODE_INDEXES, BATCH_INDEXES, USE_INDEXES
from services.activity.repository import ACTIVITY_INDEXES
from services.admin_keys.repository import COLLECTION as ADMIN_KEYS
from services.admin_keys.repository import INDEXES as ADMIN_KEY_INDEXES
from services.coupons.repository import COUPON_INDEXES
from services.coupons.repository import LEDGER_INDEXES as REDEMPTION_INDEXES
from services.kit.database import Database
from services.kit.hourly.audit import series_index
from services.kit.hourly.totals import HOURLY_INDEXES
from services.kit.indexes import missing_indexes
from services.migrations.legacy_import import FORM_INDEX
from services.migrations.m0001_indexes import SHARED_INDEXES
from services.orders.repository import ONE_FOR_EACH_PAYMENT, ORDER_INDEXES, REFUND_INDEXES
from services.series.service import SOURCES
from services.usage.migration import COUNTER_INDEXES, FOLLOWER_INDEXES
from services.usage.migration import LEDGER_INDEXES as MOVE_INDEXES

_OF_PARTS: Sequence[Mapping[str, Sequence[IndexModel]]] = (
    SHARED_INDEXES,
    {
        "accesscodebatches": BATCH_INDEXES,
        "accesscodes": ACCESS_CODE_INDEXES,
        "accesscodeuses": USE_INDEXES,
        "activity": ACTIVITY_INDEXES,
        ADMIN_KEYS: ADMIN_KEY_INDEXES,
        "counters": HOURLY_INDEXES,
        "coupons": COUPON_INDEXES,
        "expirycounts": EXPIRY_INDEXES,
        "orders": [*ORDER_INDEXES, ONE_FOR_EACH_PAYMENT],
        "redemptions": REDEMPTION_INDEXES,
        "refunds": REFUND_INDEXES,
        "usagecounters": COUNTER_INDEXES,
        "usagefollowers": FOLLOWER_INDEXES,
        "usageledger": MOVE_INDEXES,
    },
    {name: [FORM_INDEX] for name in ("accesscodes", "coupons", "orders", "usagefollowers")},
    *({source.collection: [series_index(source)]} for source in SOURCES),
)


def expected_indexes() -> dict[str, list[IndexModel]]:
    """The indexes of each collection that has any besides that of `_id`, by its name."""
    found: dict[str, list[IndexModel]] = {}
    for part in _OF_PARTS:
        for name, indexes in part.items():
            found.setdefault(name, []).extend(indexes)
    return found


async def all_missing_indexes(database: Database) -> list[str]:
    """`collection.index` for each that is not there, sorted."""
    found = []
    for name, indexes in expected_indexes().items():
        found += [f"{name}.{index}" for index in await missing_indexes(database.collection(name), indexes)]
    return sorted(found)
