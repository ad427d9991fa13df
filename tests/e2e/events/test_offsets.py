"""`tessera offsets`: shows, refuses while consumers run, sets back, and what is consumed again acts once."""

import asyncio
from datetime import UTC, datetime, timedelta
from unittest.mock import AsyncMock

import pytest
from typer.testing import CliRunner, Result

from consumers.handlers.payment_service import PaymentService
from consumers.topics import CONSUMED, handlers
from models.orders.commands import FindOrders
from models.principal import SYSTEM
from models.values.instants import iso
from server.cli import app
from tests.support.consumers import EventWorld
from tests.support.orders import payment

ACCEPTED = "payment-service-accept"


async def offsets(world: EventWorld, *words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["offsets", *words], env=world.environment)


async def test_a_group_goes_back_to_a_moment_once_it_is_stopped_and_acts_once(
    own_world: EventWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, paid = own_world.worker(), [payment() for _ in range(4)]
    await worker.start()
    await own_world.send(ACCEPTED, paid[0], key="k")
    await own_world.order_of(paid[0])
    between = iso(datetime.now(UTC))
    await asyncio.sleep(0.01)
    for one in paid[1:3]:
        await own_world.send(ACCEPTED, one, key="k")
    await own_world.order_of(paid[2])

    refused = await offsets(own_world, "--to", between, "--confirm")
    assert refused.exit_code == 1
    assert "is live (1 consumers, at 127.0.0.1): stop every `tessera consume` first" in refused.output
    with monkeypatch.context() as patched:
        # Consumers that come after one has looked: Kafka itself refuses.
        patched.setattr("consumers.tools.offsets._why_live", AsyncMock(return_value=None))
        late = await offsets(own_world, "--to", between, "--confirm")
    assert (late.exit_code, "became live, nothing was moved" in late.output) == (1, True)
    assert await worker.stop() == 0

    shown = await offsets(own_world, "--to", between)
    assert shown.exit_code == 0, shown.output
    assert "2 records again" in shown.output
    assert "Nothing was changed" in shown.output
    done = await offsets(own_world, "--to", between, "--confirm")
    assert done.exit_code == 0, done.output
    assert f"of the group {own_world.prefix}tessera were set to {between}, 2 records back" in done.output
    # A second time there is nothing to do, and a later moment brings nobody forward.
    for later in (between, iso(datetime.now(UTC))):
        assert "0 partitions" in (await offsets(own_world, "--to", later, "--confirm")).output

    again = own_world.worker()
    await again.start()
    await own_world.send(ACCEPTED, paid[3], key="k")
    await own_world.order_of(paid[3])
    # In its partition it came after those that were consumed again, each of which has the one order it had.
    for one in paid:
        assert len(await own_world.services.orders.find_by_user(SYSTEM, FindOrders(one["userId"]))) == 1


async def test_what_cannot_be_a_moment_is_refused_and_an_old_one_is_warned_of(own_world: EventWorld) -> None:
    topic = own_world.prefix + ACCEPTED
    await own_world.send(ACCEPTED, payment())
    for moment, sentence in (("soon", "must be an instant"), ("2999-01-01", "yet to come")):
        refused = await offsets(own_world, "--to", moment, "--confirm")
        assert (refused.exit_code, sentence in refused.output) == (2, True)
    old = await offsets(own_world, "--to", iso(datetime.now(UTC) - timedelta(days=8)))
    assert old.exit_code == 0
    assert "more than 7 days ago" in old.output
    assert topic in old.output
    assert "has no offset yet" in old.output


async def test_without_topics_and_without_kafka_it_says_so(own_world: EventWorld) -> None:
    none = await offsets(own_world, "--to", "2026-01-01")
    assert (none.exit_code, "None of the topics" in none.output) == (1, True)
    own_world.environment["KAFKA_URI"] = "127.0.0.1:9"
    away = await offsets(own_world, "--to", "2026-01-01")
    assert away.exit_code == 1
    assert "KafkaConnectionError" in away.output
    assert "Traceback" not in away.output


async def test_the_topics_that_are_named_are_those_with_a_handler(own_world: EventWorld) -> None:
    payments = PaymentService(None)
    assert set(handlers(own_world.services, payments)) == set(CONSUMED)
    await payments.close()
