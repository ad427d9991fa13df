"""What a verb takes: declared once as a dataclass, parsed alike for REST bodies, GraphQL inputs and Kafka values.

A field is declared by its kind (`text`, `whole`, `object_id`, …), whose metadata say how a raw value is read. `parse`
reads a mapping with the names of the documents and raises `InvalidInput` with every fault at once. Texts are cleaned
(`clean`) and a blank text is missing; whole numbers are whole numbers (`1500.0`, `"1500"` and `true` are
not).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

from models.errors import Fault, InvalidInput
from models.readers import (
    MAX_INT,
    MAX_TEXT,
    Faulty,
    Reader,
    flag_from_query,
    read_card,
    read_choice,
    read_flag,
    read_instant,
    read_money,
    read_object_id,
    read_object_ids,
    read_text,
    read_texts,
    read_unit_price,
    read_whole,
    whole_from_query,
)
from models.values.texts import clean


class DataclassLike(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Shape = TypeVar("Shape", bound=DataclassLike)
FromQuery: TypeAlias = Callable[[str], object]
Declaration: TypeAlias = Any
"""The default of a field: it stands where a value of any type will."""


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    read: Reader[object]
    required: bool
    from_query: FromQuery
    nullable: bool


def _read_items(shape: type[DataclassLike], maximum: int, ignore_unknown: bool) -> Reader[tuple[DataclassLike, ...]]:
    def read(raw: object) -> tuple[DataclassLike, ...]:
        if not isinstance(raw, list | tuple) or not all(isinstance(item, Mapping) for item in raw):
            raise Faulty("must be a list of objects")
        if not 1 <= len(raw) <= maximum:
            raise Faulty(f"must hold from 1 to {maximum} items")
        items, faults = [], []
        for place, item in enumerate(raw):
            try:
                items.append(parse(shape, item, ignore_unknown=ignore_unknown))
            except InvalidInput as fault:
                faults += [Fault(f"{place}.{inner.path}", f"{place}.{inner.message}") for inner in fault.faults]
        if faults:
            raise InvalidInput(faults)
        return tuple(items)

    return read


def declare(
    name: str,
    read: Reader[object],
    default: object = MISSING,
    from_query: FromQuery = lambda raw: raw,
    *,
    nullable: bool = False,
) -> Declaration:
    """A field of an input. Without a default it is required; `name` is the name on the wire.

    `from_query` turns the text of a query parameter into the value that `read` judges. Null is missing, unless
    `nullable` makes it a value of its own.
    """
    kind = _Kind(name, read, default is MISSING, from_query, nullable)
    return field(default=default, metadata={"kind": kind})


def text(name: str, default: object = MISSING, *, maximum: int = MAX_TEXT) -> Declaration:
    return declare(name, read_text(maximum), default)


def whole(
    name: str,
    default: object = MISSING,
    *,
    minimum: int = -MAX_INT - 1,
    maximum: int = MAX_INT,
    nullable: bool = False,
) -> Declaration:
    return declare(name, read_whole(minimum, maximum), default, whole_from_query, nullable=nullable)


def choice(name: str, choices: type[StrEnum], default: object = MISSING) -> Declaration:
    return declare(name, read_choice(choices), default)


def flag(name: str, default: object = MISSING) -> Declaration:
    return declare(name, read_flag, default, flag_from_query)


def instant(name: str, default: object = MISSING) -> Declaration:
    """An ISO 8601 text; without an offset it is UTC. Kept to the millisecond."""
    return declare(name, read_instant, default)


def texts(name: str, default: object = MISSING, *, maximum: int = 100) -> Declaration:
    """One text or a list of them, without doubles."""
    return declare(name, read_texts(maximum), default)


def money(name: str, default: object = MISSING, *, exact: bool = True) -> Declaration:
    """An amount of zero or more, to the cent; what is finer is a fault, or rounded where it need not be exact."""
    return declare(name, read_money(exact), default)


def unit_price(name: str, default: object = MISSING, *, exact: bool = True) -> Declaration:
    """The price of one unit, of zero or more, with up to six decimals; what is finer is a fault, or rounded."""
    return declare(name, read_unit_price(exact), default)


def card(name: str, default: object = MISSING) -> Declaration:
    """A card number, of which only the last four digits are kept, as a text."""
    return declare(name, read_card, default)


def items(
    name: str,
    shape: type[DataclassLike],
    default: object = MISSING,
    *,
    maximum: int = 1_000,
    ignore_unknown: bool = False,
) -> Declaration:
    """A list of objects, one at least, each read into `shape`; the paths of its faults are dotted."""
    return declare(name, _read_items(shape, maximum, ignore_unknown), default)


def object_id(name: str, default: object = MISSING, *, relay_type: str | None = None) -> Declaration:
    """A raw ObjectId, kept in lower case; with `relay_type` the Relay id of such an object is taken too."""
    return declare(name, read_object_id(relay_type), default)


def object_ids(name: str, default: object = MISSING, *, maximum: int = 100) -> Declaration:
    """One raw ObjectId or a list of them, without doubles."""
    return declare(name, read_object_ids(maximum), default)


@cache
def _kinds(shape: type[DataclassLike]) -> dict[str, tuple[str, _Kind]]:
    return {f.metadata["kind"].name: (f.name, f.metadata["kind"]) for f in fields(shape)}


def parse_query(shape: type[Shape], query: Mapping[str, Sequence[str]]) -> Shape:
    """Read query parameters (each name with all its values) into `shape`.

    A repeated parameter is a fault, an empty one is missing, an unknown one is ignored.
    """
    kinds = _kinds(shape)
    known = {name: values for name, values in query.items() if name in kinds}
    faults = [Fault(name, f"{name} must be given once") for name, values in known.items() if len(values) > 1]
    given = {name: clean(values[0]) for name, values in known.items()}
    raw = {name: kinds[name][1].from_query(value) for name, value in given.items() if value}
    if not faults:
        return parse(shape, raw)
    try:
        parse(shape, raw)
    except InvalidInput as others:
        faults += others.faults
    raise InvalidInput(faults)


def parse(shape: type[Shape], raw: Mapping[str, object], *, ignore_unknown: bool = False) -> Shape:
    """Read `raw` into `shape`; raises `InvalidInput` with every fault, unknown fields among them.

    Where a shape has a method `judge_together`, it is given the values and the names that are at fault, and answers the
    faults that several fields have together.
    """
    kinds = _kinds(shape)
    faults = [] if ignore_unknown else [Fault(n, f"{n} is not a known field") for n in raw if n not in kinds]
    values: dict[str, object] = {}
    for name, (attribute, kind) in kinds.items():
        try:
            given = raw.get(name)
            value = None if given is None else kind.read(given)
        except Faulty as faulty:
            faults.append(Fault(name, f"{name} {faulty}"))
            continue
        except InvalidInput as nested:
            faults += [Fault(f"{name}.{inner.path}", f"{name}.{inner.message}") for inner in nested.faults]
            continue
        if value is not None or (kind.nullable and name in raw and given is None):
            values[attribute] = value
        elif kind.required:
            faults.append(Fault(name, f"{name} is required"))
    judge_together = getattr(shape, "judge_together", None)
    if judge_together is not None:
        faults += judge_together(values, {fault.path for fault in faults})
    if faults:
        raise InvalidInput(faults)
    return shape(**values)
