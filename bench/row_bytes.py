"""How many bytes a row takes, by itself, as it is stored and in the indexes: `python -m bench.row_bytes`.

Rows are those of the growth benchmark, stored by an embedded MongoDB on a disk, compressed as it comes. What they come
to for so many redemptions is multiplied, not stored.
"""

import asyncio
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bson import ObjectId
from pymongo import MongoClient

from bench.seeds import (
    MADE,
    access_codes,
    activity_documents,
    coupons,
    insert,
    move_documents,
    order_documents,
    redemption_documents,
    refund_documents,
    usage_documents,
    use_documents,
)
from devtools.embedded import EmbeddedMongod
from models.coupons.coupon import redeem
from models.usage.effects import new_follower
from models.usage.follower import FollowerKey, KeyKind, Limits
from services.access_codes.repository import ACCESS_CODES
from services.coupons.repository import COUPONS
from services.kit.database import Database
from services.migrations.runner import migrate

COUNT = 100_000


@dataclass(frozen=True, slots=True)
class RowBytes:
    """What one row of a collection takes: its BSON, what of it is stored after compression, and its index entries."""

    collection: str
    document: int
    stored: int
    indexes: int

    @property
    def whole(self) -> int:
        return self.stored + self.indexes


def outbox_documents(count: int) -> Iterator[dict[str, Any]]:
    """The event of a redemption of each of `count` coupons, sent an hour after it."""
    for coupon in coupons(count):
        done = redeem(coupon, coupon, is_new=False, entry_id=str(ObjectId()), at=coupon.created_at)
        event, sent = done.events[-1], coupon.created_at + timedelta(hours=1)
        row = {"_id": str(uuid.uuid4()), "topic": event.topic, "key": event.key, "value": event.value}
        yield {**row, "at": coupon.created_at, "n": 0, "sentAt": sent}


def inbox_documents(count: int) -> Iterator[dict[str, Any]]:
    """The ids of `count` events as a payment service would name them."""
    for n in range(count):
        yield {"_id": f"/payment-service {uuid.uuid4()}", "at": MADE + timedelta(seconds=n)}


def rows_of(count: int) -> dict[str, Iterator[dict[str, Any]]]:
    """`count` rows of each collection that grows with what users do."""
    follower = new_follower(FollowerKey(KeyKind.CAMPAIGN, f"{1:024x}"), Limits(), identifier=str(ObjectId()), now=MADE)
    return {
        "coupons": map(COUPONS.dump, coupons(count, times_used=1)),
        "redemptions": redemption_documents(count),
        "accesscodes": map(ACCESS_CODES.dump, access_codes(count)),
        "accesscodeuses": use_documents(count),
        "usagecounters": usage_documents(follower.id, count),
        "usageledger": move_documents(follower, count),
        "orders": order_documents(count),
        "refunds": refund_documents(count),
        "activity": activity_documents(count),
        "outbox": outbox_documents(count),
        "inbox": inbox_documents(count),
    }


def measure(uri: str, count: int) -> list[RowBytes]:
    """Store the rows under the indexes that a start makes, and ask MongoDB what they take."""
    asyncio.run(_migrated(uri))
    found = []
    with MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        for name, rows in rows_of(count).items():
            insert(database[name], rows)
        client.admin.command("fsync", 1)
        for name in rows_of(0):
            stats = database.command("collStats", name)
            number = stats["count"]
            sizes = (stats["avgObjSize"], stats["storageSize"] // number, stats["totalIndexSize"] // number)
            found.append(RowBytes(name, *map(int, sizes)))
    return found


async def _migrated(uri: str) -> None:
    database = Database(uri, "tessera")
    await migrate(database)
    await database.close()


def table(rows: list[RowBytes]) -> str:
    """The rows as Markdown."""
    lines = [f"| `{row.collection}` | {row.document} | {row.stored} | {row.indexes} | {row.whole} |" for row in rows]
    return "\n".join(["| a row of | BSON | stored | indexes | bytes in all |", "|---|--:|--:|--:|--:|", *lines])


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="rows of each collection")
    count = parser.parse_args().count
    with TemporaryDirectory(prefix="tessera-bench-") as folder:
        # Nothing may expire while it is measured.
        parameters = {"ttlMonitorEnabled": "false"}
        mongod = EmbeddedMongod(Path(folder), cache_gigabytes=1.0, parameters=parameters).start()
        try:
            print(table(measure(mongod.database_uri("tessera"), count)))
        finally:
            mongod.stop()


if __name__ == "__main__":
    main()
