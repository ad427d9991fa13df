"""An audit on a MongoDB that keeps a moment for a second: it goes on in pieces, and finds what it would have found."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient, MongoClient

from bench.seeds import access_codes, coupons, insert, redemption_documents, use_documents
from devtools.embedded import EmbeddedMongod
from models.audit import AuditFamily
from models.principal import SYSTEM
from services.access_codes.repository import ACCESS_CODES
from services.access_codes.totals import AccessCodeCounts
from services.coupons.repository import COUPONS
from services.migrations.runner import migrate
from services.reconciliation import totals
from services.registry import Services
from tests.support.api import MONGO_DRIVER

COUNT = 300


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    """The verbs over a MongoDB that forgets quickly, with something in it; somebody else writes all the time."""
    mongod = EmbeddedMongod(tmp_path, parameters={"minSnapshotHistoryWindowInSeconds": "1"}).start()
    uri = mongod.database_uri("tessera")
    services = Services.open(mongo_uri=uri, database_name="tessera", mongo_driver=MONGO_DRIVER)
    fill(uri)
    await migrate(services.database)
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        writing = asyncio.create_task(write(client))
        yield services
        writing.cancel()
    await services.close()
    mongod.stop()


def fill(uri: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        insert(database["coupons"], map(COUPONS.dump, coupons(COUNT, times_used=1)))
        insert(database["redemptions"], redemption_documents(COUNT))
        insert(database["accesscodes"], map(ACCESS_CODES.dump, access_codes(COUNT)))
        insert(database["accesscodeuses"], use_documents(COUNT))


async def write(client: AsyncMongoClient[dict[str, Any]]) -> None:
    """Without writes MongoDB has nothing to forget."""
    while True:
        await client["other"]["rows"].insert_one({})
        await asyncio.sleep(0.05)


def slowed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Has the first counters judged slowly, and the first count of access codes begin late; counts the pieces."""
    pieces: list[int] = []
    sum_at, counted, piece = totals._Sums.at, AccessCodeCounts.counted, totals.Reconciliation._piece
    judged, delays = iter(range(10**9)), iter([4.0])

    async def slow_sum(sums: Any, key: Any) -> int:
        # The first hundred came in one answer, so this is before the second.
        await asyncio.sleep(0.04 if next(judged) < 100 else 0)
        return await sum_at(sums, key)

    async def late_count(counts: Any, session: Any) -> Any:
        await asyncio.sleep(next(delays, 0))
        return await counted(counts, session)

    def counted_piece(reconciliation: Any, *words: Any) -> Any:
        pieces.append(1)
        return piece(reconciliation, *words)

    monkeypatch.setattr(totals._Sums, "at", slow_sum)
    monkeypatch.setattr(AccessCodeCounts, "counted", late_count)
    monkeypatch.setattr(totals.Reconciliation, "_piece", counted_piece)
    monkeypatch.setattr(totals, "PIECE", 60)
    return pieces


async def test_an_audit_outlives_its_moment(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    database = services.database
    await database.coupons.update_one({"_id": ObjectId(f"{COUNT - 1:024x}")}, {"$inc": {"timesUsed": 2}})
    await database.counters.update_one({"family": "accessCodes"}, {"$inc": {"usages": 5, "usagesByBatch": 5}})
    families = (AuditFamily.COUPONS, AuditFamily.ACCESS_CODES)
    expected = await services.audit.audit(SYSTEM, families)
    assert sorted((drift.field, drift.stored - drift.expected) for drift in expected.drifts) == [
        ("timesUsed", 2), ("total", -2), ("total", 5), ("total", 5),
    ]  # fmt: skip

    pieces = slowed(monkeypatch)
    # Three counters of these families: the first is judged in pieces, the others at one moment.
    assert await services.audit.audit(SYSTEM, families) == expected
    assert len(pieces) > 5

    await services.audit.repair(SYSTEM, families)
    assert (await services.audit.audit(SYSTEM, families)).drift_count == 0
