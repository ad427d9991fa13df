"""When a transaction runs again, when it does not, and what it does under an idempotency lock."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, NetworkTimeout, OperationFailure, PyMongoError

from models.errors import NotFound, ServiceUnavailable
from services.kit import transactions
from services.kit.database import Database, Session
from services.kit.idempotency.locks import IdempotencyLock, LockLost, batch_under_locks, under_lock
from services.kit.instruments.metrics import WorkMetrics


def labelled(label: str) -> PyMongoError:
    return OperationFailure("passing", 112, {"errorLabels": [label]})


class FakeDatabase:
    """A database with one session, which notes what is done; `commits` are the faults of its commits, in order."""

    def __init__(self, *commits: PyMongoError, lost: Sequence[str] = ()) -> None:
        self.client = None
        self.metrics = WorkMetrics(CollectorRegistry())
        self.idempotency_keys = self
        self.in_transaction = False
        self.done: list[str] = []
        self.stored: list[UpdateOne] = []
        self.matched_count = 0
        self._commits = deque(commits)
        self._lost = lost

    @asynccontextmanager
    async def session(self) -> AsyncIterator["FakeDatabase"]:
        yield self

    async def begin(self, *_: object) -> None:
        self.in_transaction = True

    async def commit_transaction(self) -> None:
        self.done.append("commit")
        if self._commits:
            raise self._commits.popleft()
        self.in_transaction = False

    async def abort_transaction(self) -> None:
        self.done.append("abort")
        self.in_transaction = False

    async def bulk_write(self, updates: list[UpdateOne], **_: object) -> "FakeDatabase":
        self.stored = updates
        self.matched_count = len(updates) - len(self._lost)
        return self

    def find(self, query: dict[str, Any], *_: object, **__: object) -> "FakeDatabase":
        self._found = [{"_id": guard["_id"]} for guard in query["$or"] if guard["_id"] not in self._lost]
        return self

    async def to_list(self, _: None) -> list[dict[str, str]]:
        return self._found

    async def run(self, *faults: Exception, result: Any = "result") -> Any:
        """Runs a transaction whose work raises these, one a run, before it returns its result."""
        left = deque(faults)

        async def work(_: Session) -> Any:
            self.done.append("work")
            if left:
                raise left.popleft()
            return result

        return await transactions.run(cast("Database", self), work)


DUPLICATE_IN_BULK = BulkWriteError({"writeErrors": [{"code": 11000}]})


@pytest.mark.parametrize(
    "fault", [labelled("TransientTransactionError"), DuplicateKeyError("twice", 11000), DUPLICATE_IN_BULK]
)
async def test_what_may_pass_is_run_again(fault: PyMongoError) -> None:
    database = FakeDatabase()
    assert await database.run(fault, fault) == "result"
    assert database.done == ["work", "abort", "work", "abort", "work", "commit"]


@pytest.mark.parametrize("fault", [OperationFailure("no", 13), NetworkTimeout("gone"), NotFound("no"), KeyError("x")])
async def test_anything_else_aborts_and_is_raised(fault: Exception) -> None:
    database = FakeDatabase()
    with pytest.raises(type(fault)):
        await database.run(fault)
    assert database.done == ["work", "abort"]


async def test_a_duplicate_that_stays_is_raised_in_the_end() -> None:
    database = FakeDatabase()
    with pytest.raises(DuplicateKeyError):
        await database.run(*[DuplicateKeyError("twice", 11000)] * 50)
    assert database.done.count("work") == 21


async def test_patience_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "_DEADLINE", 0.02)
    with pytest.raises(ServiceUnavailable):
        await FakeDatabase().run(*[labelled("TransientTransactionError")] * 1_000)


async def test_a_commit_of_unknown_result_is_asked_for_again_and_not_run_again() -> None:
    database = FakeDatabase(labelled("UnknownTransactionCommitResult"))
    assert await database.run() == "result"
    assert database.done == ["work", "commit", "commit"]


async def test_a_commit_that_conflicts_is_run_again() -> None:
    database = FakeDatabase(labelled("TransientTransactionError"))
    assert await database.run() == "result"
    assert database.done == ["work", "commit", "abort", "work", "commit"]


async def test_a_result_is_stored_under_the_lock_and_taken_from_it() -> None:
    database, lock = FakeDatabase(), IdempotencyLock("row", "token")
    with under_lock(lock):
        assert await database.run() == "result"
    assert database.stored == [UpdateOne(lock.guard, {"$push": {"outcomes": "result"}})]
    with under_lock(IdempotencyLock("row", "later", deque(["first", "second"]))):
        assert [await database.run(), await database.run(), await database.run()] == ["first", "second", "result"]
    assert database.done == ["work", "commit"] * 2


async def test_a_lost_lock_is_named_and_nothing_is_committed() -> None:
    database = FakeDatabase(lost=["b"])
    locks = [IdempotencyLock("a", "1"), IdempotencyLock("b", "2"), None, IdempotencyLock("d", "4")]
    with batch_under_locks(locks), pytest.raises(LockLost) as raised:
        await database.run(result=[1, 2, 3, NotFound("refused")])
    assert [lock.row_id for lock in raised.value.locks] == ["b"]
    assert len(database.stored) == 2
    assert database.done == ["work", "abort"]
