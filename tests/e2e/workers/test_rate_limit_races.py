"""The rate limit over real worker processes that reserve hits ahead: exact in a race, never passed after a kill -9."""

import asyncio
from collections import Counter

import httpx
from pymongo import MongoClient

from tests.support.workers import Worker, workers

LIMIT = 1_000
LANES = 16
"""How many requests of the client a worker has at once."""
PART_HELD = 16
"""A worker holds at most one in so many of the hits that a client has left."""


class Flood:
    """One client that asks workers until they refuse it."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.some = asyncio.Event()
        """Once a quarter of the limit is used."""

    async def of(self, worker: Worker) -> None:
        await asyncio.gather(*(self._lane(worker) for _ in range(LANES)))

    async def _lane(self, worker: Worker) -> None:
        status = 404
        while status == 404:
            try:
                status = (await worker.http.get("/api/coupon", params={"twitterId": "nobody"})).status_code
            except httpx.TransportError:
                return  # It was killed.
            self.statuses[status] += 1
            if self.statuses[404] >= LIMIT // 4:
                self.some.set()


def reserved(database_uri: str) -> bool:
    """Whether any worker has told that it holds hits of a client."""
    with MongoClient[dict[str, object]](database_uri) as client:
        return client.get_default_database()["attempts"].count_documents({"held": {"$gt": {}}}) > 0


async def test_four_workers_admit_just_as_many_as_the_limit_is(database_uri: str) -> None:
    flood = Flood()
    async with workers(database_uri, 4, RATE_LIMIT=f"{LIMIT}/15minutes") as four:
        floods = [asyncio.create_task(flood.of(worker)) for worker in four]
        await flood.some.wait()
        assert reserved(database_uri)
        await asyncio.gather(*floods)
        assert flood.statuses == {404: LIMIT, 429: 4 * LANES}


async def test_a_worker_that_is_killed_takes_hits_with_it_and_adds_none(database_uri: str) -> None:
    flood = Flood()
    async with workers(database_uri, 4, RATE_LIMIT=f"{LIMIT}/15minutes") as (victim, *others):
        floods = [asyncio.create_task(flood.of(worker)) for worker in (victim, *others)]
        await flood.some.wait()
        victim.kill()
        await asyncio.gather(*floods)
        assert flood.statuses[429] >= 3 * LANES
        await victim.start()
        await flood.of(victim)
    assert LIMIT - LIMIT // PART_HELD - LANES <= flood.statuses[404] <= LIMIT
