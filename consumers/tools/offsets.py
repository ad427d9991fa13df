"""`tessera offsets`: sets a group back to a moment, so that what came since is consumed again."""

from collections.abc import Collection, Mapping
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError

from consumers.connection import KafkaConnection
from consumers.kafka.admin import without_making_topics
from consumers.tools.offset_plan import OffsetMove, OffsetPlan

_LEFT = ("Empty", "Dead")
"""The states of a group in which nobody is: Kafka forgets what a group in another one has committed by itself."""


class GroupIsLive(Exception):
    """Consumers are in the group; the message says how many and where."""


async def move_offsets(
    connection: KafkaConnection, group: str, topics: Collection[str], moment: datetime, *, confirm: bool
) -> OffsetPlan:
    """Set each partition of these topics back to its first record of this moment or later; with `confirm` it is done.

    No partition goes forward, because what had not acted yet would never act: one that stands before the moment
    already stays. Topics that are not there are passed over. Raises `GroupIsLive` where consumers came in between,
    and `KafkaError` without Kafka; then no partition was moved.
    """
    admin = AIOKafkaAdminClient(**connection.options())
    consumer = AIOKafkaConsumer(**connection.options(), group_id=group, enable_auto_commit=False)
    without_making_topics(consumer._client)  # noqa: SLF001  # the client has no switch for it
    try:
        await admin.start()
        await consumer.start()
        refusal = await _why_live(admin, group)
        found = await _partitions(admin, topics)
        stored = {place: kept.offset for place, kept in (await admin.list_consumer_group_offsets(group)).items()}
        moves = await _plan(consumer, found, stored, moment) if found else ()
        if confirm and refusal is None:
            await _commit(consumer, group, [move for move in moves if move.target != move.stored])
        return OffsetPlan(moves, refusal)
    finally:
        await consumer.stop()
        await admin.close()


async def _why_live(admin: AIOKafkaAdminClient, group: str) -> str | None:
    """Who is in the group, in a sentence; None where nobody is."""
    (answer,) = await admin.describe_consumer_groups([group])
    (described,) = answer.to_object()["groups"]
    members = described["members"]
    if described["state"] in _LEFT and not members:
        return None
    hosts = ", ".join(sorted({str(member["client_host"]).lstrip("/") for member in members})) or "no host yet"
    return f"The group {group} is live ({len(members)} consumers, at {hosts}): stop every `tessera consume` first"


async def _partitions(admin: AIOKafkaAdminClient, topics: Collection[str]) -> list[TopicPartition]:
    # Asked for by name, a broker may make a topic that is missing.
    known = await admin.describe_topics()
    return sorted(
        TopicPartition(found["topic"], partition["partition"])
        for found in known
        if found["topic"] in topics
        for partition in found["partitions"]
    )


async def _plan(
    consumer: AIOKafkaConsumer,
    places: Collection[TopicPartition],
    stored: Mapping[TopicPartition, int],
    moment: datetime,
) -> tuple[OffsetMove, ...]:
    milliseconds = int(moment.timestamp() * 1000)
    first = await consumer.offsets_for_times(dict.fromkeys(places, milliseconds))
    ends = await consumer.end_offsets(places)
    moves = []
    for place in places:
        since = first.get(place)
        wanted = ends[place] if since is None else since.offset
        kept = stored.get(place, -1)
        target = wanted if kept < 0 else min(wanted, kept)
        moves.append(OffsetMove(place.topic, place.partition, kept if kept >= 0 else None, target, ends[place]))
    return tuple(moves)


async def _commit(consumer: AIOKafkaConsumer, group: str, moves: Collection[OffsetMove]) -> None:
    """Store all at once, for a group in which nobody is; Kafka itself refuses it where somebody came meanwhile."""
    if not moves:
        return
    targets = {TopicPartition(move.topic, move.partition): move.target for move in moves}
    consumer.assign(list(targets))
    try:
        await consumer.commit(targets)
    except (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError) as fault:
        raise GroupIsLive(f"The group {group} became live, nothing was moved: stop every `tessera consume`") from fault
