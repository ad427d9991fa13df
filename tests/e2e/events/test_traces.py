"""One trace from a request over MongoDB and Kafka to the consumer of an event, and nothing of anybody in it."""

from tests.support.api import ADMIN_KEY, bearer
from tests.support.collector import Collector, Seen, collecting
from tests.support.consumers import EventWorld, header
from tests.support.eventually import eventually
from tests.support.orders import payment
from tests.support.workers import Worker

TRACE, ROOT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CREATE = "mutation CreateCoupon($i: CreateCouponInput!) { createCoupon(input: $i) { __typename } }"
NEW = {"twitterId": "778899001122", "username": "lady-lovelace", "followers": 1500}
ACCEPTED, CREATED = "payment-service-accept", "couponSystem-couponCreated"


async def test_a_request_its_event_and_what_follows_from_that_are_one_trace(own_world: EventWorld) -> None:
    with collecting() as collector:
        telling = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        own_world.environment |= telling
        await own_world.worker().start()
        served = Worker(own_world.environment["MONGO_URI"], KAFKA_URI=own_world.kafka_uri, **telling)
        await served.start()
        try:
            traced = {"traceparent": f"00-{TRACE}-{ROOT_SPAN}-01"} | bearer("user-of-secret-name")
            body = {"query": CREATE, "variables": {"i": NEW}}
            answer = await served.http.post("/graphql", json=body, headers=traced)
            assert answer.json() == {"data": {"createCoupon": {"__typename": "CreateCouponPayload"}}}
            [sent] = await own_world.arrived(CREATED, 1)
            # As another service would go on: with an event of its own, below the one that it has got.
            paid = payment()
            await own_world.send(ACCEPTED, paid, headers={"traceparent": header(sent, "traceparent")})
            order = await own_world.order_of(paid)
            [ordered] = await own_world.arrived(
                "orderService-orderCreated", 1, where=lambda r: r.key == order.id.encode()
            )
            assert header(ordered, "traceparent").split("-")[1] == TRACE
            wanted = {
                "mutation CreateCoupon", "coupons.create", "coupons batch", "insert outbox", "commitTransaction",
                f"send {CREATED}", f"process {own_world.prefix}{ACCEPTED}", "orders.create_from_payments",
                "insert orders", "send orderService-orderCreated",
            }  # fmt: skip
            await eventually(lambda: wanted <= names(collector), within=60)
        finally:
            await served.stop()
    spans = collector.of_trace(TRACE)
    assert {span.service for span in spans.values()} == {"tessera-api", "tessera-consumers"}
    assert [span.name for span in spans.values() if span.parent_id == ROOT_SPAN] == ["mutation CreateCoupon"]
    assert all(span.parent_id in {*spans, ROOT_SPAN} for span in spans.values())
    assert way(spans, "insert outbox") == ["coupons batch", "coupons.create", "mutation CreateCoupon"]
    assert way(spans, f"process {own_world.prefix}{ACCEPTED}")[0] == f"send {CREATED}"
    secrets = (NEW["twitterId"], NEW["username"], "user-of-secret-name", ADMIN_KEY, "127.0.0.1", paid["userId"])
    for secret in (*secrets, paid["_id"], order.id):
        assert str(secret).encode() not in collector.raw


def names(collector: Collector) -> set[str]:
    return {span.name for span in collector.of_trace(TRACE).values()}


def way(spans: dict[str, Seen], name: str) -> list[str]:
    """What the first span of this name is below, the nearest first."""
    found = next(span for span in spans.values() if span.name == name)
    above = []
    while found := spans.get(found.parent_id):  # type: ignore[assignment]
        above.append(found.name)
    return above
