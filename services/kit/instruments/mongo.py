"""What PyMongo tells of its commands and connections, counted and traced. Motor tells it in threads of its own."""

from collections.abc import Callable
from functools import lru_cache

from prometheus_client import Histogram
from pymongo import monitoring
from typing_extensions import override

from services.kit.instruments.metrics import WorkMetrics
from services.kit.instruments.tracing import Span, current


class CommandMetrics(monitoring.CommandListener):
    """The seconds of each round trip, by command."""

    def __init__(self, metrics: WorkMetrics) -> None:
        self._of: Callable[[str, str], Histogram] = lru_cache(256)(metrics.round_trips.labels)

    @override
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        pass

    @override
    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._of(event.command_name, "ok").observe(event.duration_micros / 1e6)

    @override
    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._of(event.command_name, "failed").observe(event.duration_micros / 1e6)


class CommandSpans(monitoring.CommandListener):
    """A step for each round trip of what is traced: which command, upon which collection, and nothing it holds."""

    def __init__(self) -> None:
        self._under_way: dict[int, Span] = {}

    @override
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if (above := current()) is None:
            return
        named = event.command.get("collection", event.command.get(event.command_name))
        collection = named if isinstance(named, str) else ""
        span = above.child(f"{event.command_name} {collection}".rstrip(), "client", db__system__name="mongodb")
        span.note(
            db__operation__name=event.command_name, **({"db__collection__name": collection} if collection else {})
        )
        self._under_way[event.request_id] = span

    @override
    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if (span := self._under_way.pop(event.request_id, None)) is not None:
            span.end()

    @override
    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        if (span := self._under_way.pop(event.request_id, None)) is not None:
            span.end(str(event.failure.get("codeName", "failed")))


class PoolMetrics(monitoring.ConnectionPoolListener):
    """How many connections are open, at work and waited for."""

    def __init__(self, metrics: WorkMetrics) -> None:
        self._open, self._used, self._awaited = map(metrics.connections.labels, ("open", "used", "awaited"))

    @override
    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None:
        self._open.inc()

    @override
    def connection_closed(self, event: monitoring.ConnectionClosedEvent) -> None:
        self._open.dec()

    @override
    def connection_check_out_started(self, event: monitoring.ConnectionCheckOutStartedEvent) -> None:
        self._awaited.inc()

    @override
    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None:
        self._awaited.dec()

    @override
    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None:
        self._awaited.dec()
        self._used.inc()

    @override
    def connection_checked_in(self, event: monitoring.ConnectionCheckedInEvent) -> None:
        self._used.dec()

    @override
    def connection_ready(self, event: monitoring.ConnectionReadyEvent) -> None:
        pass

    @override
    def pool_created(self, event: monitoring.PoolCreatedEvent) -> None:
        pass

    @override
    def pool_ready(self, event: monitoring.PoolReadyEvent) -> None:
        pass

    @override
    def pool_cleared(self, event: monitoring.PoolClearedEvent) -> None:
        pass

    @override
    def pool_closed(self, event: monitoring.PoolClosedEvent) -> None:
        pass
