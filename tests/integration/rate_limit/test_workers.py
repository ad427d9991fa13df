"""Workers that reserve hits ahead share one exact count: none over the limit, none refused before it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from models.errors import RateLimited
from models.principal import Principal
from server.settings import Settings
from services.kit.database import Database, Document
from services.kit.rate_limit import RateLimiter
from services.kit.windows.counter import BUSY_HITS
from services.kit.windows.rows import RECLAIM_SECONDS, Asked, WindowRows
from tests.support.api import settings_for, unique
from tests.support.eventually import eventually
from tests.support.round_trips import round_trips

CLIENT = "192.0.2.1"
LIMIT = 100
RESERVED = 1 + (LIMIT - 1) // 16


class Workers:
    """Limiters of several processes over one database, each with a client of the driver of its own."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self.database = self._open()

    def start(self, limit: str = f"{LIMIT}/15minutes") -> RateLimiter:
        limiter = RateLimiter(self._open(), limit)
        self._stack.push_async_callback(limiter.close)
        return limiter

    def rows(self) -> WindowRows:
        """Those of a worker that asks but never listens, as if it were dead."""
        return WindowRows(self.database, LIMIT, 900)

    async def row(self, address: str = CLIENT) -> Document:
        row = await self.database.rate_limits.find_one({"_id": address})
        assert row is not None
        return row

    async def count(self, address: str = CLIENT) -> int:
        return int((await self.row(address))["count"])

    def _open(self) -> Database:
        database = Database(self._settings.mongo_uri, self._settings.database, self._settings.mongo_driver)
        self._stack.push_async_callback(database.close)
        return database


@pytest.fixture
async def workers(database_uri: str) -> AsyncIterator[Workers]:
    async with AsyncExitStack() as stack:
        yield Workers(settings_for(database_uri), stack)


async def keep_busy(limiter: RateLimiter) -> None:
    """Give a worker so much to do that it reserves ahead for the next second."""
    for _ in range(3):
        await asyncio.gather(*(limiter.hit(Principal(unique("other"))) for _ in range(2 * BUSY_HITS)))


async def admitted(limiter: RateLimiter, hits: int, address: str = CLIENT) -> int:
    """How many of so many hits at once are admitted."""

    async def hit() -> None:
        await limiter.hit(Principal(address))

    results = await asyncio.gather(*(hit() for _ in range(hits)), return_exceptions=True)
    for result in results:
        assert result is None or isinstance(result, RateLimited), result
    return results.count(None)


async def test_a_busy_worker_admits_what_it_has_reserved_without_asking(workers: Workers) -> None:
    worker = workers.start()
    await keep_busy(worker)
    first = await worker.hit(Principal(CLIENT))
    assert first.stats.remaining == LIMIT - 1
    assert await workers.count() == RESERVED
    with round_trips(workers.database.name) as trips:
        others = [await worker.hit(Principal(CLIENT)) for _ in range(RESERVED - 1)]
    assert [permit.stats.remaining for permit in others] == [LIMIT - 1 - n for n in range(1, RESERVED)]
    assert not [name for name in trips.names if name.startswith("findAndModify")]
    assert (await worker.hit(Principal(CLIENT))).stats.remaining == LIMIT - 1 - RESERVED


async def test_a_worker_that_has_less_to_do_gives_back_what_it_holds(workers: Workers) -> None:
    worker = workers.start()
    await keep_busy(worker)
    assert await admitted(worker, 1) == 1
    assert await workers.count() > 1

    async def all_is_back() -> bool:
        return await workers.count() == 1

    await eventually(all_is_back, within=10)
    assert (await workers.row())["held"] == {}
    assert (await workers.start().hit(Principal(CLIENT))).stats.remaining == LIMIT - 2


async def test_a_worker_that_ends_gives_back_what_it_holds(workers: Workers) -> None:
    worker = workers.start()
    await keep_busy(worker)
    assert await admitted(worker, 2) == 2
    await worker.close()
    assert await workers.count() == 2
    rows = workers.database.rate_limits.find({"_id": {"$ne": CLIENT}})
    assert {row["count"] async for row in rows} == {1}


async def test_what_one_worker_holds_another_admits_before_it_refuses(workers: Workers) -> None:
    holder, other = workers.start(), workers.start()
    await keep_busy(holder)
    assert await admitted(holder, 1) == 1
    assert await admitted(other, LIMIT) == LIMIT - 1
    assert await admitted(other, 10) == 0
    assert await admitted(holder, 10) == 0


