"""Records become events: one for each, or one for each item where a value is a list whose items act by themselves."""

import json
import logging
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from consumers.handler import Handler
from consumers.kafka.kept_values import keep_item, sendable
from consumers.kafka.letters import Part, describe
from consumers.kafka.records import Record, event_id, item_id, place, read_json
from models.errors import DomainError, InvalidInput

log = logging.getLogger("tessera.consumer")


@dataclass(frozen=True, slots=True)
class Event:
    """What could be read of a record. Where it is an item of a list, `position` is its place there."""

    record: Record
    id: str
    command: Any
    position: int | None = None
    item: object = None


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """An item of a record's list that cannot act."""

    record: Record
    position: int
    item: object
    refusal: DomainError


class ItemsRefused(DomainError):
    """Several items of a list, each for a reason of its own; the code is the first's."""

    def __init__(self, refusals: Sequence[DomainError]) -> None:
        self.code = refusals[0].code  # type: ignore[misc]  # As many codes as refusals have.
        super().__init__("; ".join(f"item {n}: {describe(refusal)}" for n, refusal in enumerate(refusals, 1)))


def read_events(record: Record, handler: Handler) -> Iterator[Event | RefusedItem]:
    """The events of a record, and the items that are none. Raises `InvalidInput` where nothing of it can be read."""
    raw = read_json(record.value)
    if not handler.lists or not isinstance(raw, list):
        yield Event(record, event_id(record), _read(record, handler, raw))
        return
    if not raw:
        raise InvalidInput.of("value", "The event holds nothing")
    whole, said = event_id(record), Counter[str]()
    for position, item in enumerate(raw):
        try:
            command = _read(record, handler, item)
            # By what it says and not by its place: in the dead letter of some items their places are others.
            text = _text_of(record.topic, item)
            yield Event(record, item_id(whole, text, said[text]), command, position, item)
            said[text] += 1
        except InvalidInput as refusal:
            yield RefusedItem(record, position, item, refusal)


def letters_of(refused: Sequence[RefusedItem]) -> Iterator[tuple[Part, DomainError]]:
    """For each record the part of its list that was refused, and why."""
    ordered = sorted(refused, key=lambda one: (one.record.offset, one.position))
    for _, group in groupby(ordered, key=lambda one: one.record.offset):
        items = list(group)
        refusals = [one.refusal for one in items]
        alike = len({describe(refusal) for refusal in refusals}) == 1
        yield Part(items[0].record, [one.item for one in items]), refusals[0] if alike else ItemsRefused(refusals)


def _read(record: Record, handler: Handler, raw: object) -> Any:
    try:
        return handler.read(raw)
    except DomainError:
        raise
    except Exception as fault:
        # Reading has no effects and asks nobody: whatever it stumbles over is in the data. Only frames are logged,
        # because the message of an exception may hold what was sent.
        frames = "".join(traceback.format_tb(fault.__traceback__))
        log.error("an event cannot be read: %s\n%s", type(fault).__name__, frames, extra=place(record))
        raise InvalidInput.of("value", f"The event cannot be read ({type(fault).__name__})") from None


def _text_of(topic: str, item: object) -> str:
    kept = keep_item(topic, item)
    if kept.whole and kept.value is not None:
        return kept.value.decode()
    # As it goes back into its topic, where replay leaves out what is no part of it: it stays the event that it was.
    return json.dumps(sendable(topic, item), default=str, sort_keys=True)
