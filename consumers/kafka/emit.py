"""`tessera emit`: puts an event into a topic, as another service would."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from consumers.kafka.admin import Broker
from consumers.kafka.dead_letters import cut_value
from consumers.kafka.records import cloud_event_headers
from models.errors import InvalidInput
from models.instants import to_milliseconds

_KEYS = ("paymentId", "_id", "userId")


async def emit_events(servers: str, topic: str, text: str, *, key: str | None, each: bool) -> list[str]:
    """Send the JSON `text` as one event, or `each` item of the list it holds as one; answers the events' ids.

    Card numbers are cut to their last four digits before. Without a key the value's own id is the key. Raises
    `InvalidInput` for what is no JSON, `KafkaError` without Kafka.
    """
    broker, identifiers = Broker(servers, partitions=1), []
    values = _values(text, each)
    producer = broker.producer()
    try:
        await producer.start()
        for value in values:
            identifiers.append(str(uuid.uuid4()))
            record_key = key if key is not None else _key_of(value)
            now = to_milliseconds(datetime.now(UTC))
            headers = cloud_event_headers(identifiers[-1], topic, now, record_key or identifiers[-1])
            raw = cut_value(json.dumps(value).encode())
            await producer.send_and_wait(topic, raw, key=record_key.encode() if record_key else None, headers=headers)
    finally:
        await producer.stop()
    return identifiers


def _values(text: str, each: bool) -> Sequence[object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput.of("value", "The file is not JSON") from None
    if not each:
        return [value]
    if not isinstance(value, list):
        raise InvalidInput.of("value", "The file holds no list, so there is nothing to send one by one")
    return value


def _key_of(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((found for name in _KEYS if isinstance(found := value.get(name), str)), None)
