"""Spans by OpenTelemetry's SDK, sent by OTLP over HTTP. Loaded where traces are on, and nowhere else.

What the SDK reads of the environment (the sampler, headers, the name of the service) is its own.
"""

import asyncio
from collections.abc import Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace import Span as SdkSpan
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import override

from models.errors import InternalServerError, ServiceUnavailable
from services.kit.instruments.tracing import Attribute, Kind, Span, Tracing
from services.version import VERSION

_KINDS = {kind.name.lower(): kind for kind in SpanKind}
_FAULTS = frozenset({InternalServerError.code, ServiceUnavailable.code})
"""The codes of what is no refusal: they make a span an error."""
_PROPAGATOR = TraceContextTextMapPropagator()


class _Span(Span):
    __slots__ = ("_span", "_tracer")

    def __init__(self, tracer: Tracer, span: SdkSpan) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def context(self) -> SpanContext:
        return self._span.get_span_context()

    @property
    @override
    def live(self) -> bool:
        recording: bool = self._span.is_recording()
        return recording

    @property
    @override
    def trace_id(self) -> str:
        return f"{self.context.trace_id:032x}"

    @property
    @override
    def traceparent(self) -> str:
        context = self.context
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    @override
    def child(self, name: str, kind: Kind = "internal", links: Sequence[Span] = (), **about: Attribute) -> "_Span":
        linked = [Link(context) for context in _contexts(links)]
        above = set_span_in_context(self._span)
        return _Span(self._tracer, self._tracer.start_span(name, above, _KINDS[kind], _dotted(about), linked))

    @override
    def link(self, others: Sequence[Span]) -> None:
        for context in _contexts(others):
            self._span.add_link(context)

    @override
    def note(self, name: str | None = None, **about: Attribute) -> None:
        if name is not None:
            self._span.update_name(name)
        self._span.set_attributes(_dotted(about))

    @override
    def end(self, code: str | None = None) -> None:
        if code is not None:
            self._span.set_attribute("error.type", code)
        if code in _FAULTS:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def _contexts(spans: Sequence[Span]) -> list[SpanContext]:
    return [span.context for span in spans if isinstance(span, _Span)]


def _dotted(about: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {name.replace("__", "."): value for name, value in about.items()}


class Telemetry(Tracing):
    """Traces of one process. It has a thread of its own, so it is made after a fork and not before."""

    def __init__(self, endpoint: str, service: str) -> None:
        named = Resource({"service.name": service, "service.version": VERSION})
        # What the operator says (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) comes before what we say.
        self._provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
        self._tracer = self._provider.get_tracer("tessera", VERSION)

    @override
    def begin(self, name: str, kind: Kind, traceparent: str | None, **about: Attribute) -> Span | None:
        above = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
        span = self._tracer.start_span(name, above, _KINDS[kind], _dotted(about))
        return _Span(self._tracer, span) if span.is_recording() else None

    @override
    async def close(self) -> None:
        await asyncio.to_thread(self._provider.shutdown)
