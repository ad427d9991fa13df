"""What a verb takes: declared once as a dataclass, parsed alike for REST bodies, GraphQL inputs and Kafka values.

A field is declared by its kind (`text`, `whole`, `choice`, `flag`, `texts`, …), whose metadata say how a raw value is
read. `parse` reads a mapping with the names of the documents and raises `InvalidInput` with every fault at once. Texts
are trimmed and a blank text is missing; whole numbers are whole numbers (`1500.0`, `"1500"` and `true` are not).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

from models.cards import last_four
from models.errors import Fault, InvalidInput
from models.instants import to_milliseconds
from models.money import MAX_MONEY, from_number, to_cents

MAX_INT = 2_147_483_647
MAX_TEXT = 256


class DataclassLike(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


Shape = TypeVar("Shape", bound=DataclassLike)
Reader = Callable[[Any], Any]


class _Faulty(Exception):
    """A raw value that does not fit, with what it should be ("must be …")."""


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    read: Reader
    required: bool
    from_query: Reader


def _read_text(maximum: int) -> Reader:
    def read(raw: Any) -> str | None:
        if not isinstance(raw, str):
            raise _Faulty("must be a string")
        if "\x00" in raw:
            raise _Faulty("must not contain a NUL character")
        text = raw.strip()
        if len(text) > maximum:
            raise _Faulty(f"must be at most {maximum} characters")
        return text or None

    return read


def _read_whole(minimum: int, maximum: int) -> Reader:
    def read(raw: Any) -> int:
        if type(raw) is not int or not -MAX_INT - 1 <= raw <= MAX_INT:
            raise _Faulty("must be a whole number")
        if raw < minimum:
            raise _Faulty(f"must be at least {minimum}")
        if raw > maximum:
            raise _Faulty(f"must be at most {maximum}")
        return raw

    return read


def _read_choice(choices: type[StrEnum]) -> Reader:
    words = " or ".join(choice.value for choice in choices)

    def read(raw: Any) -> StrEnum:
        if isinstance(raw, choices):
            return raw
        text = raw.strip() if isinstance(raw, str) else raw
        if not isinstance(text, str) or text not in choices.__members__.values():
            raise _Faulty(f"must be {words}")
        return choices(text)

    return read


def _read_flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise _Faulty("must be true or false")
    return raw


def _read_instant(raw: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(raw.strip())
        return (
            to_milliseconds(instant.astimezone(UTC)) if instant.tzinfo else to_milliseconds(instant.replace(tzinfo=UTC))
        )
    except (AttributeError, ValueError, OverflowError):
        raise _Faulty("must be an instant such as 2023-01-15T12:00:00.000Z") from None


def _read_texts(maximum: int) -> Reader:
    read_one = _read_text(MAX_TEXT)

    def read(raw: Any) -> tuple[str, ...] | None:
        items = [raw] if isinstance(raw, str) else raw
        if not isinstance(items, list | tuple):
            raise _Faulty("must be a string or a list of strings")
        if len(items) > maximum:
            raise _Faulty(f"must hold at most {maximum} items")
        texts = [read_one(item) for item in items]
        if None in texts:
            raise _Faulty("must not hold a blank string")
        return tuple(dict.fromkeys(texts)) or None

    return read


def _read_money(exact: bool) -> Reader:
    def read(raw: Any) -> Decimal:
        if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
            raise _Faulty("must be an amount of money")
        amount = from_number(raw)
        if not amount.is_finite() or not 0 <= amount <= MAX_MONEY:
            raise _Faulty(f"must be from 0 to {MAX_MONEY}")
        if exact and amount != to_cents(amount):
            raise _Faulty("must have at most two decimals")
        return to_cents(amount)

    return read


def _read_card(raw: Any) -> str:
    digits = last_four(raw)
    if digits is None:
        raise _Faulty("must be a card number")
    return digits


def _read_items(shape: type[DataclassLike], maximum: int, ignore_unknown: bool) -> Reader:
    def read(raw: Any) -> tuple[Any, ...]:
        if not isinstance(raw, list | tuple) or not all(isinstance(item, Mapping) for item in raw):
            raise _Faulty("must be a list of objects")
        if not 1 <= len(raw) <= maximum:
            raise _Faulty(f"must hold from 1 to {maximum} items")
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


def _whole_from_query(raw: str) -> int | str:
    digits = raw.removeprefix("-")
    return int(raw) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else raw


def _flag_from_query(raw: str) -> bool | str:
    return {"true": True, "false": False}.get(raw, raw)


def declare(name: str, read: Reader, default: Any = MISSING, from_query: Reader = lambda raw: raw) -> Any:
    """A field of an input. Without a default it is required; `name` is the name on the wire.

    `from_query` turns the text of a query parameter into the value that `read` judges.
    """
    kind = _Kind(name, read, default is MISSING, from_query)
    return field(metadata={"kind": kind}, **({} if default is MISSING else {"default": default}))


def text(name: str, default: Any = MISSING, *, maximum: int = MAX_TEXT) -> Any:
    return declare(name, _read_text(maximum), default)


def whole(name: str, default: Any = MISSING, *, minimum: int = -MAX_INT - 1, maximum: int = MAX_INT) -> Any:
    return declare(name, _read_whole(minimum, maximum), default, _whole_from_query)


def choice(name: str, choices: type[StrEnum], default: Any = MISSING) -> Any:
    return declare(name, _read_choice(choices), default)


def flag(name: str, default: Any = MISSING) -> Any:
    return declare(name, _read_flag, default, _flag_from_query)


def instant(name: str, default: Any = MISSING) -> Any:
    """An ISO 8601 text; without an offset it is UTC. Kept to the millisecond."""
    return declare(name, _read_instant, default)


def texts(name: str, default: Any = MISSING, *, maximum: int = 100) -> Any:
    """One text or a list of them, without doubles."""
    return declare(name, _read_texts(maximum), default)


def money(name: str, default: Any = MISSING, *, exact: bool = True) -> Any:
    """An amount of zero or more, to the cent; what is finer is a fault, or rounded where it need not be exact."""
    return declare(name, _read_money(exact), default)


def card(name: str, default: Any = MISSING) -> Any:
    """A card number, of which only the last four digits are kept, as a text."""
    return declare(name, _read_card, default)


def items(
    name: str,
    shape: type[DataclassLike],
    default: Any = MISSING,
    *,
    maximum: int = 1_000,
    ignore_unknown: bool = False,
) -> Any:
    """A list of objects, one at least, each read into `shape`; the paths of its faults are dotted."""
    return declare(name, _read_items(shape, maximum, ignore_unknown), default)


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
    raw = {name: kinds[name][1].from_query(values[0].strip()) for name, values in known.items() if values[0].strip()}
    if not faults:
        return parse(shape, raw)
    try:
        parse(shape, raw)
    except InvalidInput as others:
        faults += others.faults
    raise InvalidInput(faults)


def parse(shape: type[Shape], raw: Mapping[str, Any], *, ignore_unknown: bool = False) -> Shape:
    """Read `raw` into `shape`; raises `InvalidInput` with every fault, unknown fields among them."""
    kinds = _kinds(shape)
    faults = [] if ignore_unknown else [Fault(n, f"{n} is not a known field") for n in raw if n not in kinds]
    values: dict[str, Any] = {}
    for name, (attribute, kind) in kinds.items():
        try:
            given = raw.get(name)
            value = None if given is None else kind.read(given)
        except _Faulty as faulty:
            faults.append(Fault(name, f"{name} {faulty}"))
            continue
        except InvalidInput as nested:
            faults += [Fault(f"{name}.{inner.path}", f"{name}.{inner.message}") for inner in nested.faults]
            continue
        if value is not None:
            values[attribute] = value
        elif kind.required:
            faults.append(Fault(name, f"{name} is required"))
    if faults:
        raise InvalidInput(faults)
    return shape(**values)
