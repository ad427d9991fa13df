"""The log of activity: a row of each change in the change's own transaction, one of each refusal behind the answer."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from bson import ObjectId

from models.activity import Activity, Deed, activity_of, is_told
from models.errors import DomainError
from models.principal import Principal, Transport
from services.kit.activity.refusals import RefusedRows
from services.kit.database import Database, Document, Session
from services.kit.mapping import Derived, Mapper
from services.kit.search import search_key

Result = TypeVar("Result")

ACTIVITY: Mapper[Activity] = Mapper(
    Activity,
    derived=[
        Derived(
            frozenset({"subjects"}),
            lambda activity: {"subjectKeys": [*dict.fromkeys(map(search_key, activity.subjects))]},
        )
    ],
    optional=("code", "message", "request_id"),
)


class ActivityLog:
    """Writes rows. Those of refusals, and of what other services' events did, are gone after so many `days`.

    What admins did stays, as ledgers do.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime], days: int) -> None:
        self._database = database
        self._rows = database.activity
        self._clock = clock
        self._lifetime = timedelta(days=days)
        self._refused = RefusedRows(database.activity, database.metrics.refusals_lost)

    @property
    def collection(self) -> str:
        """Where the rows of a unit of work go."""
        return self._rows.name

    @property
    def waiting(self) -> int:
        """How many rows of refusals are gathered and not written yet."""
        return self._refused.waiting

    @property
    def dropped(self) -> int:
        """How many rows of refusals could not be kept, because MongoDB was away for too long."""
        return self._refused.dropped

    @property
    def capped(self) -> int:
        """How many rows of refusals were left out, because one address or all together were refused too often."""
        return self._refused.capped

    async def close(self) -> None:
        """Write what is gathered; what MongoDB does not take at once is dropped."""
        await self._refused.close()

    def row(
        self, deed: Deed | None, caller: Principal, at: datetime, refusal: DomainError | None = None
    ) -> Document | None:
        """The row of a deed, done or refused; None for what is not told."""
        if deed is None or not is_told(deed, caller, refusal):
            return None
        row = ACTIVITY.dump(activity_of(deed, caller, refusal, identifier=str(ObjectId()), at=at))
        if refusal is not None or caller.transport is Transport.KAFKA:
            row["expiresAt"] = at + self._lifetime
        return row

    async def record(self, session: Session, caller: Principal, *deeds: tuple[Deed | None, DomainError | None]) -> None:
        """Write the rows of what is done, or refused for a reason, within this transaction."""
        told = (self.row(deed, caller, self._clock(), refusal) for deed, refusal in deeds)
        if rows := [row for row in told if row is not None]:
            await self._rows.insert_many(rows, session=session, ordered=False)

    async def transaction(
        self, caller: Principal, work: Callable[[Session], Awaitable[Result]], deed: Callable[[Result], Deed | None]
    ) -> Result:
        """Runs `work` in one transaction with the row of what it has done; `deed` says what, by the result."""

        async def told(session: Session) -> Result:
            result = await work(session)
            await self.record(session, caller, (deed(result), None))
            return result

        done = await self._database.transaction(told)
        if (told_of := deed(done)) is not None:
            self._database.metrics.count(told_of.verb, None)
        return done

    def refused(self, caller: Principal, deed: Deed | None, refusal: DomainError) -> None:
        """Have a refusal written soon: nobody waits for it."""
        at = self._clock()
        if deed is None or not is_told(deed, caller, refusal):
            return
        # Looked at first, so that a flood costs next to nothing.
        if self._refused.admits(None if caller.role is not None else caller.address, at):
            row = self.row(deed, caller, at, refusal)
            assert row is not None
            self._refused.put(row)

    @contextmanager
    def telling(self, caller: Principal, deed: Deed) -> Iterator[None]:
        """Tells of a refusal that is raised within, before there is a unit of work that would."""
        try:
            yield
        except DomainError as refusal:
            self._database.metrics.count(deed.verb, refusal)
            self.refused(caller, deed, refusal)
            raise
