"""What the verbs and their database work count, in Prometheus' words, for the API and the consumers alike.

No label takes what a client has sent: each has the few values that the code names.
"""

from collections import Counter as Multiset
from collections.abc import Iterable
from platform import python_version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from models.errors import DomainError, InternalServerError
from models.verbs import Verb
from services.version import VERSION

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
DONE = "DONE"
"""The outcome of what was not refused; that of a refusal is its code."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def show_build(registry: CollectorRegistry) -> None:
    """Say which version runs here."""
    build = Gauge(
        "tessera_build_info",
        "1; the labels say which version runs, and on which Python",
        ("version", "python"),
        registry=registry,
        multiprocess_mode="livemax",
    )
    build.labels(VERSION, python_version()).set(1)


def outcome_of(answer: object) -> str:
    """The code of a refusal, `INTERNAL_SERVER_ERROR` for any other fault, `DONE` for whatever is none."""
    if not isinstance(answer, BaseException):
        return DONE
    return answer.code if isinstance(answer, DomainError) else InternalServerError.code


class Lane:
    """The metrics of the batches of one kind."""

    def __init__(self, name: str, size: Histogram, wait: Histogram, seconds: Histogram) -> None:
        self.name = name
        self._size = size
        self._wait = wait
        self._seconds = seconds

    def begins(self, size: int, waited: float) -> None:
        """A batch of so many begins, the first of which has waited for so many seconds."""
        self._size.observe(size)
        self._wait.observe(waited)

    def ended(self, seconds: float) -> None:
        """A batch has ended, well or not, after so many seconds."""
        self._seconds.observe(seconds)


class WorkMetrics:
    """One set for each process; tests may have several, each with a registry of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._count_work(registry)
        self._count_database(registry)

    def _count_work(self, registry: CollectorRegistry) -> None:
        self._commands = Counter(
            "tessera_commands",
            "Commands that were carried out or refused, by their verbs",
            ("verb", "outcome"),
            registry=registry,
        )
        self.rate_limited = Counter(
            "tessera_rate_limited", "Public operations that were refused as one too many", registry=registry
        )
        self.refusals_lost = Counter(
            "tessera_refusals_lost",
            "Refusals without a row of activity: MongoDB was away (away), or there were too many (capped)",
            ("reason",),
            registry=registry,
        )
        for reason in ("away", "capped"):
            self.refusals_lost.labels(reason)

    def _count_database(self, registry: CollectorRegistry) -> None:
        lane = ("lane",)
        self._size = Histogram(
            "tessera_batch_commands", "Commands that went into one batch", lane, buckets=_SIZES, registry=registry
        )
        self._wait = Histogram(
            "tessera_batch_wait_seconds",
            "For how long the first command of a batch has waited for the batch before it",
            lane,
            buckets=_SECONDS,
            registry=registry,
        )
        self._seconds = Histogram(
            "tessera_batch_seconds",
            "From the begin of a batch to its commit",
            lane,
            buckets=_SECONDS,
            registry=registry,
        )
        self.transaction_retries = Counter(
            "tessera_transaction_retries", "Transactions that were run again", registry=registry
        )
        self.round_trips = Histogram(
            "tessera_mongodb_command_seconds",
            "Round trips to MongoDB, by command and by whether MongoDB took it",
            ("command", "outcome"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.connections = Gauge(
            "tessera_mongodb_connections",
            "Connections to MongoDB (open), those of them at work (used), and who waits for one (awaited)",
            ("state",),
            registry=registry,
            multiprocess_mode="livesum",
        )

    def lane(self, name: str) -> Lane:
        """The metrics of the batches of this name."""
        return Lane(name, self._size.labels(name), self._wait.labels(name), self._seconds.labels(name))

    def count(self, verb: Verb, fault: BaseException | None) -> None:
        """Count a command of this verb, refused for this reason or done."""
        self._commands.labels(verb.name, outcome_of(fault)).inc()

    def count_all(self, outcomes: Iterable[tuple[Verb | None, object]]) -> None:
        """Count commands by what was returned for each; what is no verb of anybody's is left out."""
        counted = Multiset((verb, outcome_of(answer)) for verb, answer in outcomes if verb is not None)
        for (verb, outcome), number in counted.items():
            self._commands.labels(verb.name, outcome).inc(number)
