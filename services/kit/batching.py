"""What arrives together goes together: look-ups coalesced into one find, commands committed in one transaction.

Nothing is cached and nothing waits by the clock. While a batch is under way the next one gathers, so that a lone
request is never delayed and a busy server makes fewer round trips the busier it is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.kit.idempotency.locks import IdempotencyLock, LockLost, batch_under_locks, current_lock
from services.kit.instruments.metrics import Lane
from services.kit.instruments.tracing import SPAN, Span, current, within
from services.kit.instruments.trail import TRAIL, Trail, passed

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Command = TypeVar("Command")
Result = TypeVar("Result")


class Coalescer(Generic[Key, Value]):
    """Look-ups by key. While `concurrency` finds are in flight keys gather; the next find takes up to `limit` of them.

    One at a time is the quickest: a round trip costs this process more than a key does, so fuller ones win. Where keys
    cannot be found together, several may be in flight, each key in one of them.
    A key asked for twice is read once only where both wait for the same find, so a value is never older than the
    request for it.
    """

    def __init__(
        self, find: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]], *, limit: int = 64, concurrency: int = 1
    ) -> None:
        self._find = find
        self._limit = limit
        self._free = concurrency
        self._waiting: dict[Key, list[asyncio.Future[Value | None]]] = {}
        self._asking: dict[Key, Span] = {}
        """Who of those that are traced asked first for a key that waits."""
        self._in_flight: set[Key] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self, key: Key) -> Value | None:
        """The value, or None where there is none. Raises what the find raises."""
        future: asyncio.Future[Value | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if (span := current()) is not None:
            self._asking.setdefault(key, span)
        if self._free and key not in self._in_flight:
            self._start()
        found = await future
        passed("found")
        return found

    def _start(self) -> None:
        self._free -= 1
        task = asyncio.get_running_loop().create_task(self._find_batches())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _find_batches(self) -> None:
        try:
            while keys := [key for key in self._waiting if key not in self._in_flight][: self._limit]:
                batch = {key: self._waiting.pop(key) for key in keys}
                self._in_flight.update(keys)
                asking = [self._asking.pop(key) for key in keys if key in self._asking]
                SPAN.set(asking[0] if asking else None)
                try:
                    found = await self._find(keys)
                except Exception as error:
                    _reject((future for futures in batch.values() for future in futures), error)
                else:
                    for key, futures in batch.items():
                        for future in futures:
                            _resolve(future, found.get(key))
                finally:
                    self._in_flight.difference_update(keys)
        finally:
            self._free += 1


@dataclass(frozen=True, slots=True)
class _Submitted(Generic[Command, Result]):
    command: Command
    future: asyncio.Future[Result]
    lock: IdempotencyLock | None
    at: float
    """When it was submitted, by the clock of the loop."""
    trail: Trail | None
    span: Span | None


class GroupCommit(Generic[Command, Result]):
    """Commands that are committed in batches, one batch at a time.

    `commit` takes a batch and returns one result or one exception for each command, in order; an exception refuses its
    own command only. When `commit` itself raises, every command of the batch fails with that. A command whose caller
    has gone is still carried out. Commands keep the idempotency locks that they were submitted under; with
    `idempotent=False` they have none, because they change nothing that a key would have to know of. `lane` takes the
    measure of each batch.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Command]], Awaitable[Sequence[Result | Exception]]],
        *,
        limit: int = 256,
        idempotent: bool = True,
        lane: Lane | None = None,
    ) -> None:
        self._commit = commit
        self._lane = lane
        self._limit = limit
        self._idempotent = idempotent
        self._waiting: list[_Submitted[Command, Result]] = []
        self._worker: asyncio.Task[None] | None = None

    def submit(self, command: Command) -> asyncio.Future[Result]:
        """Carries out one command; the future has its result once it is committed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        lock = current_lock() if self._idempotent else None
        if lock is not None and lock.stored_results:
            future.set_result(lock.stored_results.popleft())
            return future
        self._waiting.append(_Submitted(command, future, lock, loop.time(), TRAIL.get(), current()))
        if self._worker is None:
            # A context of its own: the worker serves many requests, and carries on none of theirs.
            self._worker = loop.create_task(self._drain(), context=Context())
        return future

    async def close(self) -> None:
        """Waits until everything that was submitted is committed."""
        if self._worker is not None:
            await self._worker

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                try:
                    with self._measured(batch), batch_under_locks([one.lock for one in batch]):
                        results = await self._commit([one.command for one in batch])
                except LockLost as error:
                    # Commands whose locks are lost fail; the others had no part in it and are retried.
                    _reject((one.future for one in batch if one.lock in error.locks), error)
                    self._waiting[:0] = [one for one in batch if one.lock not in error.locks]
                    continue
                except Exception as error:
                    _reject((one.future for one in batch), error)
                    continue
                for one, result in zip(batch, results, strict=True):
                    if isinstance(result, Exception):
                        _reject((one.future,), result)
                    else:
                        _resolve(one.future, result)
        finally:
            self._worker = None

    def _span_of(self, batch: Sequence[_Submitted[Command, Result]]) -> Span | None:
        """A batch is a step of the first of its commands that are traced, with links to the others."""
        spans = [one.span for one in batch if one.span is not None and one.span.live]
        if not spans or self._lane is None:
            return None
        return spans[0].child(f"{self._lane.name} batch", links=spans[1:], tessera__batch__commands=len(batch))

    @contextmanager
    def _measured(self, batch: Sequence[_Submitted[Command, Result]]) -> Iterator[None]:
        clock, trails = asyncio.get_running_loop().time, [one.trail for one in batch if one.trail is not None]
        began = clock()
        for trail in trails:
            trail.passed("waited")
        if self._lane is not None:
            self._lane.begins(len(batch), began - batch[0].at)
        try:
            with within(self._span_of(batch)):
                yield
        finally:
            for trail in trails:
                trail.passed("committed")
            if self._lane is not None:
                self._lane.ended(clock() - began)


def _resolve(future: asyncio.Future[Value], value: Value) -> None:
    if not future.done():  # Else its caller has gone, and that is no fault of the batch.
        future.set_result(value)


def _reject(futures: Iterable[asyncio.Future[Value]], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
