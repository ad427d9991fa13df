"""`docs/api`: every example answers as it says, each page from top to bottom over the data that the pages assume.

None of them makes MongoDB walk through a collection, but for an audit.
"""

from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from bench.walks import walks_within
from tests.e2e.docs.data import SAMPLE
from tests.e2e.docs.serving import served_api
from tests.support.api import settings_for
from tests.support.examples import Reader, read_examples

PAGES = sorted((Path(__file__).parents[3] / "docs" / "api").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_every_example_of_a_page_answers_as_documented(page: Path, database_uri: str) -> None:
    with MongoClient[dict[str, Any]](database_uri) as client:
        for collection, documents in SAMPLE.items():
            client.get_default_database()[collection].insert_many(documents)
    examples = list(read_examples(page))
    assert examples
    async with served_api(settings_for(database_uri)) as http:
        reader = Reader(http)
        with walks_within(database_uri) as walks:
            for example in examples:
                await reader.check(example)
    assert [walk for walk in walks if not counts_everything_anew(walk)] == []


def counts_everything_anew(command: dict[str, Any]) -> bool:
    """Whether this is a part of an audit."""
    return command.get("allowDiskUse", False) or "$group" in command.get("pipeline", [{}])[0]
