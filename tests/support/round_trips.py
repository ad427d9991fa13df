"""What a verb asks of MongoDB, as its driver tells it: commands, and how many of them wait for one another."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from pymongo import monitoring
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from typing_extensions import override


@dataclass
class Trip:
    """One command, from being sent to being answered."""

    name: str
    collection: str
    began: float
    sent: Mapping[str, Any]
    """The command as it was sent."""
    ended: float | None = None


@dataclass
class Trips:
    """The commands to one database in a span of time, but for the signs of life that processes give by themselves."""

    database: str
    commands: list[Trip] = field(default_factory=list)
    _sessions: list[object] = field(default_factory=list)

    def hear(self, event: CommandStartedEvent) -> Trip | None:
        """Take the command in, where it belongs to these."""
        collection = event.command.get(event.command_name)
        if event.database_name == self.database:
            # `getMore` waits on a change stream for as long as nothing happens.
            if event.command_name in ("getMore", "hello", "ping") or collection == "leases":
                return None
            self._sessions.append(event.command.get("lsid"))
        elif event.command.get("lsid") not in self._sessions:
            return None  # The end of a transaction is told to the database `admin`.
        name = collection if isinstance(collection, str) else ""
        self.commands.append(Trip(event.command_name, name, perf_counter(), event.command))
        return self.commands[-1]

    @property
    def names(self) -> list[str]:
        """Each command and its collection, in the order in which they were sent."""
        return [f"{trip.name} {trip.collection}".strip() for trip in self.commands]

    @property
    def in_sequence(self) -> int:
        """How many round trips one waits for: commands that are under way at the same time count as one."""
        steps, reach = 0, 0.0
        for trip in sorted(self.commands, key=lambda one: one.began):
            assert trip.ended is not None
            if trip.began >= reach:
                steps, reach = steps + 1, trip.ended
        return steps


class _Listener(CommandListener):
    """Writes down what all clients of this process send while someone listens."""

    def __init__(self) -> None:
        self._spans: list[Trips] = []
        self._open: dict[int, Trip] = {}

    @contextmanager
    def span(self, database: str) -> Iterator[Trips]:
        trips = Trips(database)
        self._spans.append(trips)
        try:
            yield trips
        finally:
            self._spans.remove(trips)

    @override
    def started(self, event: CommandStartedEvent) -> None:
        for span in self._spans:
            if (trip := span.hear(event)) is not None:
                self._open[event.request_id] = trip

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._end(event.request_id)

    @override
    def failed(self, event: CommandFailedEvent) -> None:
        self._end(event.request_id)

    def _end(self, request_id: int) -> None:
        if (trip := self._open.pop(request_id, None)) is not None:
            trip.ended = perf_counter()


_LISTENER = _Listener()
# Clients that are opened from now on report to it; those of the tests are opened later than this is imported.
monitoring.register(_LISTENER)

round_trips = _LISTENER.span
"""`with round_trips(database) as trips:` writes down every command of this process to a database."""
