"""What arrives together goes together: look-ups coalesced into one find, commands committed in one transaction.

Nothing is cached and nothing waits by the clock. While a batch is under way the next one gathers, so that a lone
request is never delayed and a busy server makes fewer round trips the busier it is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.kit.idempotency_locks import IdempotencyLock, LockLost, batch_under_locks, current_lock

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Command = TypeVar("Command")
Answer = TypeVar("Answer")


class Coalescer(Generic[Key, Value]):
    """Look-ups by key. While `flights` finds are in the air keys gather; the next find takes up to `limit` of them.

    One at a time is the quickest: a round trip costs this process more than a key does, so fuller ones win. Where keys
    cannot be found together, several may fly, each key in one of them.
    A key asked for twice is read once only where both wait for the same find, so an answer is never older than its
    question.
    """

    def __init__(
        self, find: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]], *, limit: int = 64, flights: int = 1
    ) -> None:
        self._find = find
        self._limit = limit
        self._free = flights
        self._waiting: dict[Key, list[asyncio.Future[Value | None]]] = {}
        self._in_air: set[Key] = set()
        self._flights: set[asyncio.Task[None]] = set()

    async def load(self, key: Key) -> Value | None:
        """The value, or None where there is none. Raises what the find raises."""
        future: asyncio.Future[Value | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._free and key not in self._in_air:
            self._take_off()
        return await future

    def _take_off(self) -> None:
        self._free -= 1
        flight = asyncio.get_running_loop().create_task(self._fly())
        self._flights.add(flight)
        flight.add_done_callback(self._flights.discard)

    async def _fly(self) -> None:
        try:
            while keys := [key for key in self._waiting if key not in self._in_air][: self._limit]:
                batch = {key: self._waiting.pop(key) for key in keys}
                self._in_air.update(keys)
                try:
                    found = await self._find(keys)
                except Exception as fault:
                    _fail((future for futures in batch.values() for future in futures), fault)
                else:
                    for key, futures in batch.items():
                        for future in futures:
                            _answer(future, found.get(key))
                finally:
                    self._in_air.difference_update(keys)
        finally:
            self._free += 1


@dataclass(frozen=True, slots=True)
class _Submitted(Generic[Command, Answer]):
    command: Command
    future: asyncio.Future[Answer]
    lock: IdempotencyLock | None


class GroupCommit(Generic[Command, Answer]):
    """Commands that are committed in batches, one batch at a time.

    `commit` takes a batch and answers one result or one exception for each command, in order; an exception refuses its
    own command only. When `commit` itself raises, every command of the batch fails with that. A command whose caller
    has gone is still carried out. Commands keep the idempotency locks that they were submitted under; with
    `idempotent=False` they have none, because they change nothing that a key would have to know of.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Command]], Awaitable[Sequence[Answer | Exception]]],
        *,
        limit: int = 256,
        idempotent: bool = True,
    ) -> None:
        self._commit = commit
        self._limit = limit
        self._idempotent = idempotent
        self._waiting: list[_Submitted[Command, Answer]] = []
        self._worker: asyncio.Task[None] | None = None

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        """Carry out one command; the future has its result once it is committed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        lock = current_lock() if self._idempotent else None
        if lock is not None and lock.stored_results:
            future.set_result(lock.stored_results.popleft())
            return future
        self._waiting.append(_Submitted(command, future, lock))
        if self._worker is None:
            # A context of its own: the worker serves many requests, and carries on none of theirs.
            self._worker = loop.create_task(self._drain(), context=Context())
        return future

    async def close(self) -> None:
        """Wait until everything that was submitted is committed."""
        if self._worker is not None:
            await self._worker

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                try:
                    with batch_under_locks([one.lock for one in batch]):
                        answers = await self._commit([one.command for one in batch])
                except LockLost as fault:
                    # Commands whose locks are lost fail; the others had no part in it and are retried.
                    _fail((one.future for one in batch if one.lock in fault.locks), fault)
                    self._waiting[:0] = [one for one in batch if one.lock not in fault.locks]
                    continue
                except Exception as fault:
                    _fail((one.future for one in batch), fault)
                    continue
                for one, answer in zip(batch, answers, strict=True):
                    if isinstance(answer, Exception):
                        _fail((one.future,), answer)
                    else:
                        _answer(one.future, answer)
        finally:
            self._worker = None


def _answer(future: asyncio.Future[Value], value: Value) -> None:
    if not future.done():  # Else its caller has gone, and that is no fault of the batch.
        future.set_result(value)


def _fail(futures: Iterable[asyncio.Future[Value]], fault: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(fault)
