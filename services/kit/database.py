"""The one file that holds the driver: the client, the collections, and transactions with a bounded, jittered retry.

Motor is used through plain PyMongo calls only, so that a change of driver is a change of this file.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReadPreference, UpdateOne, WriteConcern
from pymongo.errors import ConnectionFailure, DuplicateKeyError, ExecutionTimeout, PyMongoError, WTimeoutError
from pymongo.read_concern import ReadConcern

from models.errors import DomainError, InternalServerError, ServiceUnavailable
from services.kit.idempotency_locks import Superseded, held_receipt, receipts_of, runs_in_batch
from services.kit.orphans import APPLICATION, IDLE_SECONDS, end_orphaned_transactions
from services.kit.stored_results import to_stored

if TYPE_CHECKING:
    from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection

    Collection = AsyncIOMotorCollection[dict[str, Any]]
    Session = AsyncIOMotorClientSession

Document = Mapping[str, Any]
Answer = TypeVar("Answer")

MAJORITY = WriteConcern("majority", wtimeout=10_000)
SNAPSHOT = ReadConcern("snapshot")
_DEADLINE = 15.0
_COLLISIONS = 20


class Database:
    """The client and the collections. `close` when done; opening makes no connection yet."""

    def __init__(self, uri: str, name: str) -> None:
        self.client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
            uri,
            appname=APPLICATION,
            tz_aware=True,
            tzinfo=UTC,
            w="majority",
            serverSelectionTimeoutMS=5_000,
            connectTimeoutMS=5_000,
            socketTimeoutMS=30_000,
        )
        self.name = name
        self._database = self.client[name]
        # The names are those that mongoose gave the original services, so that their data are taken over in place.
        self.coupons = self.collection("coupons")
        self.redemptions = self.collection("redemptions")
        self.access_codes = self.collection("accesscodes")
        self.access_code_uses = self.collection("accesscodeuses")
        self.access_code_batches = self.collection("accesscodebatches")
        self.orders = self.collection("orders")
        self.counters = self.collection("counters")
        self.expiry_counts = self.collection("expirycounts")
        self.outbox = self.collection("outbox")
        self.inbox = self.collection("inbox")
        self.parked = self.collection("parked")
        self.leases = self.collection("leases")
        self.migrations = self.collection("migrations")
        self.usage_followers = self.collection("usagefollowers")
        self.usage_counters = self.collection("usagecounters")
        self.usage_ledger = self.collection("usageledger")
        self.usage_tombstones = self.collection("usagegraves")
        self.set_aside = self.collection("setaside")
        self.idempotency_keys = self.collection("idempotencykeys")
        # A lost count of an attempt harms nobody: no need to wait for a majority.
        self.attempts = self.collection("attempts").with_options(write_concern=WriteConcern(1))

    def collection(self, name: str) -> "Collection":
        return self._database[name]

    async def ping(self) -> None:
        """Raise unless a primary answers."""
        await self._database.command("ping", read_preference=ReadPreference.PRIMARY)

    def close(self) -> None:
        self.client.close()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Session"]:
        """A session whose reads all see the same instant, everything acknowledged before it included."""
        async with await self.client.start_session(snapshot=True) as session:
            yield session

    async def transaction(self, work: Callable[["Session"], Awaitable[Answer]]) -> Answer:
        """Run `work` in one majority-committed snapshot transaction and answer what it answers.

        `work` runs again, on a fresh snapshot, after a write conflict, a passing fault or a duplicate key (it then sees
        the other's row and decides anew), so it must have no effect outside the session. What it raises aborts.
        Raises `ServiceUnavailable` when no attempt succeeds in time.

        Under an idempotency key the answer is recorded in the same transaction, and where it is recorded already it is
        answered without running `work`.
        """
        receipt = held_receipt()
        if receipt is not None and receipt.recorded and not runs_in_batch():
            done: Answer = receipt.recorded.popleft()
            return done
        clock = asyncio.get_running_loop().time
        deadline, attempt, collisions = clock() + _DEADLINE, 0, 0
        patience = clock() + IDLE_SECONDS
        async with await self.client.start_session() as session:
            while True:
                session.start_transaction(SNAPSHOT, MAJORITY, ReadPreference.PRIMARY)
                try:
                    answer = await work(session)
                    await self._record(session, answer)
                    await _commit(session, deadline)
                    return answer
                except PyMongoError as fault:
                    await _abort(session)
                    collisions += isinstance(fault, DuplicateKeyError) or _holds_duplicate(fault)
                    again = fault.has_error_label("TransientTransactionError") or 0 < collisions <= _COLLISIONS
                    if not again:
                        raise
                    if clock() > deadline:
                        raise ServiceUnavailable() from fault
                except BaseException:
                    await _abort(session)
                    raise
                attempt += 1
                if clock() > patience:
                    # Nobody of ours holds a lock this long: its holder may have been killed.
                    patience = clock() + IDLE_SECONDS / 4
                    await end_orphaned_transactions(self.client)
                # A loser returns at once a few times: its first round trip shows whether the other is done.
                longest = 0.0015 if attempt < 20 else 0.05
                await asyncio.sleep(random.uniform(longest / 5, longest))

    async def _record(self, session: "Session", answer: Any) -> None:
        """Write the outcome into the rows of the idempotency keys that hold it; raises `Superseded` for lost ones."""
        recorded = receipts_of(answer)
        if not recorded:
            return
        held = [{"_id": receipt.row_id, "holder": receipt.holder} for receipt, _ in recorded]
        updates = [
            UpdateOne(mine, {"$push": {"outcomes": to_stored(outcome)}})
            for mine, (_, outcome) in zip(held, recorded, strict=True)
        ]
        result = await self.idempotency_keys.bulk_write(updates, session=session, ordered=False)
        if result.matched_count < len(updates):
            rows = self.idempotency_keys.find({"$or": held}, {"_id": 1}, session=session)
            kept = {row["_id"] async for row in rows}
            raise Superseded([receipt for receipt, _ in recorded if receipt.row_id not in kept])


async def _abort(session: "Session") -> None:
    if session.in_transaction:  # type: ignore[truthy-function]  # motor's stub forgets that this is a property
        try:
            await session.abort_transaction()
        except PyMongoError:
            pass  # The server ends it by itself; the fault that led here is the one to report.


async def _commit(session: "Session", deadline: float) -> None:
    """Commit; an unknown result is asked again, never run again, so that nothing happens twice."""
    while True:
        try:
            await session.commit_transaction()
            return
        except PyMongoError as fault:
            unknown = fault.has_error_label("UnknownTransactionCommitResult")
            if not unknown or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.05)


def _holds_duplicate(fault: PyMongoError) -> bool:
    """Whether a bulk write failed on a unique index (its error wraps the duplicate key)."""
    details = getattr(fault, "details", None) or {}
    return any(error.get("code") == 11000 for error in details.get("writeErrors", ()))


def as_domain_error(fault: Exception) -> DomainError:
    """What a caller is told of an exception: a refusal as it is, a database away as 503, the unexpected as 500."""
    if isinstance(fault, DomainError):
        return fault
    if isinstance(fault, ConnectionFailure | WTimeoutError | ExecutionTimeout | TimeoutError):
        return ServiceUnavailable()
    if isinstance(fault, PyMongoError) and (
        fault.has_error_label("TransientTransactionError") or fault.has_error_label("UnknownTransactionCommitResult")
    ):
        return ServiceUnavailable()
    return InternalServerError()
