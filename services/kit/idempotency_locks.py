"""How a transaction knows under which idempotency key it runs, and what that key has already brought about.

A request with a key holds a `Receipt` while it runs. Every transaction of the request writes its outcome into the key's
row, within the transaction itself, so that the effect and the knowledge of it are one. When a process dies between the
effect and its answer, the next request with the key is given the recorded outcomes in place of running them again.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from models.errors import ServiceUnavailable


@dataclass(slots=True, eq=False)
class Receipt:
    """A key that is held. `recorded` are the outcomes of an earlier run, the oldest first, still to be taken.

    A request whose key is not held, because it was answered before, has the empty `holder`: it can take what is
    recorded and commit nothing.
    """

    row_id: str
    holder: str
    recorded: deque[Any] = field(default_factory=deque)


class Superseded(ServiceUnavailable):
    """503: these keys were taken over meanwhile by another request; nothing was done for them."""

    def __init__(self, receipts: Sequence[Receipt]) -> None:
        self.receipts = receipts
        super().__init__()


_held: ContextVar[Receipt | None] = ContextVar("held", default=None)
_batch: ContextVar[Sequence[Receipt | None] | None] = ContextVar("batch", default=None)


@contextmanager
def holding(receipt: Receipt) -> Iterator[None]:
    """Everything within runs under this key."""
    token = _held.set(receipt)
    try:
        yield
    finally:
        _held.reset(token)


@contextmanager
def batch_of(receipts: Sequence[Receipt | None]) -> Iterator[None]:
    """The transaction within carries out one command for each of these, in their order."""
    token = _batch.set(receipts)
    try:
        yield
    finally:
        _batch.reset(token)


def held_receipt() -> Receipt | None:
    """The key that the current request runs under."""
    return _held.get()


def receipts_of(answer: Any) -> list[tuple[Receipt, Any]]:
    """Each key that the current transaction runs under, with the outcome to record; what is refused has none."""
    batch = _batch.get()
    if batch is None:
        receipt = _held.get()
        return [] if receipt is None else [(receipt, answer)]
    answers = zip(batch, answer, strict=True)
    return [(receipt, one) for receipt, one in answers if receipt is not None and not isinstance(one, Exception)]


def runs_in_batch() -> bool:
    return _batch.get() is not None
