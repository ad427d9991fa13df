"""`tessera emit`: puts an event into a topic, as another service would."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from consumers.connection import KafkaConnection
from consumers.kafka.admin import Broker
from consumers.kafka.kept_values import sendable
from consumers.kafka.records import cloud_event_headers, read_json, write_json
from models.errors import InvalidInput
from models.values.instants import to_milliseconds
from models.values.kept import may_hold_secret

_KEYS = ("paymentId", "_id", "userId")


async def emit_events(connection: KafkaConnection, topic: str, raw: bytes, *, key: str | None, each: bool) -> list[str]:
    """Send the JSON `raw` as one event, or `each` item of the list it holds as one; returns the events' ids.

    It may be written as the consumers take it. Of the events of a topic that is consumed only what may be kept of them
    is sent, of others all but card numbers, security codes and expiries; numbers go as they are written. Without a key
    the value's own id is the key. Raises `InvalidInput` for what is no JSON, `KafkaError` without Kafka.
    """
    if key is not None and may_hold_secret(key):
        raise InvalidInput.of("key", "The key looks like a card number or its expiry")
    values = [sendable(topic, value) for value in _values(raw, each)]
    broker, identifiers = Broker(connection, partitions=1), []
    producer = await broker.open_producer()
    try:
        for value in values:
            identifiers.append(str(uuid.uuid4()))
            record_key = key if key is not None else _key_of(value)
            now = to_milliseconds(datetime.now(UTC))
            headers = cloud_event_headers(identifiers[-1], topic, now, record_key or identifiers[-1])
            record = write_json(value)
            await producer.send_and_wait(topic, record, key=_encoded(record_key), headers=headers)
    finally:
        await producer.stop()
    return identifiers


def _values(raw: bytes, each: bool) -> Sequence[object]:
    value = read_json(raw, "The file")
    if not each:
        return [value]
    if not isinstance(value, list):
        raise InvalidInput.of("value", "The file holds no list, so there is nothing to send one by one")
    return value


def _key_of(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((found for name in _KEYS if isinstance(found := value.get(name), str)), None)


def _encoded(key: str | None) -> bytes | None:
    return key.encode(errors="backslashreplace") if key else None
