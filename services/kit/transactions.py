"""Transactions with a bounded, jittered retry, which ends those that a killed process left in the way."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from pymongo import UpdateOne, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern

from models.errors import DomainError, InternalServerError, ServiceUnavailable
from services.kit.idempotency.locks import LockLost, current_lock, results_to_store, runs_in_batch
from services.kit.idempotency.results import to_stored
from services.kit.orphans import end_orphaned_transactions

if TYPE_CHECKING:
    from services.kit.database import Client, Collection, Database, Session

Result = TypeVar("Result")

PATIENCE_SECONDS = 0.25
"""After how long, and how often then, one that is in conflict looks whether the other has lost its process."""

_SNAPSHOT = ReadConcern("snapshot")
_MAJORITY = WriteConcern("majority", wtimeout=10_000)
_DEADLINE = 15.0
_COLLISIONS = 20
_DUPLICATE_KEY = 11000


async def run(database: "Database", work: "Callable[[Session], Awaitable[Result]]") -> Result:
    """Runs `work` in one majority-committed snapshot transaction and returns what it returns.

    `work` runs again, on a fresh snapshot, after a write conflict, a passing fault or a duplicate key (it then sees the
    other's row and decides anew), so it must have no effect outside the session. What it raises aborts.
    Raises `ServiceUnavailable` when no try succeeds in time.

    Under an idempotency lock the result is stored in the same transaction, and where it is stored already it is
    returned without running `work`.
    """
    lock = current_lock()
    if lock is not None and lock.stored_results and not runs_in_batch():
        stored: Result = lock.stored_results.popleft()
        return stored
    retry = _Retry(database.client)
    async with database.session() as session:
        while True:
            try:
                return await _try(database, session, work, retry.deadline)
            except PyMongoError as fault:
                await retry.wait(fault)
                database.metrics.transaction_retries.inc()


async def _try(
    database: "Database", session: "Session", work: "Callable[[Session], Awaitable[Result]]", deadline: float
) -> Result:
    await database.begin(session, _SNAPSHOT, _MAJORITY)
    try:
        result = await work(session)
        await _store(database.idempotency_keys, session, result)
        await _commit(session, deadline)
    except BaseException:
        await _abort(session)
        raise
    return result


async def _store(keys: "Collection", session: "Session", result: object) -> None:
    """Stores the result in the rows of its idempotency locks; raises `LockLost` with those that are lost."""
    results = results_to_store(result)
    if not results:
        return
    updates = [UpdateOne(lock.guard, {"$push": {"outcomes": to_stored(one)}}) for lock, one in results]
    written = await keys.bulk_write(updates, session=session, ordered=False)
    if written.matched_count < len(updates):
        guards = [lock.guard for lock, _ in results]
        rows = await keys.find({"$or": guards}, {"_id": 1}, session=session).to_list(None)
        held = {row["_id"] for row in rows}
        raise LockLost([lock for lock, _ in results if lock.row_id not in held])


class _Retry:
    """The patience of one transaction: how often and how long it tries."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._clock = asyncio.get_running_loop().time
        self.deadline = self._clock() + _DEADLINE
        self._patience = self._clock() + PATIENCE_SECONDS
        self._tries = 0
        self._collisions = 0

    async def wait(self, fault: PyMongoError) -> None:
        """Returns when it is time for another try. Raises the fault where none would help, or `ServiceUnavailable`."""
        self._tries += 1
        self._collisions += _is_duplicate(fault)
        if not fault.has_error_label("TransientTransactionError") and not 0 < self._collisions <= _COLLISIONS:
            raise fault
        if self._clock() > self.deadline:
            raise ServiceUnavailable() from fault
        if self._clock() > self._patience:
            # Hardly any of ours holds a lock this long: its holder may have been killed.
            self._patience = self._clock() + PATIENCE_SECONDS
            await end_orphaned_transactions(self._client)
        # A loser returns at once a few times: its first round trip shows whether the other is done.
        longest = 0.0015 if self._tries < 20 else 0.05
        await asyncio.sleep(random.uniform(longest / 5, longest))


async def _abort(session: "Session") -> None:
    if session.in_transaction:
        try:
            await session.abort_transaction()
        except PyMongoError:
            pass  # The server ends it by itself; the fault that led here is the one to report.


async def _commit(session: "Session", deadline: float) -> None:
    """Commits; an unknown result is asked for again, never run again, so that nothing happens twice."""
    while True:
        try:
            await session.commit_transaction()
            return
        except PyMongoError as fault:
            unknown = fault.has_error_label("UnknownTransactionCommitResult")
            if not unknown or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.05)


def _is_duplicate(fault: PyMongoError) -> bool:
    """Whether a write failed on a unique index; the error of a bulk write wraps that."""
    if isinstance(fault, DuplicateKeyError):
        return True
    details = getattr(fault, "details", None) or {}
    return any(error.get("code") == _DUPLICATE_KEY for error in details.get("writeErrors", ()))


def doubled(fault: BulkWriteError) -> set[int]:
    """Which writes of an unordered bulk failed on a unique index. Raises the fault where any failed otherwise."""
    errors = fault.details["writeErrors"]
    if any(error["code"] != _DUPLICATE_KEY for error in errors):
        raise fault
    return {error["index"] for error in errors}


def as_domain_error(fault: Exception) -> DomainError:
    """What a caller gets for an exception: a refusal as it is, a database away as 503, the unexpected as 500."""
    if isinstance(fault, DomainError):
        return fault
    if isinstance(fault, ConnectionFailure | WTimeoutError | ExecutionTimeout | TimeoutError):
        return ServiceUnavailable()
    if isinstance(fault, PyMongoError) and (
        fault.has_error_label("TransientTransactionError") or fault.has_error_label("UnknownTransactionCommitResult")
    ):
        return ServiceUnavailable()
    return InternalServerError()
