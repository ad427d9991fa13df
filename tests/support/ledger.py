"""The invariants of coupons, judged from the outside: by what stands in MongoDB."""

from collections import Counter
from typing import Any

from pymongo import MongoClient

from tests.support.series import check_series_invariants


def check_coupon_invariants(database_uri: str) -> int:
    """Assert every invariant of coupons and redemptions; answers the number of ledger rows.

    `timesUsed` equals a coupon's rows; points are ten for each row on either side; nobody redeemed twice; the counters
    equal the rows; each redemption has one event; the series counts the rows.
    """
    with MongoClient[dict[str, Any]](database_uri) as client:
        database = client.get_default_database()
        coupons = list(database["coupons"].find())
        rows = list(database["redemptions"].find())
        counters = list(database["counters"].find({"family": "coupons"}))
        events = database["outbox"].count_documents({"topic": "couponSystem-couponRedeemed"})
    uses = Counter(row["couponId"] for row in rows if "couponId" in row)
    redeemed = Counter(row["redeemerCouponId"] for row in rows if "redeemerCouponId" in row)
    for coupon in coupons:
        assert coupon["timesUsed"] == uses[coupon["_id"]], coupon
        assert coupon["points"] == 10 * (uses[coupon["_id"]] + redeemed[coupon["_id"]]), coupon
    redeemers = Counter(row["redeemerTwitterId"] for row in rows if "redeemerTwitterId" in row)
    assert set(redeemers.values()) <= {1}
    assert sum(counter.get("total", 0) for counter in counters) == len(coupons)
    assert sum(counter.get("redeemed", 0) for counter in counters) == sum(coupon["timesUsed"] for coupon in coupons)
    assert events == len([row for row in rows if not row.get("takenOver")])
    check_series_invariants(database_uri, "redemptions")
    return len(rows)
