"""Which dead letters a command is about, and what it shows of them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """Which dead letters: all conditions hold. `since` is when they died; `again` takes those put back before too."""

    code: str | None = None
    since: datetime | None = None
    key: str | None = None
    limit: int | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What is shown of a dead letter or a parked record; `failure` says why it was not put back, where it was not."""

    partition: int
    offset: int
    key: str
    code: str
    message: str
    topic: str
    failure: str | None = None
