"""`docs/api`: every example answers as it says, page by page from top to bottom, over the data that the pages assume."""

from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.docs.data import SAMPLE
from tests.support.api import running_api, settings_for
from tests.support.examples import Reader, read_examples

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "api").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_every_example_of_a_page_answers_as_documented(page: Path, database_uri: str) -> None:
    with MongoClient[dict[str, Any]](database_uri) as client:
        for collection, documents in SAMPLE.items():
            client.get_default_database()[collection].insert_many(documents)
    async with running_api(settings_for(database_uri)) as api:
        reader, examples = Reader(api.http), list(read_examples(page))
        assert examples
        for example in examples:
            answer = await reader.run(example)
            place = f"docs/api/{page.name}:{example.line}: {example.request}\nanswered {answer.status_code} {answer.text}"
            assert answer.status_code == example.status, place
            assert reader.alike(answer.json(), example.answer), place
