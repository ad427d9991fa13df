"""`docs/api.md`: every example answers as it says, from top to bottom, over the data that the page assumes."""

from pathlib import Path
from typing import Any

from pymongo import MongoClient

from tests.docs.data import SAMPLE
from tests.support.api import running_api, settings_for
from tests.support.examples import alike, read_examples, run_example

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


async def test_every_example_of_the_api_answers_as_documented(database_uri: str) -> None:
    with MongoClient[dict[str, Any]](database_uri) as client:
        for collection, documents in SAMPLE.items():
            client.get_default_database()[collection].insert_many(documents)
    async with running_api(settings_for(database_uri)) as api:
        examples = list(read_examples(PAGE))
        assert examples
        for example in examples:
            answer = await run_example(api, example)
            place = f"docs/api.md:{example.line}: {example.request}\nanswered {answer.status_code} {answer.text}"
            assert answer.status_code == example.status, place
            assert alike(answer.json(), example.answer), place
