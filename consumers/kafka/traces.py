"""Traces across Kafka: an event goes on in the trace that it came about in, by its header `traceparent`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from consumers.kafka.records import Record, header
from services.kit.instruments.tracing import Span, Tracing, within

HEADER = "traceparent"


@contextmanager
def traced_events(tracing: Tracing | None, records: Sequence[Record]) -> Iterator[None]:
    """What runs within acts upon these records: a step of the trace of each of them that is sampled.

    They act in one transaction, which stands in the trace of the first; it has links to the others.
    """
    spans = [] if tracing is None else [span for record in records if (span := _begin(tracing, record)) is not None]
    if not spans:
        yield
        return
    first, *others = spans
    first.link(others)
    try:
        with within(first):
            yield
    finally:
        for other in others:
            other.end()


def _begin(tracing: Tracing, record: Record) -> Span | None:
    return tracing.begin(
        f"process {record.topic}",
        "consumer",
        header(record, HEADER),
        messaging__system="kafka",
        messaging__operation__name="process",
        messaging__destination__name=record.topic,
        messaging__destination__partition__id=str(record.partition),
        messaging__kafka__offset=record.offset,
    )


def begin_send(tracing: Tracing | None, topic: str, traceparent: str | None) -> Span | None:
    """The step of an event to Kafka, where it came about in a trace that is sampled."""
    if tracing is None or traceparent is None:
        return None
    return tracing.begin(
        f"send {topic}",
        "producer",
        traceparent,
        messaging__system="kafka",
        messaging__operation__name="send",
        messaging__destination__name=topic,
    )
