"""A document of an older system, read field by field: what has no meaning names its field, what changed is noted."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from bson import ObjectId

from models.inputs import MAX_INT
from models.values.instants import to_milliseconds
from services.migrations.legacy_values import (
    LAST_INSTANT,
    MAX_COUNT,
    Unreadable,
    legacy_flag,
    legacy_instant,
    legacy_limit,
    legacy_list,
    legacy_money,
    legacy_number,
    legacy_object_id,
    legacy_text,
    legacy_whole,
)

Value = TypeVar("Value")


class Reading:
    """Reads the fields of one document, or of one object within it whose place is `path`.

    Every method returns None for a field that is missing, and raises `Unreadable` with the field's name. `changes`
    collects what had to be given another value than it had, as sentences.
    """

    def __init__(self, document: Mapping[str, object], path: str = "", changes: list[str] | None = None) -> None:
        self.document = document
        self.changes: list[str] = [] if changes is None else changes
        self._path = path

    def changed(self, name: str, sentence: str) -> None:
        self.changes.append(f"{self._path}{name} {sentence}")

    def refuse(self, name: str, sentence: str) -> Unreadable:
        return Unreadable(f"{self._path}{name} {sentence}")

    def text(self, name: str) -> str | None:
        return self._read(name, legacy_text)

    def flag(self, name: str) -> bool | None:
        return self._read(name, legacy_flag)

    def money(self, name: str) -> Decimal | None:
        return self._read(name, legacy_money)

    def object_id(self, name: str) -> ObjectId | None:
        return self._read(name, legacy_object_id)

    def list(self, name: str) -> list[Any]:
        return self._read(name, legacy_list)

    def whole(self, name: str, minimum: int = -MAX_COUNT, maximum: int = MAX_INT) -> int | None:
        return self._read(name, lambda raw: legacy_whole(raw, minimum=minimum, maximum=maximum))

    def count(self, name: str, maximum: int = MAX_INT) -> int:
        """A count: none where it is missing, and none where a race had brought it below nothing."""
        number = self.whole(name, maximum=maximum) or 0
        if number < 0:
            self.changed(name, f"was {number} and is 0")
        return max(0, number)

    def at_most(self, name: str, maximum: int = MAX_INT) -> int | None:
        """A whole number of zero or more, of which no more matters than that it is large."""
        number = self._read(name, legacy_number)
        if number is not None and number > maximum:
            self.changed(name, f"was {number} and is {maximum}")
            return maximum
        return self.whole(name, minimum=0, maximum=maximum)

    def limit(self, name: str) -> int | None:
        limit = self._read(name, legacy_limit)
        number = self._read(name, legacy_number)
        if limit is not None and number != limit:
            self.changed(name, f"was {number} and is {limit}")
        return limit

    def instant(self, name: str) -> datetime | None:
        instant = self._read(name, legacy_instant)
        if instant == LAST_INSTANT and self.document.get(name) != LAST_INSTANT:
            self.changed(name, "is the last instant there is")
        return instant

    def identifier(self) -> ObjectId:
        """`_id`, which an older system may have kept as a text."""
        raw = self.document["_id"]
        identifier = legacy_object_id(raw) if isinstance(raw, str | ObjectId) else None
        if identifier is None:
            raise self.refuse("_id", "is no ObjectId")
        return identifier

    def created_at(self) -> datetime:
        """`createdAt`, else what the ObjectId tells."""
        return self.instant("createdAt") or to_milliseconds(self.identifier().generation_time)

    def drop_unknown(self, known: frozenset[str]) -> None:
        """Note which fields are not among those known; they stay in the original that is kept beside."""
        unknown = [name for name in self.document if name not in known]
        if unknown:
            self.changes.append(f"{self._path}{', '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} left out")

    def _read(self, name: str, read: Callable[[object], Value]) -> Value:
        try:
            return read(self.document.get(name))
        except Unreadable as fault:
            raise self.refuse(name, str(fault)) from None
