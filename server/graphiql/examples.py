"""The saved example operations: one `.graphql` file each, whose first line is a comment with its title.

Each folder of `examples/` is a group; folders and files are ordered by the number their names begin with.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "examples"
START = FOLDER / "start.graphql"
"""The operation that the first tab opens with."""


@dataclass(frozen=True, slots=True)
class Example:
    """One operation to open in a tab: its group and title in the menu, and its text."""

    group: str
    title: str
    text: str


@cache
def examples() -> tuple[Example, ...]:
    """Every example, in the order of the menu."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*/*.graphql")))


def _read(path: Path) -> Example:
    text = path.read_text("utf-8")
    group = path.parent.name.partition("-")[2].replace("-", " ").capitalize()
    return Example(group, text.partition("\n")[0].removeprefix("#").strip(), text)


def example_texts() -> Iterator[str]:
    """The text of every example, and of the operation that the first tab opens with."""
    yield START.read_text("utf-8")
    yield from (example.text for example in examples())


def menu() -> dict[str, Any]:
    """What the page needs of them, ready for JSON."""
    return {"start": START.read_text("utf-8"), "examples": [asdict(example) for example in examples()]}
