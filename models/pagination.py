"""Pages. GraphQL asks by keyset cursors (`first`/`after`, `last`/`before`), REST by `page` and `limit`."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, TypeVar

import orjson
from pydantic import Field

from models.errors import FieldError, InvalidInput
from models.inputs import Input, Instant, Positive, Text, Whole
from models.readers import read_instant

Item = TypeVar("Item")

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KeysetOrder:
    """A total order over a collection: sort fields, then `_id`, all in one direction.

    Ids are raw ObjectIds, unless `has_text_ids`.
    """

    name: str
    fields: tuple[str, ...]
    descending: bool = True
    has_text_ids: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.fields, "_id")


@dataclass(frozen=True, slots=True)
class Window:
    """A Relay page: `size` items after or before a cursor; `backward` where `last` was asked for."""

    size: int = DEFAULT_PAGE_SIZE
    after: str | None = None
    before: str | None = None
    backward: bool = False

    @classmethod
    def of(cls, first: int | None, after: str | None, last: int | None, before: str | None) -> "Window":
        """Read Relay's four arguments; raises `InvalidInput` for sizes outside 0–100 and for both directions."""
        faults = [
            FieldError(name, f"{name} must be from 0 to {MAX_PAGE_SIZE}")
            for name, size in (("first", first), ("last", last))
            if size is not None and not 0 <= size <= MAX_PAGE_SIZE
        ]
        if first is not None and last is not None:
            faults.append(FieldError("last", "first and last cannot be asked for together"))
        if faults:
            raise InvalidInput(faults, faults[0].message)
        size = first if last is None else last
        return cls(DEFAULT_PAGE_SIZE if size is None else size, after, before, backward=last is not None)


@dataclass(frozen=True, slots=True)
class Edge(Generic[Item]):
    """An item, and the sort values of its place: its cursor is written only where it is asked for."""

    node: Item
    order: KeysetOrder
    values: Sequence[object]

    @property
    def cursor(self) -> str:
        return encode_cursor(self.order, self.values)


@dataclass(frozen=True, slots=True)
class Slice(Generic[Item]):
    """A page of a connection, in the order asked for."""

    edges: Sequence[Edge[Item]]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True)
class Period(Input):
    """When what a list holds has happened: `start` is within, `end` is not (no slots: it is mixed into filters)."""

    start: Annotated[Instant | None, Field(alias="from")] = None
    end: Annotated[Instant | None, Field(alias="to")] = None

    @classmethod
    def judge_together(cls, given: Mapping[str, object], at_fault: Set[str]) -> list[FieldError]:
        """It ends after it began."""
        if at_fault & {"from", "to"} or not {"from", "to"} <= given.keys():
            return []
        is_sound = read_instant(given["from"]) < read_instant(given["to"])
        return [] if is_sound else [FieldError("to", "to must be later than from")]


@dataclass(frozen=True)
class NumberedPage(Input):
    """What REST's lists take beside their filters (no slots: it is mixed into them)."""

    page: Positive = 1
    limit: Annotated[Whole, Field(ge=1, le=MAX_PAGE_SIZE)] = DEFAULT_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A numbered page, as REST's `pagination` tells of it."""

    items: Sequence[Item]
    total: int
    page: int
    limit: int

    @property
    def pages(self) -> int:
        return -(-self.total // self.limit)


@dataclass(frozen=True)
class KeysetPage(Input):
    """What REST's lists take that are walked by keyset, beside their filters (no slots: it is mixed into them)."""

    after: Text | None = None
    limit: Annotated[Whole, Field(ge=1, le=MAX_PAGE_SIZE)] = DEFAULT_PAGE_SIZE

    @property
    def window(self) -> Window:
        return Window(self.limit, self.after)


def encode_cursor(order: KeysetOrder, values: Sequence[object]) -> str:
    """An opaque cursor: the order's name and the sort values of an item, instants as milliseconds."""
    plain = [_plain(value) for value in values]
    return urlsafe_b64encode(orjson.dumps([order.name, *plain])).rstrip(b"=").decode()


def decode_cursor(order: KeysetOrder, path: str, cursor: str) -> list[object]:
    """The sort values of a cursor that this order made; raises `InvalidInput` for any other text."""
    try:
        name, *plain = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [_EPOCH + timedelta(milliseconds=v["ms"]) if isinstance(v, dict) else v for v in plain]
        # Written again it must be the same to the last character, as base64 passes over whatever is none.
        is_ours = name == order.name and len(plain) == len(order.keys) and all(map(_fits, order.keys, plain))
        is_ours = is_ours and encode_cursor(order, values) == cursor
    except (ValueError, TypeError, KeyError, OverflowError):
        is_ours, values = False, []
    if not is_ours:
        raise InvalidInput.of(path, f"{path} is not a cursor of this list")
    return values


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return {"ms": (value - _EPOCH) // timedelta(milliseconds=1)}
    return value if isinstance(value, int | str | None) else str(value)


def _fits(key: str, plain: object) -> bool:
    """Whether a plain value can be one of this sort key: an id is a text, an instant is named `at` or `…At`."""
    is_instant = key == "at" or key.endswith("At")
    if isinstance(plain, dict):
        return is_instant and len(plain) == 1 and type(plain["ms"]) is int
    if isinstance(plain, int) and not isinstance(plain, bool):
        return not is_instant and -(2**63) <= plain < 2**63  # What MongoDB can compare with.
    return plain is None or (isinstance(plain, str) and not is_instant)
