"""Rows of activity as they stand in MongoDB."""

from typing import Any

from services.registry import Services
from tests.support.eventually import eventually


async def rows_of(services: Services, **query: Any) -> list[dict[str, Any]]:
    """The rows of a query, the oldest first."""
    return await services.database.activity.find(query).sort([("at", 1), ("_id", 1)]).to_list(None)


async def refusals_of(services: Services, number: int = 1, *, within: float = 10, **query: Any) -> list[dict[str, Any]]:
    """The same of refusals, once so many are written."""
    wanted = {"outcome": "REFUSED", **query}

    async def written() -> bool:
        return len(await rows_of(services, **wanted)) >= number

    await eventually(written, within=within)
    return await rows_of(services, **wanted)
