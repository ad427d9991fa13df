"""A partition gives its records up when it is asked to, and asks for a new consumer when its own cannot go on."""

import asyncio
import signal

import pytest
from aiokafka.errors import CommitFailedError

from consumers.kafka import partition as partitions
from consumers.process import ConsumersProcess
from consumers.settings import ConsumerSettings
from devtools.embedded.ports import free_ports
from tests.support.consumed_topic import Topic
from tests.support.consumers import EventWorld
from tests.support.eventually import eventually
from tests.support.orders import payment
from tests.support.raw_records import Odd

HOLD, BEHIND = Odd(b'"hold"'), Odd(b'"behind"')


async def taken_over(topic: Topic) -> None:
    """Another consumer comes after the first, and the topic is read to its end."""
    topic.released.set()
    topic.group = topic.consumer(topic.world.services)
    await topic.group.start()
    await topic.good()


async def test_a_transaction_under_way_is_finished_and_what_stands_behind_it_comes_again(topic: Topic) -> None:
    assert topic.group is not None
    await topic.put(*[Odd(b'"before"'), HOLD, *[Odd(b'"x"')] * 18], *[BEHIND])
    await topic.holds.wait()
    closing = asyncio.create_task(topic.group.close())
    await asyncio.sleep(0.2)
    assert not closing.done()
    topic.released.set()
    await closing
    assert topic.acted == ["before", "hold", *["x"] * 18]
    await taken_over(topic)
    assert topic.acted[20:21] == ["behind"]


async def test_a_transaction_that_does_not_end_is_given_up_and_its_events_come_again(
    topic: Topic, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert topic.group is not None
    monkeypatch.setattr(partitions, "_DRAIN_TIMEOUT", 0.3)
    await topic.put(HOLD)
    await topic.holds.wait()
    await topic.group.close()
    assert "gave up a transaction that does not end" in caplog.text
    assert topic.acted == []
    await taken_over(topic)
    assert topic.acted[0] == "hold"


async def test_where_offsets_cannot_be_committed_events_act_all_the_same_and_once(
    topic: Topic, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert topic.group is not None

    async def commit(_: object) -> None:
        raise CommitFailedError("the group has gone on without it")

    monkeypatch.setattr(topic.group._consumer, "commit", commit)
    with caplog.at_level("INFO", "tessera.consumer"):
        await topic.put(BEHIND, Odd(b'"refuse"'))
        await topic.good()
        await topic.group.close()
    assert "an offset was not committed" in caplog.text
    await taken_over(topic)
    assert topic.acted.count("behind") == 1
    # What was refused has not acted, and is refused again.
    assert len(await topic.letters()) == 2


# A consumer of aiokafka that is stopped behind its owner's back may leave the connection that it was just opening.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_consumer_that_cannot_go_on_is_given_up(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    assert topic.group is not None
    monkeypatch.setattr(partitions, "FAILURES", 1)
    await topic.good()
    await topic.group._consumer.stop()
    await asyncio.wait_for(topic.group.broken.wait(), 30)
    assert topic.group.stuck == []
    await topic.group.close()
    await taken_over(topic)


async def test_the_process_makes_a_consumer_that_cannot_go_on_anew(
    own_world: EventWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(partitions, "FAILURES", 1)
    settings = ConsumerSettings.from_environment(own_world.environment | {"CONSUMERS_PORT": str(free_ports(1)[0])})
    process = ConsumersProcess(settings)
    running = asyncio.create_task(process.run())
    try:
        await acts(own_world)
        first = process._group
        assert first is not None
        await first._consumer.stop()
        await eventually(lambda: process._group not in (None, first), within=60)
        await acts(own_world)
        assert "the consumer cannot go on and is made anew" in caplog.text
    finally:
        signal.raise_signal(signal.SIGQUIT)
        assert await asyncio.wait_for(running, 60) == 0
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            asyncio.get_running_loop().remove_signal_handler(number)


async def acts(world: EventWorld) -> None:
    """A payment that is accepted now becomes an order."""
    paid = payment()
    await world.send("payment-service-accept", paid)
    await world.order_of(paid)