@pytest.mark.parametrize("others", [0, 5])
async def test_a_worker_reserves_nothing_of_a_client_that_another_has_met(workers: Workers, others: int) -> None:
    first, second = workers.start(), workers.start()
    assert await admitted(first, LIMIT - 5) == LIMIT - 5
    await keep_busy(second)
    hits = [second.hit(Principal(address)) for address in (CLIENT, *(unique("other") for _ in range(others)))]
    await asyncio.gather(*hits)
    assert await workers.count() == LIMIT - 4


async def test_what_a_dead_worker_holds_counts_as_used(workers: Workers) -> None:
    dead, worker = workers.rows(), workers.start()
    held = 5
    await dead.add({CLIENT: Asked(1, held, new=False)})
    began = asyncio.get_running_loop().time()
    assert await admitted(worker, LIMIT) == LIMIT - 1 - held
    assert asyncio.get_running_loop().time() - began >= RECLAIM_SECONDS
    # From now on nobody waits for it.
    began = asyncio.get_running_loop().time()
    assert await admitted(workers.start(), 1) == 0
    assert asyncio.get_running_loop().time() - began < RECLAIM_SECONDS


async def test_a_process_of_the_last_release_counts_beside_it(workers: Workers) -> None:
    worker = workers.start()
    await keep_busy(worker)
    last_release = [await count_as_the_last_release_does(workers.database) for _ in range(10)]
    assert last_release == list(range(1, 11))
    assert (await worker.hit(Principal(CLIENT))).stats.remaining == LIMIT - 11
    numbers = [await count_as_the_last_release_does(workers.database) for _ in range(LIMIT)]
    assert await admitted(worker, LIMIT) + 11 + sum(number <= LIMIT for number in numbers) <= LIMIT
    # A window that the last release begins says nothing of who holds what.
    await workers.database.rate_limits.update_one({"_id": CLIENT}, [{"$set": {"expiresAt": "$$NOW"}}])
    assert await count_as_the_last_release_does(workers.database) == 1
    assert (await workers.row())["held"]
    began = asyncio.get_running_loop().time()
    assert await admitted(workers.start(), LIMIT) == LIMIT - 1
    assert asyncio.get_running_loop().time() - began < RECLAIM_SECONDS


async def test_new_clients_that_come_to_two_workers_at_once_are_counted_once_each(workers: Workers) -> None:
    both = [workers.start(), workers.start()]
    for worker in both:
        await keep_busy(worker)
    clients = [f"203.0.113.{n}" for n in range(60)]
    counted = await asyncio.gather(
        *(admitted(worker, 7, client) for client in clients for worker in both for _ in range(2))
    )
    assert set(counted) == {7}
    for worker in both:
        await worker.close()
    assert {await workers.count(client) for client in clients} == {28}


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_workers_do_at_once_the_limit_is_reached_and_never_passed(workers: Workers, seed: int) -> None:
    chance = random.Random(seed)
    limit = chance.choice([30, 100, 400])
    started = [workers.start(f"{limit}/15minutes") for _ in range(3)]
    total = 0

    async def visit(worker: RateLimiter) -> None:
        nonlocal total
        for _ in range(chance.randint(1, limit // 4)):
            await asyncio.sleep(chance.choice([0, 0, 0.002]))
            number = await admitted(worker, chance.randint(1, 3))
            total += number
            if chance.random() < 0.1:
                await keep_busy(worker)

    for worker in started:
        await keep_busy(worker)
    await asyncio.gather(*(visit(worker) for worker in started))
    assert total + await admitted(chance.choice(started), limit) == limit
    assert [await admitted(worker, 1) for worker in started] == [0, 0, 0]


async def count_as_the_last_release_does(database: Database) -> int:
    """One hit of the client, counted by a process of release 1.0."""
    running = {"$gt": ["$expiresAt", "$$NOW"]}
    count = {"$add": [{"$cond": [running, "$count", 0]}, 1]}
    addition = {
        "count": count,
        "last": {"$mergeObjects": [{"$cond": [running, "$last", {}]}, {"former": count}]},
        "expiresAt": {"$cond": [running, "$expiresAt", {"$add": ["$$NOW", 900_000]}]},
    }
    await database.rate_limits.update_one({"_id": CLIENT}, [{"$set": addition}], upsert=True)
    row = await database.rate_limits.find_one({"_id": CLIENT})
    assert row is not None
    return int(row["last"]["former"])
