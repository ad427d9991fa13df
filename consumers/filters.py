"""Which dead letters a command is about."""

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
