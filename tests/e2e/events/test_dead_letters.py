"""Dead letters: where they came from, why, what is cut from them, and how they come back."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import orjson
from typer.testing import CliRunner

from consumers.kafka.records import event_id
from models.orders.commands import FindOrders
from models.principal import SYSTEM
from models.values.instants import iso
from server.cli import app
from tests.support.api import unique
from tests.support.consumers import EventWorld, header
from tests.support.eventually import eventually
from tests.support.orders import CARD_NUMBER, payment
from tests.support.payment_service import PaymentService

ACCEPTED = "payment-service-accept"
DLT = f"{ACCEPTED}.dlt"


async def run(world: EventWorld, *words: str, given: str | None = None) -> str:
    """What `tessera …` prints; it has a loop of its own, so it runs in a thread."""
    result = await asyncio.to_thread(
        CliRunner().invoke, app, list(words), env=world.environment, input=given, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.output


async def test_a_dead_letter_says_where_it_came_from_and_why(world: EventWorld) -> None:
    key = unique("origin")
    before = datetime.now(UTC)
    await world.send(ACCEPTED, {"_id": key, "userId": "u"}, key=key, headers={"ce_id": key, "ce_source": "/pay"})
    (dead,) = await world.arrived(DLT, 1, where=lambda r: r.key == key.encode())
    (origin,) = await world.arrived(ACCEPTED, 1, where=lambda r: r.key == key.encode())
    assert header(dead, "dlt-original-topic") == world.prefix + ACCEPTED
    assert header(dead, "dlt-original-partition") == str(origin.partition)
    assert header(dead, "dlt-original-offset") == str(origin.offset)
    assert iso(before)[:16] <= header(dead, "dlt-original-timestamp")
    assert header(dead, "dlt-event-id") == event_id(origin)
    assert header(dead, "dlt-error-code") == "BAD_USER_INPUT"
    assert "products is required" in header(dead, "dlt-error-message")
    assert "totalPrice is required" in header(dead, "dlt-error-message")
    assert (header(dead, "ce_id"), header(dead, "ce_source")) == (key, "/pay")


async def test_a_poison_message_holds_up_nobody_in_its_partition(world: EventWorld) -> None:
    paid = [payment() for _ in range(20)]
    for number, good in enumerate(paid):
        await world.send(ACCEPTED, good, key="one partition")
        if number % 5 == 0:
            await world.send(ACCEPTED, b"poison", key="one partition")
    for good in paid:
        await world.order_of(good)


async def test_a_dead_letter_comes_back_by_replay_after_the_cause_is_mended_and_acts_once(
    world: EventWorld, payments: PaymentService
) -> None:
    paid = payment()
    key = paid["_id"]
    await world.send(ACCEPTED, {"paymentId": key}, key=key)
    (dead,) = await world.arrived(DLT, 1, where=lambda r: r.key == key.encode())
    topic = world.prefix + DLT
    payments.payments[key] = paid

    shown = await run(world, "replay", topic, "--key", key, "--code", "NOT_FOUND", "--dry-run")
    assert key in shown
    assert "1 dead letters would be put back" in shown
    assert "0 dead letters" in await run(world, "replay", topic, "--key", key, "--code", "BAD_USER_INPUT")
    assert "0 dead letters" in await run(world, "replay", topic, "--key", key, "--since", "2100-01-01")
    assert await world.services.orders.find_by_user(SYSTEM, FindOrders(paid["userId"])) == []

    assert "1 dead letters were put back" in await run(world, "replay", topic, "--key", key, "--since", "2020-01-01")
    order = await world.order_of(paid)
    assert "0 dead letters" in await run(world, "replay", topic, "--key", key)
    assert "1 dead letters" in await run(world, "replay", topic, "--key", key, "--again", "--limit", "1")
    twice = await world.arrived(ACCEPTED, 3, where=lambda r: r.key == key.encode())
    assert event_id(twice[0]) == event_id(twice[1]) == event_id(twice[2]) == header(dead, "dlt-event-id")
    assert len(await world.arrived("orderService-orderCreated", 1, where=lambda r: r.key == order.id.encode())) == 1


async def test_replay_names_what_is_wrong_with_its_topic(world: EventWorld) -> None:
    for topic, sentence in ((ACCEPTED, "ends with .dlt"), ("nobody.dlt", "no topic nobody.dlt")):
        result = await asyncio.to_thread(CliRunner().invoke, app, ["replay", topic], env=world.environment)
        assert result.exit_code == 1
        assert sentence in result.output


async def test_emit_puts_an_event_in_and_cuts_its_card(world: EventWorld) -> None:
    paid, several = payment(), [payment(), payment()]
    said = await run(world, "emit", world.prefix + ACCEPTED, "-", given=json.dumps(paid))
    assert await world.order_of(paid)
    (record,) = await world.arrived(ACCEPTED, 1, where=lambda r: r.key == paid["_id"].encode())
    assert header(record, "ce_id") in said
    assert orjson.loads(record.value)["cardNumber"] == 42
    await run(world, "emit", world.prefix + ACCEPTED, "-", "--each", given="\ufeff" + json.dumps(several, indent=1))
    for one in several:
        await world.order_of(one)


async def test_a_whole_card_number_is_nowhere(world: EventWorld) -> None:
    """Pushed through a good event, bad ones of many shapes, a key, a header and the command line."""
    number, spaced, loose = str(CARD_NUMBER), "4111 1111 1111 0042", "5555555555554444"
    good, marker = payment(cardNumber=number), unique("card")
    await world.send(ACCEPTED, good)
    shapes: list[object] = [
        payment(products=None),
        payment(cardNumber=spaced, totalPrice="much"),
        [payment()],
        {"payment": {"card": {"number": "5555 5555 5555 4444"}, "note": f"paid by {loose}"}, "n": int(loose)},
        b'{"cardNumber": ' + number.encode() + b", broken",
        b'{"cardNumber": ' + number.encode() + b', "cardNumber": 42}',
        f"card {spaced}".encode(),
    ]
    for shape in shapes:
        await world.send(ACCEPTED, shape, key=marker)
    await world.send("campaignService-campaignCreated", [{"_id": "x", "cardNumber": CARD_NUMBER}], key=marker)
    await world.send(
        ACCEPTED, b"{", key=f"{marker} {spaced}", headers={"note": loose, "ce_subject": loose, "ce_id": marker}
    )
    await world.order_of(good)
    await world.arrived(DLT, len(shapes), where=lambda r: r.key == marker.encode())
    await world.arrived(DLT, 1, where=lambda r: ("ce_id", marker.encode()) in r.headers)
    await world.arrived("campaignService-campaignCreated.dlt", 1, where=lambda r: r.key == marker.encode())

    needles = (number[:12].encode(), spaced[:14].encode(), loose[:12].encode(), b"5555 5555 5555")
    written = [record for topic in world.written_topics() for record in await world.records(topic)]
    assert len(written) > len(shapes)
    assert _holding(needles, (repr((r.key, r.value, r.headers)).encode() for r in written)) == []
    assert _holding(needles, [worker.log.read_bytes() for worker in world.workers]) == []
    database = world.services.database.client[world.services.database.name]
    for collection in await database.list_collection_names():
        documents = [repr(document).encode() async for document in database[collection].find()]
        assert _holding(needles, documents) == [], collection


async def test_neither_a_security_code_nor_an_expiry_is_in_a_dead_letter_of_any_topic(world: EventWorld) -> None:
    """Whatever is wrong with the record, and wherever in it they stand."""
    code, expiry, marker = "9137", "11/39", unique("secret")
    secrets = {"cvv": code, "cardExpiry": expiry}
    plain = json.dumps(payment(totalPrice="much", **secrets))
    shapes: list[object] = [
        plain.encode(),
        plain.replace("1 Long Street", "Long Street \\ud83d").encode(),
        plain.replace("1 Long Street", "Zoë").encode("latin-1"),
        json.dumps(plain).encode(),
        b"\x00\x00\x00\x00\x07" + plain.encode(),
        plain.encode()[:-1],
        [payment(**secrets)],
        payment(address=json.dumps(secrets), products=None),
    ]
    for shape in shapes:
        await world.send(ACCEPTED, shape, key=marker)
    await world.send(ACCEPTED, {"x": 1}, key=marker, headers={"cvv": code, "ce_subject": f"cvv {code}"})
    others = {
        "campaignService-campaignUpdated": [{"_id": "x", **secrets}, {"_id": secrets}],
        "couponService-couponCreated": {"_id": "x", "card": secrets},
        "couponService-couponRedeemed": {"resMsg": {"_id": "x", **secrets}, **secrets},
        "basketService-setUsage-active": {"product": {"userId": "u", **secrets}},
    }
    for topic, value in others.items():
        await world.send(topic, value, key=marker)
    dead = await world.arrived(DLT, len(shapes) + 1, where=lambda r: r.key == marker.encode())
    for topic in others:
        dead += await world.arrived(f"{topic}.dlt", 1, where=lambda r: r.key == marker.encode())
    for letter in dead:
        json.loads(letter.value)
        named = [pair for pair in letter.headers if pair[0] not in ("dlt-value-digest", "dlt-original-timestamp")]
        assert _holding([code.encode(), expiry.encode()], [letter.value, repr(named).encode()]) == []


async def test_metrics_count_dead_letters_by_topic_and_code(world: EventWorld) -> None:
    (worker,) = world.workers
    name = f'tessera_dead_letters_total{{code="BAD_USER_INPUT",topic="{world.prefix + ACCEPTED}"}}'
    before = (await worker.metrics()).get(name, 0)
    await world.send(ACCEPTED, b"poison")

    async def counted() -> bool:
        return (await worker.metrics()).get(name, 0) == before + 1

    await eventually(counted, within=30)


def _holding(needles: Sequence[bytes], haystacks: Iterable[bytes]) -> list[bytes]:
    return [haystack[:500] for haystack in haystacks if any(needle in haystack for needle in needles)]
