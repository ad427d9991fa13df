"""What the API counts of requests, operations and live connections, beside what its verbs count."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry, Gauge, Histogram
from starlette.routing import Route, WebSocketRoute
from starlette.types import Scope

from services.kit.instruments.metrics import WorkMetrics, show_build

OTHER = "other"
"""The label of every route, method and operation that is none of ours: clients cannot make time series."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNANSWERED = 499
"""The status of a request whose client went before it was answered, as nginx has it."""

_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class _Observes(Protocol):
    def observe(self, amount: float) -> None: ...


class Ended(NamedTuple):
    """A GraphQL operation that has ended; its outcome is `DONE` or the code of its first error or refusal."""

    name: str | None
    kind: str
    outcome: str


class ApiMetrics:
    """One set for each application. `operations` are the names under which GraphQL operations are counted."""

    def __init__(self, registry: CollectorRegistry, operations: Collection[str] = ()) -> None:
        self.registry = registry
        self.work = WorkMetrics(registry)
        show_build(registry)
        self._known = frozenset(operations)
        self._requests = Histogram(
            "tessera_http_request_seconds",
            "Requests, by the seconds until their answers began",
            ("route", "method", "status"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._operations = Histogram(
            "tessera_graphql_operation_seconds",
            "GraphQL queries and mutations, over HTTP and WebSocket",
            ("operation", "type", "outcome"),
            buckets=_SECONDS,
            registry=registry,
        )
        # What live gauges of workers that have died told is forgotten with them.
        self.websockets = Gauge(
            "tessera_websocket_connections", "WebSockets that are open", registry=registry, multiprocess_mode="livesum"
        )
        self.subscriptions = Gauge(
            "tessera_graphql_subscriptions",
            "GraphQL subscriptions that are live, over WebSocket and as event streams",
            registry=registry,
            multiprocess_mode="livesum",
        )
        # Children are looked up by what a request has at hand: to find their labels each time would cost more.
        self._by_request: dict[tuple[int, str, str, int], _Observes] = {}
        self._by_operation: dict[tuple[str | None, str, str], _Observes] = {}

    def request(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request that has been routed, by the template of its route."""
        method = scope["method"]
        key = (id(scope.get("route")), scope["root_path"], method if method in METHODS else OTHER, status)
        child = self._by_request.get(key)
        if child is None:
            labels = template_of(scope), key[2], str(status or UNANSWERED)
            child = self._by_request[key] = self._requests.labels(*labels)
        child.observe(seconds)

    def step_of(self, ended: Ended) -> dict[str, str]:
        """How a trace names a GraphQL operation and what it says of it, as `Span.note` takes it."""
        name = ended.name if ended.name in self._known else OTHER
        about = {"graphql__operation__type": ended.kind, "graphql__operation__name": str(name)}
        return {"name": f"{ended.kind} {name}"} | about

    def operation(self, ended: Ended, seconds: float) -> None:
        """Count a GraphQL operation."""
        # Names that clients make up, or leave out, share one.
        key = ended.name if ended.name in self._known else OTHER, ended.kind, ended.outcome
        child = self._by_operation.get(key)
        if child is None:
            child = self._by_operation[key] = self._operations.labels(*key)
        child.observe(seconds)


def template_of(scope: Scope) -> str:
    """The path of a request's route with its parameters by name, or `other` where it found none."""
    route = scope.get("route")
    if isinstance(route, Route | WebSocketRoute):
        return str(scope["root_path"]) + route.path
    return OTHER


def method_of(scope: Scope) -> str:
    """The method of a request, or `other` where HTTP has none of the name."""
    method: str = scope["method"]
    return method if method in METHODS else OTHER
