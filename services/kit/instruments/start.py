"""Whether there are traces: OpenTelemetry is loaded here, where they are on."""

from services.kit.instruments.tracing import Tracing


def open_tracing(endpoint: str | None, service: str) -> Tracing | None:
    """Traces that go to an OTLP endpoint (the base of its URL) under the name of a service; None without one."""
    if endpoint is None:
        return None
    from services.kit.instruments.telemetry import Telemetry

    return Telemetry(endpoint, service)
