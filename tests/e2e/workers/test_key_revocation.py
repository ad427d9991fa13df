"""A key over several processes: good on each as soon as it is made, refused on each within a second of its end."""

import asyncio
import time

from models.principal import Role
from tests.integration.admin_keys.support import VIEWER, end, new_key, shown
from tests.support.api import ADMIN, Api
from tests.support.workers import Worker, workers


async def test_a_key_begins_and_ends_on_all_workers(own_api: Api) -> None:
    async with workers(own_api.settings.mongo_uri, 2) as both:
        for _ in range(5):
            key, key_id = await new_key(own_api.services, Role.SUPPORT)
            for worker in both:
                assert await role_on(worker, shown(key)) == "SUPPORT"
            await end(own_api.services, key_id)
            ended = time.monotonic()
            took = await asyncio.gather(*(until_refused(worker, shown(key), since=ended) for worker in both))
            assert max(took) < 1
        assert [await role_on(worker, ADMIN) for worker in both] == ["ADMIN", "ADMIN"]


async def role_on(worker: Worker, headers: dict[str, str]) -> str | None:
    answer = await worker.http.post("/graphql", json={"query": VIEWER}, headers=headers)
    viewer = answer.json()["data"]["viewer"]
    return None if viewer is None else str(viewer["role"])


async def until_refused(worker: Worker, headers: dict[str, str], *, since: float) -> float:
    """How long after that a worker began to refuse, asked without a pause."""
    while True:
        asked = time.monotonic()
        if await role_on(worker, headers) is None:
            return asked - since
