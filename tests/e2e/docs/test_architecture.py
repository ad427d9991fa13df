"""The walks through the code name files that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
FILE = re.compile(r"`([a-z_]+/[a-z_/]+\.py)`")


def test_every_file_of_the_walks_is_there() -> None:
    named = FILE.findall((ROOT / "docs/architecture.md").read_text())
    assert len(named) > 40
    assert [path for path in named if not (ROOT / path).is_file()] == []
