"""The README: its first query and its order answer as it says, on a real MongoDB and a real Kafka."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.docs.serving import served_api
from tests.support.api import settings_for
from tests.support.consumers import EventWorld, event_world
from tests.support.examples import Reader, curl_request, read_examples
from tests.support.processes import environment

README = Path(__file__).parents[3] / "README.md"
BLOCKS = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


async def test_the_first_query_answers_as_it_says(database_uri: str) -> None:
    examples = list(read_examples(README))
    assert len(examples) == 2
    async with served_api(settings_for(database_uri)) as http:
        reader = Reader(http)
        for example in examples:
            await reader.check(example)


@pytest.fixture
async def world(database_uri: str, kafka_uri: str, tmp_path: Path) -> AsyncIterator[EventWorld]:
    async with event_world(kafka_uri, database_uri, tmp_path) as world:
        await world.worker().start()
        yield world


async def test_the_order_arrives_as_it_says(database_uri: str, world: EventWorld) -> None:
    section = README.read_text().split("## An order, as it arrives")[1].split("\n## ")[0]
    watch, emit, shown = BLOCKS.findall(section)
    async with served_api(settings_for(database_uri)) as http:
        reader = Reader(http)
        command = watch.partition("\n")[2].replace("curl -N", "curl")
        asked = curl_request(reader.filled(command))
        headers = {**asked.headers, "accept": "text/event-stream"}
        async with http.stream("POST", "/graphql", content=asked.content, headers=headers) as answer:
            hearing = asyncio.create_task(_next_data(answer))
            await _shell(emit.removeprefix("$ ").replace("emit ", f"emit {world.prefix}"), KAFKA_URI=world.kafka_uri)
            heard = await asyncio.wait_for(hearing, 60)
    documented = re.search(r"^data: (.*)$", shown, re.MULTILINE)
    assert documented
    assert reader.alike(heard, json.loads(documented[1])), heard


async def _next_data(answer: httpx.Response) -> Any:
    """The first event of a stream that bears data."""
    async for line in answer.aiter_lines():
        if line.startswith("data: {"):
            return json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended without an event")


async def _shell(command: str, **variables: str) -> None:
    """Run a command of the README, with this Python's tessera in place of that of `make setup`."""
    here = command.replace(".venv/bin/tessera", f"{sys.executable} -m server")
    process = await asyncio.create_subprocess_exec("bash", "-c", here, env=environment(**variables))
    assert await asyncio.wait_for(process.wait(), 60) == 0
