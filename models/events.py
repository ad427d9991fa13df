"""Events that go out: what happened, under which topic, and under which key their order is kept."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """`value` is plain JSON; `key` is the aggregate's id, whose events stay in order."""

    topic: str
    key: str
    value: Any
