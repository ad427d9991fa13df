"""What a verb asks of MongoDB, as its driver tells it: commands, and how many of them wait for one another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from pymongo import monitoring
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from typing_extensions import override


@dataclass
class Trip:
    """One command, from being sent to being answered."""

    name: str
    collection: str
    began: float
    ended: float | None = None


@dataclass
class Trips:
    """The commands of one span of time."""

    commands: list[Trip] = field(default_factory=list)

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
    def span(self) -> Iterator[Trips]:
        trips = Trips()
        self._spans.append(trips)
        try:
            yield trips
        finally:
            self._spans.remove(trips)

    @override
    def started(self, event: CommandStartedEvent) -> None:
        # `getMore` waits on a change stream for as long as nothing happens.
        if self._spans and event.command_name not in ("getMore", "hello", "ping"):
            collection = event.command.get(event.command_name)
            trip = Trip(event.command_name, collection if isinstance(collection, str) else "", perf_counter())
            self._open[event.request_id] = trip
            for span in self._spans:
                span.commands.append(trip)

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
"""`with round_trips() as trips:` writes down every command of this process within."""
