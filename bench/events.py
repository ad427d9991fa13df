"""The consumers process: payments into orders, in batches and one by one, and the relay of the outbox."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from bson import ObjectId

from bench.load import BenchError
from bench.servers import ROOT
from services.kit.database import Database, aggregate
from services.kit.leases import Lease
from services.migrations.runner import migrate

TOPIC = "payment-service-accept"
RELAY_LEASE = "relay"
WITHIN = 300.0


@dataclass(frozen=True, slots=True)
class EventRates:
    """Payments into orders, in batches and one by one, and events relayed, a second each; and of how many."""

    batched: float
    single: float
    relayed: float
    counts: tuple[int, int, int]

    def rows(self) -> list[tuple[str, str]]:
        batched, single, relayed = self.counts
        return [
            (
                f"payments into orders a second, a transaction for each batch ({batched:,} payments)",
                f"{self.batched:,.0f}",
            ),
            (
                f"payments into orders a second, a transaction for each event ({single:,} payments)",
                f"{self.single:,.0f}",
            ),
            ("ratio", f"{self.batched / self.single:.1f} ×"),
            (f"events relayed to Kafka a second ({relayed:,} events)", f"{self.relayed:,.0f}"),
        ]


async def measure_events(mongo_uri: str, kafka: str, *, batched: int, single: int) -> EventRates:
    """Raises `BenchError` when an order is missing or doubled."""
    in_batches = await _payments_into_orders(mongo_uri, kafka, "batched", batched, batch=500)
    one_by_one = await _payments_into_orders(mongo_uri, kafka, "single", single, batch=1)
    relayed = await _relay(mongo_uri, kafka, "batched", 3 * batched)
    return EventRates(in_batches, max(one_by_one, 1e-9), relayed, (batched, single, 3 * batched))


def _payment(name: str, n: int) -> dict[str, Any]:
    lines = [{"productId": f"p{line}", "quantity": 2, "price": 19.9} for line in range(2)]
    return {
        "_id": f"{name}-{n}",
        "userId": f"user{n % 1_000}",
        "checkoutId": f"checkout{n}",
        "basketId": f"basket{n}",
        "products": lines,
        "address": "1 Long Street",
        "totalPrice": 79.6,
        "cardNumber": 4_111_111_111_110_042,
    }


def _database(name: str) -> str:
    return f"events_{name}"


async def _payments_into_orders(mongo_uri: str, kafka: str, name: str, count: int, *, batch: int) -> float:
    """Payments a second, from the first order to the last. The relay is kept from running beside."""
    database = Database(mongo_uri, _database(name))
    await database.client.drop_database(_database(name))
    await migrate(database)
    lease = Lease(database, RELAY_LEASE, 3_600)
    await lease.take()
    prefix = f"{name}{ObjectId()}-"
    producer = AIOKafkaProducer(bootstrap_servers=kafka, linger_ms=5)
    await producer.start()
    for n in range(count):
        payment = _payment(name, n)
        await producer.send(prefix + TOPIC, orjson.dumps(payment), key=payment["_id"].encode())
    await producer.stop()
    with _consumers(database, mongo_uri, kafka, prefix, batch):
        await _until(database.orders.estimated_document_count, count)
    made = await database.orders.count_documents({})
    if made != count or len(await database.orders.distinct("paymentId")) != count:
        raise BenchError(f"{count} payments became {made} orders")
    rate = await _rate(database.orders, "createdAt")
    await lease.release()
    await database.close()
    return rate


async def _relay(mongo_uri: str, kafka: str, name: str, count: int) -> float:
    """Events a second, from the first acknowledgement to the last, of an outbox that has gathered them."""
    database = Database(mongo_uri, _database(name))
    with _consumers(database, mongo_uri, kafka, f"relay{ObjectId()}-", 500):
        await _until(lambda: database.outbox.count_documents({"sentAt": {"$ne": None}}), count)
    rate = await _rate(database.outbox, "sentAt")
    await database.client.drop_database(database.name)
    await database.close()
    return rate


async def _rate(collection: Any, field: str) -> float:
    """How many rows came a second after the first batch, by the instant in `field`."""
    ends = {"_id": None, "first": {"$min": f"${field}"}, "last": {"$max": f"${field}"}}
    (row,) = [row async for row in aggregate(collection, [{"$group": ends}])]
    seconds: float = (row["last"] - row["first"]).total_seconds()
    later: int = await collection.count_documents({field: {"$gt": row["first"]}})
    return later / max(seconds, 0.001)


async def _until(count: Any, wanted: int) -> None:
    deadline = time.monotonic() + WITHIN
    while await count() < wanted:
        if time.monotonic() > deadline:
            raise BenchError(f"{await count()} of {wanted} after {WITHIN:.0f} s")
        await asyncio.sleep(0.25)


@contextmanager
def _consumers(database: Database, mongo_uri: str, kafka: str, prefix: str, batch: int) -> Iterator[None]:
    """One consumers process over this database and these topics."""
    variables = {
        "MONGO_URI": mongo_uri.replace("/?", f"/{database.name}?"),
        "KAFKA_URI": kafka,
        "KAFKA_TOPIC_PREFIX": prefix,
        "KAFKA_BATCH": str(batch),
        "CONSUMERS_PORT": "0",
        "LOG_LEVEL": "error",
    }
    process = subprocess.Popen([sys.executable, "-m", "server", "consume"], cwd=ROOT, env=os.environ | variables)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
