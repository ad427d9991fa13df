"""The one file that names the driver: the client, its types, the collections, the few calls in which drivers differ.

Motor is the driver; `MONGO_DRIVER=pymongo` runs PyMongo's own asyncio client in its place. Both take the same calls
but for those that are written out here, so PyMongo's classes serve as the types of both, and to leave Motor is to take
its entry from `_CLIENTS`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC
from inspect import isawaitable
from typing import Any, TypeAlias, TypeVar, cast

from motor.motor_asyncio import AsyncIOMotorClient
from prometheus_client import CollectorRegistry
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern

from services.kit import transactions
from services.kit.instruments.metrics import WorkMetrics
from services.kit.instruments.mongo import CommandMetrics, CommandSpans, PoolMetrics
from services.kit.orphans import APPLICATION
from services.mongo_uri import MongoDriver

Document: TypeAlias = dict[str, Any]
"""A document as the driver takes and gives it; of what types its values are is for the reader to know."""
Client: TypeAlias = AsyncMongoClient[Document]
Collection: TypeAlias = AsyncCollection[Document]
Session: TypeAlias = AsyncClientSession
ChangeStream: TypeAlias = AsyncChangeStream[Document]
Result = TypeVar("Result")

_CLIENTS: dict[MongoDriver, Any] = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}


class Database:
    """The client and the collections, and what is counted of the work on them.

    `close` when done; opening makes no connection yet.
    """

    def __init__(
        self,
        uri: str,
        name: str,
        driver: MongoDriver = "motor",
        metrics: WorkMetrics | None = None,
        *,
        traced: bool = False,
    ) -> None:
        self.metrics = metrics or WorkMetrics(CollectorRegistry())
        # What each round trip takes is measured where somebody may look, because that alone costs something.
        listeners = () if metrics is None else (CommandMetrics(metrics), PoolMetrics(metrics))
        self.client = _open(driver, uri, [*listeners, *([CommandSpans()] if traced else [])])
        self.uri = uri
        self.name = name
        self._database = self.client[name]
        # Named as mongoose named them for the original services, whose data are taken over in place.
        self.coupons = self.collection("coupons")
        self.redemptions = self.collection("redemptions")
        self.access_codes = self.collection("accesscodes")
        self.access_code_uses = self.collection("accesscodeuses")
        self.access_code_batches = self.collection("accesscodebatches")
        self.orders = self.collection("orders")
        self.refunds = self.collection("refunds")
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
        self.activity = self.collection("activity")
        self.idempotency_keys = self.collection("idempotencykeys")
        # A lost count harms nobody: no need to wait for a majority.
        self.rate_limits = self.collection("attempts").with_options(write_concern=WriteConcern(1))

    def collection(self, name: str) -> Collection:
        return self._database[name]

    @property
    def joins(self) -> bool:
        """Whether a transaction may join collections; where a `mongos` may have spread them it reads each by itself."""
        return bool(self.client.topology_description.topology_type_name != "Sharded")

    async def ping(self) -> None:
        """Raises unless a primary answers."""
        await self._database.command("ping", read_preference=ReadPreference.PRIMARY)

    def servers(self) -> Iterator[tuple[str, str, int]]:
        """Address, kind and protocol's version of each server, as the driver knows them now: asks nobody."""
        for (host, port), known in self.client.topology_description.server_descriptions().items():
            yield f"{host}:{port}", known.server_type_name, known.max_wire_version

    async def close(self) -> None:
        await _opened(self.client.close())

    @asynccontextmanager
    async def session(self, *, snapshot: bool = False) -> AsyncIterator[Session]:
        """A session for one task at a time."""
        session: Session = await _opened(self.client.start_session(snapshot=snapshot))
        async with session:
            yield session

    def snapshot(self) -> AbstractAsyncContextManager[Session]:
        """A session whose reads all see the same instant, everything acknowledged before it included."""
        return self.session(snapshot=True)

    async def begin(self, session: Session, read: ReadConcern, write: WriteConcern) -> None:
        """Starts a transaction of a session, on the primary."""
        await _opened(session.start_transaction(read, write, ReadPreference.PRIMARY))

    async def transaction(self, work: Callable[[Session], Awaitable[Result]]) -> Result:
        """Runs `work` in one transaction and returns what it returns: see `transactions.run`."""
        return await transactions.run(self, work)


def _open(driver: MongoDriver, uri: str, listeners: Sequence[CommandMetrics | PoolMetrics | CommandSpans]) -> Client:
    client = _CLIENTS[driver](
        uri,
        appname=APPLICATION,
        tz_aware=True,
        tzinfo=UTC,
        w="majority",
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=5_000,
        socketTimeoutMS=30_000,
        event_listeners=listeners,
    )
    return cast("Client", client)


async def aggregate(
    collection: Collection, steps: Sequence[Mapping[str, object]], *, session: Session | None = None, **options: Any
) -> AsyncIterator[Document]:
    """The rows of an aggregation."""
    async for row in await _opened(collection.aggregate(steps, session=session, **options)):
        yield row


def joined(rows: Collection, by: str, pipeline: Sequence[Document], name: str) -> Document:
    """The step of an aggregation that gives each document, under `name`, what a pipeline makes of its rows.

    Its rows are those whose field `by` is its id.
    """
    where = {"from": rows.name, "localField": "_id", "foreignField": by}
    return {"$lookup": {**where, "pipeline": pipeline, "as": name}}


@asynccontextmanager
async def watch(
    collection: Collection, steps: Sequence[Mapping[str, object]], **options: Any
) -> AsyncIterator[ChangeStream]:
    """A change stream, open on entry."""
    stream: ChangeStream = await _opened(collection.watch(steps, **options))
    async with stream:
        yield stream


async def _opened(made: object) -> Any:
    """What a driver made: one has it awaited where the other returns it at once."""
    return await made if isawaitable(made) else made
