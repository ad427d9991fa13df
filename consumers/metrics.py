"""What the process counts, in Prometheus' words. One registry for a process, so that tests can have several."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from services.kit.instruments.metrics import WorkMetrics, show_build


class Metrics:
    """Counters and gauges; those of the outbox and of lag are set when they are asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.work = WorkMetrics(self.registry)
        show_build(self.registry)
        self._count_records(self.registry)
        self._count_outbox(self.registry)

    def _count_records(self, registry: CollectorRegistry) -> None:
        by_topic = ("topic",)
        self.processed = Counter(
            "tessera_events_processed",
            "Records finished, dead letters and parked ones among them",
            by_topic,
            registry=registry,
        )
        self.retries = Counter("tessera_event_retries", "Waits before another try", by_topic, registry=registry)
        self.dead_letters = Counter(
            "tessera_dead_letters", "Events put into a dead-letter topic", ("topic", "code"), registry=registry
        )
        self.lag = Gauge(
            "tessera_consumer_lag",
            "Records of a partition that can be read and are not finished",
            ("topic", "partition"),
            registry=registry,
        )
        self.waiting = Gauge(
            "tessera_partition_waiting_seconds",
            "For how long a partition has been trying without an end",
            ("topic", "partition"),
            registry=registry,
        )
        self.parked_records = Counter(
            "tessera_records_parked",
            "Records that could neither act nor become a dead letter",
            ("topic", "code"),
            registry=registry,
        )
        self.parked_waiting = Gauge(
            "tessera_parked_records", "Parked records that nobody has put back", registry=registry
        )

    def _count_outbox(self, registry: CollectorRegistry) -> None:
        self.sent = Counter("tessera_outbox_sent", "Events that the relay brought to Kafka", registry=registry)
        self.relay_delay = Histogram(
            "tessera_outbox_delay_seconds",
            "From the change to the acknowledgement by Kafka",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
            registry=registry,
        )
        self.unsent = Gauge("tessera_outbox_unsent", "Events that wait for the relay", registry=registry)
        self.oldest = Gauge(
            "tessera_outbox_oldest_seconds", "For how long the oldest of them has been waiting", registry=registry
        )
        self.parked = Gauge("tessera_outbox_parked", "Events that Kafka would not take", registry=registry)
        self.topics_waiting = Gauge(
            "tessera_outbox_topics_waiting", "Topics whose events this process cannot bring to Kafka", registry=registry
        )
        self.leading = Gauge("tessera_relay_leading", "1 where this process has the relay's lease", registry=registry)

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)
