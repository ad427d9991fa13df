"""`docs/events.md`: it names every topic and metric, and its examples are what is really sent and taken."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from consumers.handlers.payment_service import PaymentService
from consumers.kafka.records import read_json
from consumers.metrics import Metrics
from consumers.topics import PRODUCED, handlers
from models.orders.commands import RefundOrder
from models.principal import SYSTEM
from server.metrics.api import ApiMetrics
from tests.support.api import ADMIN, Api
from tests.support.events import switch_and_move
from tests.support.orders import make_order

PAGE = (Path(__file__).parents[3] / "docs" / "events.md").read_text()
OPERATIONS = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
METRIC = re.compile(r"^\| `(tessera_\w+)", re.MULTILINE)
SECTION = re.compile(r"^### (?P<title>`[^\n]*`)\n(?P<text>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> Iterator[tuple[str, str]]:
    """Every topic of the page with its example."""
    for section in SECTION.finditer(PAGE):
        (value,) = BLOCK.findall(section["text"])
        for topic in re.findall(r"`([^`]+)`", section["title"]):
            yield topic, value


def shape(value: Any) -> Any:
    """The names and kinds of a value, not what it says. A list shows its first item."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


async def test_the_page_has_every_topic(own_api: Api) -> None:
    consumed = handlers(own_api.services, PaymentService(None))
    assert sorted(topic for topic, _ in examples()) == sorted([*consumed, *PRODUCED])


async def test_every_example_that_is_consumed_is_taken(own_api: Api) -> None:
    table = handlers(own_api.services, PaymentService(None))
    for topic, value in examples():
        if topic in table:
            event = read_json(value.encode())
            items = event if table[topic].lists and isinstance(event, list) else [event]
            assert all(table[topic].read(item) for item in items), topic


async def test_every_example_that_is_produced_is_like_what_is_sent(own_api: Api) -> None:
    creator = await own_api.coupon()
    found = await own_api.http.get("/api/coupon", params={"twitterId": creator["twitterId"]})
    redeemer = {"redeemerTwitterId": "2", "username": "grace", "followers": 2000, "couponCode": creator["couponCode"]}
    await own_api.http.post("/api/redeem", json=redeemer)
    await own_api.http.delete(f"/admin/coupon/{found.json()['data']['_id']}", headers=ADMIN)
    made = await own_api.http.post("/admin/access-code", json={"maxUses": 1, "expiryDays": 1}, headers=ADMIN)
    code = made.json()["data"]["accessCode"]["code"]
    await own_api.http.post("/api/access-code/redeem", json={"code": code, "username": "ada"})
    order = await make_order(own_api.services)
    await own_api.services.orders.refund(SYSTEM, RefundOrder(order.id))
    order = await make_order(own_api.services)
    path = f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity=2"
    assert (await own_api.http.get(path, headers=ADMIN)).status_code == 200

    await switch_and_move(own_api.services)

    sent: dict[str, Any] = {}
    async for row in own_api.services.database.outbox.find().sort([("at", 1), ("n", 1)]):
        sent.setdefault(row["topic"], shape(row["value"]))
    assert sorted(sent) == sorted(PRODUCED)
    assert {topic: shape(json.loads(value)) for topic, value in examples() if topic in PRODUCED} == sent


def test_the_page_has_every_metric() -> None:
    shared = names_of(ApiMetrics(CollectorRegistry()).registry)
    assert set(METRIC.findall(PAGE)) == names_of(Metrics().registry) - shared
    assert set(METRIC.findall(OPERATIONS)) == shared


def names_of(registry: CollectorRegistry) -> set[str]:
    """The names of its metrics: a counter is shown with `_total`, a histogram by its name."""
    return {family.name + ("_total" if family.type == "counter" else "") for family in registry.collect()}
