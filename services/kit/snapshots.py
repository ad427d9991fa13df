"""Long readings of one moment: what to do where MongoDB keeps moments for a shorter time than they take."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from pymongo.errors import PyMongoError

from models.errors import ServiceUnavailable

if TYPE_CHECKING:
    from services.kit.database import Database, Session

Result = TypeVar("Result")

TRIES = 5
_GONE = (239, 246)
"""SnapshotTooOld, SnapshotUnavailable."""


class SnapshotGone(Exception):
    """The moment that was read is no longer kept; `minSnapshotHistoryWindowInSeconds` of MongoDB says for how long."""


def as_snapshot_fault(fault: PyMongoError) -> Exception:
    """`SnapshotGone` where that is what a fault of the driver says, else the fault itself."""
    return SnapshotGone() if getattr(fault, "code", None) in _GONE else fault


def too_short() -> ServiceUnavailable:
    """What is raised where not even a small piece can be read within the time that a moment is kept."""
    return ServiceUnavailable(
        "MongoDB forgets a moment before so little of it can be read: raise its minSnapshotHistoryWindowInSeconds"
    )


async def read_again(database: "Database", read: "Callable[[Session], Awaitable[Result]]") -> Result:
    """Returns what `read` makes of one moment; of another one where the first is forgotten while it reads.

    Raises `ServiceUnavailable` where that happens again and again.
    """
    for _ in range(TRIES):
        async with database.snapshot() as session:
            try:
                return await read(session)
            except PyMongoError as fault:
                if not isinstance(as_snapshot_fault(fault), SnapshotGone):
                    raise
    raise too_short()
