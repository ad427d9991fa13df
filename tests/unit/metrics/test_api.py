"""What the API counts: by templates and known names, with few lookups and no end of series."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.routing import Mount, Route, Router

from graphql_engine.manifest import operation_names
from models.coupons.coupon import RedeemCoupon
from models.coupons.refusals import CouponNotFound
from server.graphiql.examples import example_texts, examples
from server.metrics.api import ApiMetrics, Ended
from services.kit.instruments.metrics import WorkMetrics, outcome_of
from services.version import VERSION
from tests.support.processes import ROOT


async def nothing(request: Any) -> None: ...


@pytest.fixture
def metrics() -> ApiMetrics:
    return ApiMetrics(CollectorRegistry(), {"Known"})


def series(metrics: ApiMetrics, name: str) -> set[tuple[str, ...]]:
    """The values of the labels of each time series of this name."""
    samples = [sample for family in metrics.registry.collect() for sample in family.samples if sample.name == name]
    return {tuple(sample.labels.values()) for sample in samples}


def test_a_request_is_known_by_its_route_below_whatever_it_is_mounted(metrics: ApiMetrics) -> None:
    route, mount = Route("/coupon/{id}", nothing), Mount("/api", Router())
    for where, root, method, status in (
        (route, "/api", "GET", 200), (route, "/admin", "GET", 200), (route, "/api", "BREW", 405),
        (mount, "/api", "GET", 404), (None, "", "GET", 404), (route, "/api", "GET", 0),
    ):  # fmt: skip
        for _ in range(2):
            metrics.request({"route": where, "root_path": root, "method": method}, status, 0.01)
    assert series(metrics, "tessera_http_request_seconds_count") == {
        ("/api/coupon/{id}", "GET", "200"), ("/admin/coupon/{id}", "GET", "200"), ("/api/coupon/{id}", "other", "405"),
        ("other", "GET", "404"), ("/api/coupon/{id}", "GET", "499"),
    }  # fmt: skip


def test_an_operation_is_known_by_a_known_name_alone(metrics: ApiMetrics) -> None:
    for name in ("Known", "A", "B", None):
        metrics.operation(Ended(name, "query", "DONE"), 0.01)
    assert series(metrics, "tessera_graphql_operation_seconds_count") == {
        ("Known", "query", "DONE"), ("other", "query", "DONE"),
    }  # fmt: skip


def test_every_example_has_a_name_of_its_own() -> None:
    names = operation_names(example_texts())
    assert len(names) >= len(examples())
    documents = ["# c\nquery A($x: Int) { a }\nmutation B { b }", "{ query C }", "subscription D{ d }query E{ e }"]
    assert operation_names(documents) == {"A", "B", "D", "E"}


def test_outcomes_are_codes_and_a_batch_counts_each_verb_once() -> None:
    metrics = WorkMetrics(CollectorRegistry())
    assert [outcome_of(answer) for answer in (1, None, CouponNotFound(), ValueError())] == [
        "DONE", "DONE", "COUPON_NOT_FOUND", "INTERNAL_SERVER_ERROR",
    ]  # fmt: skip
    verb = RedeemCoupon.verb
    metrics.count_all([(verb, 1), (verb, CouponNotFound()), (verb, 2), (None, 3)])
    counted = {("DONE", 2), ("COUPON_NOT_FOUND", 1)}
    for outcome, number in counted:
        labels = {"verb": verb.name, "outcome": outcome}
        assert metrics.registry.get_sample_value("tessera_commands_total", labels) == number


def test_the_version_is_that_of_the_package() -> None:
    assert f'\nversion = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text()
