"""Traces: what becomes a step of which, what does not, and what a span says."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from consumers.settings import ConsumerSettings
from models.coupons.refusals import CouponNotFound
from server.settings import Settings
from services import settings as module
from services.kit.batching import Coalescer, GroupCommit
from services.kit.instruments.metrics import WorkMetrics
from services.kit.instruments.start import open_tracing
from services.kit.instruments.telemetry import Telemetry
from services.kit.instruments.tracing import SPAN, Kind, Span, current, traced, traceparent, within
from services.settings import SettingsError
from tests.support.processes import ROOT

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
GOOD = {"MONGO_URI": "mongodb://db.example/shop", "JWT_SEC": "s" * 32, "ADMIN_KEY": "k" * 32}


@dataclass
class Step(Span):
    """A span that notes what is done with it; `made` are all of its trace."""

    name: str
    above: str = ""
    linked: list[str] = field(default_factory=list)
    ended: str | None = None
    made: list["Step"] = field(default_factory=list)

    @property
    def live(self) -> bool:
        return self.ended is None

    @property
    def trace_id(self) -> str:
        return "t"

    @property
    def traceparent(self) -> str:
        return f"00-t-{self.name}-01"

    def child(self, name: str, kind: Kind = "internal", links: Sequence[Span] = (), **about: Any) -> "Step":
        step = Step(name, self.name, [one.name for one in links if isinstance(one, Step)], made=self.made)
        self.made.append(step)
        return step

    def link(self, others: Sequence[Span]) -> None:
        self.linked += [one.name for one in others if isinstance(one, Step)]

    def note(self, name: str | None = None, **about: Any) -> None:
        self.name = name or self.name

    def end(self, code: str | None = None) -> None:
        self.ended = code or "ok"


@pytest.fixture
def root() -> Iterator[Step]:
    step = Step("request")
    token = SPAN.set(step)
    yield step
    SPAN.reset(token)


class Coupons:
    kept = 7

    async def find(self, code: str) -> str:
        if not code:
            raise CouponNotFound()
        await asyncio.sleep(0)
        return code

    def count(self) -> int:
        return 1


async def test_a_verb_is_a_step_that_ends_with_its_code(root: Step) -> None:
    coupons = traced("coupons", Coupons())
    assert (await coupons.find("a"), coupons.kept, coupons.count()) == ("a", 7, 1)
    with pytest.raises(CouponNotFound):
        await coupons.find("")
    assert [(step.name, step.above, step.ended) for step in root.made] == [
        ("coupons.find", "request", "ok"),
        ("coupons.find", "request", "COUPON_NOT_FOUND"),
    ]


async def test_without_a_trace_nothing_is_made_nor_below_what_has_ended(root: Step) -> None:
    assert traceparent() == "00-t-request-01"
    root.end()
    assert (await traced("coupons", Coupons()).find("a"), root.made) == ("a", [])
    assert current() is None
    assert traceparent() is None
    with within(None):
        assert open_tracing(None, "tessera") is None


async def test_a_batch_is_a_step_of_the_first_that_is_traced_and_names_the_others(root: Step) -> None:
    below: list[str] = []

    async def commit(batch: Sequence[int]) -> Sequence[int]:
        span = SPAN.get()
        below.append(span.name if isinstance(span, Step) else "")
        await asyncio.sleep(0)
        return batch

    group: GroupCommit[int, int] = GroupCommit(commit, lane=WorkMetrics(CollectorRegistry()).lane("coupons"))
    first = group.submit(0)
    other = Step("other request")
    with within(None):
        SPAN.set(None)
        untraced = group.submit(1)
        SPAN.set(root)
        second = group.submit(2)
        SPAN.set(other)
        third = group.submit(3)
    assert [await one for one in (first, untraced, second, third)] == [0, 1, 2, 3]
    await group.submit(4)
    assert below == ["coupons batch"] * 2
    assert [(step.above, step.linked) for step in (*root.made, *other.made)] == [
        ("request", ["request", "other request"]),
        ("other request", []),
    ]


async def test_a_look_up_is_below_who_asked_for_it_and_not_below_who_asked_before(root: Step) -> None:
    found_by: list[object] = []

    async def find(keys: Sequence[str]) -> dict[str, str]:
        found_by.append(current())
        await asyncio.sleep(0.01)
        return {key: key for key in keys}

    loader: Coalescer[str, str] = Coalescer(find)
    first = asyncio.create_task(loader.load("a"))
    await asyncio.sleep(0)
    SPAN.set(other := Step("other"))
    second = asyncio.create_task(loader.load("b"))
    await asyncio.gather(first, second)
    SPAN.set(None)
    await loader.load("c")
    assert found_by == [root, other, None]


async def test_what_is_not_sampled_has_no_step_and_a_faulty_traceparent_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    tracing = Telemetry("http://127.0.0.1:9", "tessera")
    assert tracing.begin("HTTP", "server", None) is None
    assert tracing.begin("HTTP", "server", "00-zz-1-01") is None
    assert tracing.begin("HTTP", "server", TRACE[:-1] + "0") is None
    span = tracing.begin("HTTP", "server", TRACE)
    assert span is not None
    assert (span.trace_id, span.live) == (TRACE.split("-")[1], True)
    assert span.traceparent.split("-")[1] == TRACE.split("-")[1] != span.traceparent.split("-")[2]


def test_an_endpoint_is_a_url_and_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    named = GOOD | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}
    assert Settings.from_environment(named).otel_exporter_otlp_endpoint == "http://collector:4318"
    assert ConsumerSettings.from_environment(named | {"KAFKA_URI": "k:9092"}).otel_exporter_otlp_endpoint
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_ENDPOINT must be"):
        Settings.from_environment(GOOD | {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"})
    # What OpenTelemetry reads by itself is no misspelling of ours.
    assert Settings.misspelt({"OTEL_EXPORTER_OTLP_HEADERS": "x=y"}) == []
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match="needs what is installed by the extra `telemetry`"):
        Settings.from_environment(named)


def test_off_nothing_of_opentelemetry_is_loaded() -> None:
    loads = "import sys, server.app, consumers.process; print([m for m in sys.modules if m.startswith('opentel')])"
    done = subprocess.run([sys.executable, "-c", loads], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
