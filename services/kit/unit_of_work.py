"""One batch of commands as a unit of work: load what they need, apply each in turn, write what came of it.

What arrives while a transaction commits goes into the next one. A refused command costs the others nothing, and the
more callers want the same row at once the cheaper each becomes.
"""

import secrets
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

from models.activity import Deed
from models.errors import DomainError
from models.events import Event
from models.principal import Principal
from models.verbs import Verb
from services.kit.activity.log import ActivityLog
from services.kit.batching import GroupCommit
from services.kit.counters import updates_of
from services.kit.database import Database, Document
from services.kit.hourly.totals import HourlyChanges, Lanes
from services.kit.instruments.tracing import traceparent
from services.kit.messages.outbox import Outbox
from services.kit.rate_limit import Permit, RateLimitPermit
from services.kit.tracked import Tracked

if TYPE_CHECKING:
    from services.kit.database import Collection, Session

Command = TypeVar("Command")
Result = TypeVar("Result")

TOUCH_BATCHES = 50
"""For how many batches after a conflict the contended rows are touched first, so that losing a race is cheap."""


class UnitOfWork(ABC, Generic[Command, Result]):
    """A batch: what it was loaded with, and what its commands have left of it. `now` is the same for all of them."""

    tells_of_users: ClassVar[bool] = False
    """Whether the activity tells of what users do here without being refused, and not of admins alone."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.events: list[tuple[datetime, Event]] = []
        self.traces: dict[int, str] = {}
        """The traces that events go on with, by their places."""
        self.rows: defaultdict[str, list[Document]] = defaultdict(list)
        """New rows of ledgers, by their collections."""
        self.totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """How totals move, by their families."""
        self.hours = HourlyChanges()
        """How the totals of series move."""

    @abstractmethod
    async def load(self, session: "Session", commands: Sequence[Command]) -> None:
        """Read what the commands need, in as few finds as there are."""

    @abstractmethod
    def apply(self, command: Command) -> Result:
        """Carry out one command upon what those before it left; raises the refusal that it earns."""

    @abstractmethod
    def deed(self, command: Command, result: Result | None) -> Deed | None:
        """What the activity tells of a command that has this result, or none because it is refused; or None."""

    @abstractmethod
    def tracked(self) -> Sequence[Tracked[Any]]:
        """The entities to write, those last that other processes may be writing too."""

    def settle(self) -> None:
        """Say how totals move that follow from what has changed, once all commands are carried out."""

    def decide(self, command: Command) -> Result | Exception:
        """What `apply` returns, or the refusal that it raises."""
        try:
            return self.apply(command)
        except DomainError as refusal:
            return refusal


@dataclass(frozen=True, slots=True)
class Contended:
    """Rows that processes compete for."""

    collection: "Collection"
    query: Document


@dataclass(frozen=True, slots=True)
class Submitted(Generic[Command]):
    """A command, and who calls: a principal, or the permit of a public operation that may still be counted."""

    command: Command
    by: Principal | Permit
    trace: str | None = None
    """Of whom the events that come of it go on with the trace."""

    @property
    def caller(self) -> Principal:
        return self.by if isinstance(self.by, Principal) else self.by.principal

    async def refusal(self) -> Exception | None:
        """Why the command may not be carried out, once its hit is counted; None where it may."""
        if isinstance(self.by, Principal | RateLimitPermit):
            return None
        try:
            await self.by
        except Exception as fault:
            return fault
        return None


Refused: TypeAlias = tuple[Principal, Deed | None, DomainError]


class CommandBus(ABC, Generic[Command, Result]):
    """Carries out the commands of one noun. `submit` returns once the command is committed by a majority."""

    lane: ClassVar[str]
    """The name of its batches in the metrics."""

    def __init__(
        self, database: Database, outbox: Outbox, activity: ActivityLog, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._activity = activity
        self._clock = clock
        self._touches = 0
        self._lanes = Lanes()
        self._group: GroupCommit[Submitted[Command], Result] = GroupCommit(
            self._commit, lane=database.metrics.lane(self.lane)
        )

    async def submit(self, command: Command, by: Principal | Permit) -> Result:
        """Carries out a command; one under a permit that is still pending is read for while its hit is counted.

        Raises the refusal that it earns, `RateLimitExceeded` before any other. The activity tells of it: of what is
        done in the same transaction, of a refusal some time after it.
        """
        return await self._group.submit(Submitted(command, by, traceparent()))

    async def close(self) -> None:
        """Wait until everything that was submitted is committed."""
        await self._group.close()

    @abstractmethod
    def begin(self, now: datetime) -> UnitOfWork[Command, Result]:
        """An empty unit of work."""

    @abstractmethod
    def verb(self, command: Command) -> Verb | None:
        """What a command does, as the activity and the metrics name it; None for what nobody asked for."""

    @abstractmethod
    def contended(self, commands: Sequence[Command]) -> Contended | None:
        """What a batch locks at once after a conflict, so that the next shows in the first round trip."""

    async def touch(self, session: "Session", commands: Sequence[Command]) -> None:
        """Lock what a batch competes for, so that a conflict shows in the first round trip instead of the last."""
        if (contended := self.contended(commands)) is not None:
            await contended.collection.update_many(contended.query, fresh_touch(), session=session)

    async def carry_out(
        self, session: "Session", commands: Sequence[Command], caller: Principal
    ) -> list[Result | Exception]:
        """Load, decide and write a batch within a transaction; one answer for each command. It may run again.

        Refusals are told of in the transaction too, because only its owner knows when it has committed.
        """
        trace = traceparent()
        batch = [Submitted(command, caller, trace) for command in commands]
        answers, refused = await self._carry_out(session, batch)
        await self._activity.record(session, caller, *((deed, refusal) for _, deed, refusal in refused))
        return answers

    async def _commit(self, batch: Sequence[Submitted[Command]]) -> list[Result | Exception]:
        runs = 0
        refused: list[Refused] = []

        async def run(session: "Session") -> list[Result | Exception]:
            nonlocal runs, refused
            runs += 1
            if runs > 1:
                self._touches = TOUCH_BATCHES
            if self._touches:
                await self.touch(session, [each.command for each in batch])
            answers, refused = await self._carry_out(session, batch)
            return answers

        answers = await self._database.transaction(run)
        self._touches = max(0, self._touches - 1)
        self._count([each.command for each in batch], answers)
        for each in refused:
            self._activity.refused(*each)
        return answers

    def _count(self, commands: Sequence[Command], answers: Sequence[Result | Exception]) -> None:
        self._database.metrics.count_all(zip(map(self.verb, commands), answers, strict=True))

    async def _carry_out(
        self, session: "Session", batch: Sequence[Submitted[Command]]
    ) -> tuple[list[Result | Exception], list[Refused]]:
        """One answer for each command, and what was refused."""
        unit = self.begin(self._clock())
        await unit.load(session, [each.command for each in batch])
        answers: list[Result | Exception] = []
        refused: list[Refused] = []
        for each in batch:
            told = len(unit.events)
            answer = await each.refusal() or unit.decide(each.command)
            if each.trace is not None:
                unit.traces |= dict.fromkeys(range(told, len(unit.events)), each.trace)
            answers.append(answer)
            if isinstance(answer, DomainError):
                refused.append((each.caller, unit.deed(each.command, None), answer))
            elif not isinstance(answer, Exception) and (unit.tells_of_users or each.caller.role is not None):
                row = self._activity.row(unit.deed(each.command, answer), each.caller, unit.now)
                if row is not None:
                    unit.rows[self._activity.collection].append(row)
        await self._flush(session, unit)
        return answers, refused

    async def _flush(self, session: "Session", unit: UnitOfWork[Command, Result]) -> None:
        unit.settle()
        for name, rows in unit.rows.items():
            await self._database.collection(name).insert_many(rows, session=session, ordered=False)
        await self._outbox.put(session, unit.events, unit.traces)
        if updates := [*updates_of(unit.totals), *unit.hours.updates(self._lanes.of(session))]:
            await self._database.counters.bulk_write(updates, session=session, ordered=False)
        for tracked in unit.tracked():
            await tracked.flush(session)


def fresh_touch() -> Document:
    """An update that changes its row for certain: one that changes nothing locks nothing."""
    return {"$set": {"touch": secrets.token_hex(4)}}
