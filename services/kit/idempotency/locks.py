"""How a transaction knows under which idempotency key it runs, and what that key has already brought about.

A request with a key holds an `IdempotencyLock` while it runs. Every transaction of the request stores its result in
the key's row, within the transaction itself, so that the effect and the knowledge of it are one. When a process dies
between the effect and its response, the next request with the key takes the stored results in place of running again.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from models.errors import ServiceUnavailable


@dataclass(slots=True, eq=False)
class IdempotencyLock:
    """A locked key. `stored_results` are those of an earlier run, the oldest first, still to be taken.

    Writes check the `fencing_token`, so that a request whose lock has gone to a later one commits nothing. A request
    that replays a finished one has none (it is empty): it takes what is stored and commits nothing either.
    """

    row_id: str
    fencing_token: str
    stored_results: deque[Any] = field(default_factory=deque)

    @property
    def guard(self) -> dict[str, object]:
        """The query for the key's row while this lock holds."""
        return {"_id": self.row_id, "holder": self.fencing_token}


class LockLost(ServiceUnavailable):
    """503: later requests have these locks now; nothing was done for them."""

    def __init__(self, locks: Sequence[IdempotencyLock]) -> None:
        self.locks = locks
        super().__init__()


_lock: ContextVar[IdempotencyLock | None] = ContextVar("lock", default=None)
_batch: ContextVar[Sequence[IdempotencyLock | None] | None] = ContextVar("batch", default=None)


@contextmanager
def under_lock(lock: IdempotencyLock) -> Iterator[None]:
    """Everything within runs under this lock."""
    token = _lock.set(lock)
    try:
        yield
    finally:
        _lock.reset(token)


@contextmanager
def batch_under_locks(locks: Sequence[IdempotencyLock | None]) -> Iterator[None]:
    """The transaction within carries out one command under each of these, in their order."""
    token = _batch.set(locks)
    try:
        yield
    finally:
        _batch.reset(token)


def current_lock() -> IdempotencyLock | None:
    """The lock that the current request runs under."""
    return _lock.get()


def results_to_store(result: Any) -> list[tuple[IdempotencyLock, object]]:
    """Each lock that the current transaction runs under, with its result; what is refused has none."""
    batch = _batch.get()
    if batch is None:
        lock = _lock.get()
        return [] if lock is None else [(lock, result)]
    pairs = zip(batch, result, strict=True)
    return [(lock, one) for lock, one in pairs if lock is not None and not isinstance(one, Exception)]


def runs_in_batch() -> bool:
    return _batch.get() is not None
