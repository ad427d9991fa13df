"""The totals by the hour, judged by the rows that stand in MongoDB."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bson import Decimal128
from pymongo import MongoClient

Row = Mapping[str, Any]
# Of each series: its collection, the instant of a row, what it counts for, and the part that it belongs to.
SERIES: dict[str, tuple[str, str, Callable[[Row], Mapping[str, Any]], Callable[[Row], str | None]]] = {
    "redemptions": (
        "redemptions",
        "redeemedAt",
        lambda row: {"count": 1, "newUsers": int(row.get("newUser") is True), "points": row["points"]},
        lambda row: row.get("role"),
    ),
    "accessCodeUses": ("accesscodeuses", "redeemedAt", lambda _: {"count": 1}, lambda row: row.get("batch")),
    "usage": (
        "usageledger",
        "at",
        lambda row: {"count": 1, "added": max(row["amount"], 0), "removed": max(-row["amount"], 0)},
        lambda row: next((f"{kind}/{row[kind]}" for kind in ("couponId", "campaignId") if row.get(kind)), None),
    ),
    "refunds": (
        "refunds",
        "at",
        lambda row: {"count": 1, "units": row["quantity"], "amount": row["amount"].to_decimal()},
        lambda _: None,
    ),
    "orders": (
        "orders",
        "createdAt",
        lambda row: {"count": 1, "amount": row["totalPrice"].to_decimal()},
        lambda _: None,
    ),
}


def check_series_invariants(database_uri: str, *names: str) -> None:
    """Assert that of these series (of all) every total is the sum of its rows: of a day, an hour, a quarter."""
    with MongoClient[dict[str, Any]](database_uri, tz_aware=True, tzinfo=UTC) as client:
        database = client.get_default_database()
        for name in names or SERIES:
            collection, field, count, part_of = SERIES[name]
            expected: Counter[tuple[str, datetime, str]] = Counter()
            for row in database[collection].find():
                at = row[field]
                grains = ("d", f"h{at.hour}", f"q{at.hour * 4 + at.minute // 15}")
                day = at.replace(hour=0, minute=0, second=0, microsecond=0)
                for part in {"", part_of(row) or ""}:
                    expected.update({(part, day, f"{n}.{g}"): x for n, x in count(row).items() for g in grains})
            stored: Counter[tuple[str, datetime, str]] = Counter()
            for total in database["counters"].find({"series": name}):
                numbers = ((n, grains) for n, grains in total.items() if isinstance(grains, dict))
                stored.update(
                    {
                        (total["of"], total["day"], f"{n}.{g}"): _plain(x)
                        for n, fields in numbers
                        for g, x in fields.items()
                    }
                )
            differing = {key: (stored[key], expected[key]) for key in stored | expected if stored[key] != expected[key]}
            assert not differing, (name, differing)


def _plain(value: Any) -> Any:
    return value.to_decimal() if isinstance(value, Decimal128) else value
