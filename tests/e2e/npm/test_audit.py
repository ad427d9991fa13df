"""GraphQL over HTTP, judged by the specification's own audit (npm `graphql-http`)."""

import asyncio
import json
from typing import Any

from tests.integration.graphql.conftest import served
from tests.support.api import ADMIN_KEY
from tests.support.npm import NPM, require_npm
from tests.support.sample import sample_app, sample_settings


async def audit(*arguments: str) -> list[dict[str, Any]]:
    require_npm("graphql-http")
    process = await asyncio.create_subprocess_exec(
        "node", "audit.mjs", *arguments, cwd=NPM, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, complaint = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, complaint.decode()
    return [json.loads(line) for line in output.splitlines()]


async def test_all_sixty_one_checks_pass_where_the_tools_are_open() -> None:
    async with served(sample_app(sample_settings(open_tools=True))) as address:
        results = await audit(f"http://{address}/graphql")
    assert [one for one in results if one["status"] != "ok"] == []
    assert len(results) == 61


async def test_all_sixty_one_checks_pass_for_an_admin_where_they_are_not() -> None:
    async with served(sample_app(sample_settings())) as address:
        results = await audit(f"http://{address}/graphql", ADMIN_KEY)
    assert [one for one in results if one["status"] != "ok"] == []
    assert len(results) == 61
