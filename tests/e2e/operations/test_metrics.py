"""`/metrics` of the API: counted over all workers, whoever of them is asked and whichever of them dies."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from devtools.embedded import ChildProcess
from devtools.embedded.ports import free_ports
from server.metrics.folder import IN_MEMORY, PREFIX
from tests.support.grafana import named, of_consumers, scraped
from tests.support.serving import serving
from tests.support.uris import with_database

WORKERS, REQUESTS = 2, 40
REDEEM = "mutation Redeem($i: RedeemCouponInput!) { redeemCoupon(input: $i) { __typename } }"
NOBODYS = {"redeemerTwitterId": "1", "username": "ada", "followers": 2000, "couponCode": "NONE-SUCH"}


class Served:
    """A `tessera serve` of some workers with its metrics."""

    def __init__(self, process: ChildProcess, port: int, metrics_port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"

    def scrape(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        families = text_string_to_metric_families(httpx.get(self.metrics_url, timeout=30).text)
        return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}

    def value(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name that have these labels."""
        return sum(value for (n, has), value in self.scrape().items() if n == name and labels.items() <= has)

    def ask(self, number: int, path: str = "/health", method: str = "GET") -> None:
        """Send requests, each by a connection of its own, so that every worker gets some."""
        for _ in range(number):
            httpx.request(method, self.url + path, timeout=30)

    @property
    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()


@pytest.fixture(scope="module")
def served(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """All tests of this file count together, each what no other counts."""
    port, metrics_port = free_ports(2)
    uri, log = with_database(mongo_uri, f"test_{uuid4().hex[:16]}"), tmp_path_factory.mktemp("metrics") / "log"
    variables = {"METRICS_PORT": str(metrics_port), "RATE_LIMIT": "6/hour"}
    with serving(log, uri, [port], "--workers", str(WORKERS), **variables) as process:
        yield Served(process, port, metrics_port)


def test_the_metrics_are_of_all_workers_and_outlive_each_of_them(served: Served) -> None:
    before = served.value("tessera_http_request_seconds_count", route="/readyz")
    served.ask(REQUESTS, "/readyz")
    ready = {"route": "/readyz", "method": "GET", "status": "200"}
    assert {served.value("tessera_http_request_seconds_count", **ready) for _ in range(2 * WORKERS)} == {
        before + REQUESTS
    }
    assert served.value("tessera_build_info") == 1
    files = {path.name for path in folder_of(served).iterdir()}

    for worker in served.workers:
        worker.kill()
    served.process.wait_until(lambda: answers_twice(served), 60)
    served.ask(REQUESTS, "/readyz")
    assert served.value("tessera_http_request_seconds_count", **ready) == before + 2 * REQUESTS
    assert len({path.name for path in folder_of(served).iterdir()}) <= len(files) + 2  # what the dead have counted


def test_clients_make_no_time_series(served: Served) -> None:
    served.ask(5, "/no/such/path")
    served.ask(1, "/health", "PROPFIND")
    for name in ("Redeem", "B4111111111111111", "RedeemCoupon"):
        body = {"query": REDEEM.replace("Redeem(", f"{name}("), "variables": {"i": NOBODYS}, "operationName": name}
        httpx.post(f"{served.url}/graphql", json=body, timeout=30)
    text = httpx.get(served.metrics_url, timeout=30).text
    assert "such" not in text
    assert "PROPFIND" not in text
    assert "4111" not in text
    assert served.value("tessera_http_request_seconds_count", route="other", status="404") == 5
    assert served.value("tessera_http_request_seconds_count", method="other") == 1
    refused = {"type": "mutation", "outcome": "INVALID_COUPON_CODE"}
    assert served.value("tessera_graphql_operation_seconds_count", operation="other", **refused) == 2
    # This is the name of an example of GraphiQL.
    assert served.value("tessera_graphql_operation_seconds_count", operation="RedeemCoupon", **refused) == 1
    assert served.value("tessera_commands_total", verb="REDEEM_COUPON", outcome="INVALID_COUPON_CODE") == 3


def test_what_the_verbs_do_is_counted(served: Served) -> None:
    made = httpx.post(f"{served.url}/api/coupon", json={"twitterId": "2", "username": "grace", "followers": 1500})
    assert made.status_code == 201
    for _ in range(6):
        httpx.post(f"{served.url}/api/coupon", json={"twitterId": "2", "username": "grace", "followers": 1500})
    assert served.value("tessera_commands_total", verb="CREATE_COUPON", outcome="DONE") == 1
    assert served.value("tessera_commands_total", verb="CREATE_COUPON", outcome="COUPON_ALREADY_EXISTS") >= 1
    limited = served.value("tessera_rate_limited_total")
    assert limited >= 1  # Each counts once, however often it is looked at.
    create = {"route": "/api/coupon", "method": "POST"}
    assert served.value("tessera_http_request_seconds_count", status="429", **create) == limited
    assert served.value("tessera_batch_commands_sum", lane="coupons") >= 3
    assert served.value("tessera_batch_seconds_count", lane="coupons") >= 1
    assert served.value("tessera_mongodb_command_seconds_count", command="commitTransaction", outcome="ok") >= 1
    assert served.value("tessera_mongodb_connections", state="open") >= 1
    assert served.value("tessera_mongodb_connections", state="awaited") == 0
    assert served.value("tessera_refusals_lost_total") == 0


def test_the_dashboard_and_the_alerts_name_what_is_there(served: Served) -> None:
    httpx.post(f"{served.url}/graphql", json={"query": "{ __typename }"})
    httpx.post(f"{served.url}/api/coupon", json={})
    assert named() - of_consumers() <= scraped(httpx.get(served.metrics_url, timeout=30).text)


def test_the_port_shows_nothing_else_and_the_api_no_metrics(served: Served) -> None:
    assert httpx.get(served.metrics_url.replace("/metrics", "/health")).status_code == 404
    assert httpx.post(served.metrics_url).status_code == 405
    assert httpx.get(f"{served.url}/metrics").status_code == 404


def test_the_folder_goes_with_the_service(served: Served) -> None:
    folder = folder_of(served)
    served.process.stop()
    assert not folder.exists()


def folder_of(served: Served) -> Path:
    """The folder in which the workers count, by the files that they have open."""
    opened = [Path(file.path).parent for file in psutil.Process(served.process.pid).open_files()]
    [folder] = {path for path in opened if path.name.startswith(PREFIX)}
    assert folder.parent == IN_MEMORY
    return folder


def answers_twice(served: Served) -> bool:
    """Whether as many workers serve as there are to be."""
    if len(served.workers) < WORKERS or any(worker.status() == psutil.STATUS_ZOMBIE for worker in served.workers):
        return False
    try:
        served.ask(1, "/livez")
    except httpx.TransportError:
        return False
    return time.time() - max(worker.create_time() for worker in served.workers) > 0.5
