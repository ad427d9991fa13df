"""Access codes by the thousand: made for GraphQL, generated, imported, exported and switched by their batches.

Everything goes in chunks of one transaction each, in constant memory. What is done is known from what stands in the
database, so each verb may be killed at any moment and run again.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial

from models.access_codes.access_code import AccessCode
from models.access_codes.batches import (
    AccessCodeBatch,
    AccessCodeBatchCounts,
    AccessCodeBatchFilter,
    ActivateAccessCodeBatch,
    BatchSwitch,
    CreateAccessCodes,
    DeactivateAccessCodeBatch,
    GenerateAccessCodes,
    ImportAccessCode,
    Outcome,
    RowOutcome,
    require_batch,
)
from models.activity import Deed, Thing
from models.pagination import Slice, Window
from models.principal import Principal, Role
from services.access_codes.batch_writes import BatchWrites
from services.access_codes.repository import BATCHES, batch_listing
from services.access_codes.totals import AccessCodeCounts
from services.kit.activity.log import ActivityLog
from services.kit.batching import Coalescer
from services.kit.database import Database
from services.kit.messages.outbox import Outbox


class AccessCodeBatches:
    """Every verb is for admins."""

    def __init__(
        self, database: Database, outbox: Outbox, activity: ActivityLog, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._activity = activity
        self._clock = clock
        self._counts = AccessCodeCounts(database)
        self._writes = BatchWrites(database, self._counts, outbox, clock)
        self._listing = batch_listing(database)
        self._by_name: Coalescer[str, AccessCodeBatch] = Coalescer(self._find_by_names)
        self._counts_by_name: Coalescer[str, AccessCodeBatchCounts] = Coalescer(self._count_by_names)

    async def find(self, caller: Principal, name: str) -> AccessCodeBatch | None:
        """Returns a batch by its name, or None where there is none."""
        caller.require_role(Role.VIEWER)
        return await self._by_name.load(name)

    async def list_window(
        self, caller: Principal, wanted: AccessCodeBatchFilter, window: Window
    ) -> Slice[AccessCodeBatch]:
        """Returns a Relay window of all batches, the newest first."""
        return await self._listing.window(caller, wanted, window)

    async def count_batches(self, caller: Principal, wanted: AccessCodeBatchFilter) -> int:
        """Returns how many batches the filter leaves."""
        return await self._listing.count(caller, wanted)

    async def counts(self, caller: Principal, name: str) -> AccessCodeBatchCounts:
        """Returns counts of a batch's codes at this moment, exact and flat in their number."""
        caller.require_role(Role.VIEWER)
        counts = await self._counts_by_name.load(name)
        assert counts is not None
        return counts

    async def create_many(self, caller: Principal, command: CreateAccessCodes) -> Sequence[AccessCode]:
        """Makes up to 1,000 codes of one kind, all of them or none. 409 where there is a batch of the name."""
        caller.require_role(Role.ADMIN)
        deed = Deed(command.verb, () if command.batch is None else (_thing(command.batch),))
        return await self._activity.transaction(
            caller, partial(self._writes.create_many, command=command, by=caller.name), lambda _: deed
        )

    async def generate(self, caller: Principal, command: GenerateAccessCodes) -> AsyncIterator[int]:
        """Makes codes until the batch has as many as asked for; yields how many it has, at first and after each chunk.

        All codes of a batch expire at the same instant. 409 when the batch was begun with other values.
        """
        caller.require_role(Role.ADMIN)
        made = await self._database.transaction(partial(self._writes.begin, command=command, by=caller.name))
        yield made
        deed = Deed(command.verb, (_thing(command.batch),))
        while made < command.count:
            made = await self._activity.transaction(
                caller, partial(self._writes.proceed, command=command, by=caller.name), lambda _: deed
            )
            yield made

    async def switch(
        self, caller: Principal, command: ActivateAccessCodeBatch | DeactivateAccessCodeBatch
    ) -> AsyncIterator[BatchSwitch]:
        """Lets every code of a batch be redeemed, or none; yields how far it is after each thousand. 404.

        Codes that are full or have expired are not activated, and are counted. Where it was stopped it may be run
        again: what is switched already stays as it is and is not counted. A code that is made meanwhile may be left.
        """
        caller.require_role(Role.SUPPORT)
        batch = require_batch(await self._by_name.load(command.name))
        active = isinstance(command, ActivateAccessCodeBatch)
        deed, done = Deed(command.verb, (_thing(command.name),)), BatchSwitch()
        while True:
            chunk = partial(self._writes.switch, batch=batch, after=done.after, active=active)
            done = done.then(
                await self._activity.transaction(caller, chunk, lambda switched: deed if switched.changed else None)
            )
            yield done
            if done.after is None:
                return

    async def count(self, caller: Principal, batch: str | None = None) -> int:
        """Returns how many codes there are, of a batch or in all."""
        caller.require_role(Role.VIEWER)
        return (await self._counts.read(self._clock(), batch)).total

    async def import_rows(self, caller: Principal, rows: Sequence[tuple[int, ImportAccessCode]]) -> list[RowOutcome]:
        """Takes in the rows (each with its line) whose codes are not there yet, in one transaction.

        A row whose code is there stops no other; importing twice changes nothing. See `ImportAccessCode.judge`.
        """
        caller.require_role(Role.ADMIN)
        if not rows:
            return []
        take_in = partial(self._writes.take_in, rows=rows, by=caller.name)
        return await self._activity.transaction(caller, take_in, _imported)

    async def _find_by_names(self, names: Sequence[str]) -> dict[str, AccessCodeBatch]:
        found = await self._database.access_code_batches.find({"_id": {"$in": [*names]}}).to_list(None)
        return {batch.id: batch for batch in map(BATCHES.load, found)}

    async def _count_by_names(self, names: Sequence[str]) -> dict[str, AccessCodeBatchCounts]:
        counted = await self._counts.read_each(self._clock(), names)
        return {
            name: AccessCodeBatchCounts(
                codes=census.total,
                uses=census.usages,
                usable=census.usable,
                inactive=census.total - census.switched_on,
                full=census.full,
                expired=census.expired,
            )
            for name, census in counted.items()
            if name is not None
        }


def _thing(batch: str) -> Thing:
    return Thing("AccessCodeBatch", batch)


def _imported(outcomes: Sequence[RowOutcome]) -> Deed | None:
    if all(each.outcome is not Outcome.IMPORTED for each in outcomes):
        return None
    return Deed(ImportAccessCode.verb)
