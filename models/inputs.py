"""What a verb takes: declared once as a dataclass with fields of these kinds, read alike from JSON, GraphQL and Kafka.

pydantic reads the values, and every fault gets a sentence of ours. A blank text is missing, and so is null, unless a
field takes `None` and has another default. An `Input` that is made by calling its class is not judged.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache, partial
from typing import Annotated, Any, ClassVar, Protocol, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainValidator,
    Strict,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError
from pydantic_core.core_schema import with_info_plain_validator_function

from models.errors import FieldError, InvalidInput
from models.readers import (
    MAX_IDS,
    as_ids,
    as_texts,
    flag_from_query,
    read_amount,
    read_card,
    read_instant,
    whole_from_query,
)
from models.values.ids import is_object_id, unwrapped
from models.values.money import MAX_MONEY, to_cents, to_unit_price
from models.values.texts import clean

MAX_INT = 2_147_483_647
MAX_TEXT = 256
MAX_ITEMS = 1_000

_SENTENCES = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_unicode": "must not contain half of a character",
    "string_too_long": "must be at most {max_length} characters",
    "string_pattern_mismatch": "must be a valid ObjectId",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "bool_type": "must be true or false",
    "value_error": "{error}",
}


class Input(Protocol):
    """The base of what is read. Names on the wire are in camelCase, or what `Field(alias=…)` says."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel)

    @classmethod
    def judge_together(cls, given: Mapping[str, object], at_fault: Set[str]) -> list[FieldError]:
        """Returns the faults that several fields have together.

        `given` has what is not missing, as it was sent, by its name on the wire, `at_fault` the paths of the faults so
        far.
        """
        return []

    @classmethod
    def told_together(cls) -> dict[str, Any]:
        """Returns the same for JSON Schema, as far as that can say it."""
        return {}


VISIBLE = r"^[^\x00]*[^\x00-\x20\x7f-\xa0\xad][^\x00]*$"
"""A text that is not blank, as far as JSON Schema can say it: for ASCII and Latin."""


def where_given(name: str) -> dict[str, object]:
    """JSON Schema's words for an object in which this field is not missing."""
    return {"required": [name], "properties": {name: {"not": {"enum": [None, []]}, "pattern": VISIBLE}}}


Shape = TypeVar("Shape", bound=Input)
Choices = TypeVar("Choices", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class _TypeReader:
    """Reads a value by a function that is told the type that it is to make; JSON Schema shows that type."""

    read: Callable[[Any, object, ValidationInfo], object]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        shown = handler.generate_schema(source)
        return with_info_plain_validator_function(partial(self.read, source), json_schema_input_schema=shown)


def _read_choice(choices: type[StrEnum], raw: object, _: ValidationInfo) -> StrEnum:
    try:
        return choices(clean(raw) if isinstance(raw, str) else "")
    except ValueError:
        raise ValueError(f"must be {' or '.join(choices)}") from None


def relay_id(type_name: str) -> BeforeValidator:
    """Takes the Relay id of such an object beside its raw one."""

    def read(raw: object) -> object:
        wrapped = unwrapped(type_name, raw) if isinstance(raw, str) else ""
        return wrapped if is_object_id(wrapped) else raw

    return BeforeValidator(read)


def _exactly(rounded: Callable[[Decimal], Decimal], sentence: str) -> AfterValidator:
    def read(amount: Decimal) -> Decimal:
        if amount != rounded(amount):
            raise ValueError(sentence)
        return rounded(amount)

    return AfterValidator(read)


def _read_items(source: type[tuple[Shape, ...]], raw: object, info: ValidationInfo) -> tuple[Shape, ...]:
    if not isinstance(raw, list | tuple) or not all(isinstance(item, Mapping) for item in raw):
        raise ValueError("must be a list of objects")
    if not 1 <= len(raw) <= MAX_ITEMS:
        raise ValueError(f"must hold from 1 to {MAX_ITEMS} items")
    shape: type[Shape] = get_args(source)[0]
    items, faults = list[Shape](), list[FieldError]()
    for place, item in enumerate(raw):
        try:
            items.append(parse(shape, item, ignore_unknown=bool(info.context)))
        except InvalidInput as fault:
            faults += _within(str(place), fault.faults)
    if faults:
        raise PydanticCustomError("items", "must hold sound items", {"faults": faults})
    return tuple(items)


Text: TypeAlias = Annotated[str, Strict(), StringConstraints(max_length=MAX_TEXT, pattern=r"^[^\x00]*$")]
"""A text, cleaned, of at most 256 characters, or what `Field(max_length=…)` says."""
Whole: TypeAlias = Annotated[int, Strict(), Field(ge=-MAX_INT - 1, le=MAX_INT)]
"""A whole number of 32 bits; `1500.0`, `"1500"` and `true` are none. `Field(ge=…, le=…)` narrows it."""
NonNegative: TypeAlias = Annotated[Whole, Field(ge=0)]
Positive: TypeAlias = Annotated[Whole, Field(ge=1)]
Flag: TypeAlias = Annotated[bool, Strict()]
Choice: TypeAlias = Annotated[Choices, _TypeReader(_read_choice)]
Instant: TypeAlias = Annotated[datetime, PlainValidator(read_instant, json_schema_input_type=datetime)]
"""An ISO 8601 text; without an offset it is UTC. Kept to the millisecond."""
_Number: TypeAlias = Annotated[float, Field(ge=0, le=float(MAX_MONEY))]
Amount: TypeAlias = Annotated[Decimal, PlainValidator(read_amount, json_schema_input_type=_Number)]
Money: TypeAlias = Annotated[Amount, _exactly(to_cents, "must have at most two decimals")]
"""An amount of zero or more, to the cent; what is finer is a fault."""
RoundedMoney: TypeAlias = Annotated[Amount, AfterValidator(to_cents)]
UnitPrice: TypeAlias = Annotated[Amount, _exactly(to_unit_price, "must have at most six decimals and fifteen digits")]
"""The price of one unit, of zero or more, with up to six decimals; what is finer is a fault."""
RoundedUnitPrice: TypeAlias = Annotated[Amount, AfterValidator(to_unit_price)]
Card: TypeAlias = Annotated[str, PlainValidator(read_card, json_schema_input_type=int | str)]
"""A card number, of which only the last four digits are kept, as a text."""
_ID = StringConstraints(max_length=MAX_TEXT, pattern="^[0-9a-fA-F]{24}$", to_lower=True)
RawId: TypeAlias = Annotated[str, Strict(), _ID]
"""A raw ObjectId, kept in lower case."""
RawIds: TypeAlias = Annotated[
    tuple[Text, ...],
    BeforeValidator(as_texts, json_schema_input_type=RawId | Annotated[list[RawId], Field(max_length=MAX_IDS)]),
    AfterValidator(as_ids),
]
"""One raw ObjectId or a list of at most 100, without doubles."""
Items: TypeAlias = Annotated[tuple[Shape, ...], _TypeReader(_read_items)]
"""A list of objects, one at least; the paths of its faults are dotted."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What of a field pydantic does not see to."""

    is_text: bool
    nullable: bool
    from_query: Callable[[str], object]


def _parts(hint: object) -> Iterator[object]:
    yield hint
    for part in () if get_origin(hint) is tuple else get_args(hint):
        yield from _parts(part)


@cache
def _kinds(shape: type[Input]) -> dict[str, _Kind]:
    """The fields by their names on the wire, in the order of their faults."""
    kinds, hints = {}, get_type_hints(shape, include_extras=True)
    for field in fields(shape):  # type: ignore[arg-type]
        parts = list(_parts(hints[field.name]))
        alias = next((part.alias for part in parts if isinstance(part, FieldInfo) and part.alias), None)
        kinds[alias or to_camel(field.name)] = _Kind(
            is_text=any(isinstance(part, StringConstraints) for part in parts),
            nullable=type(None) in parts and field.default is not None,
            from_query=whole_from_query if int in parts else flag_from_query if bool in parts else str,
        )
    return kinds


@cache
def _reader(shape: type[Input]) -> Callable[..., Any]:
    return TypeAdapter(shape).validator.validate_python


def parse(shape: type[Shape], raw: Mapping[str, object], *, ignore_unknown: bool = False) -> Shape:
    """Read `raw` into `shape`. Raises `InvalidInput` with every fault, unknown fields first."""
    kinds, given, faults = _kinds(shape), dict[str, object](), list[FieldError]()
    for name, value in raw.items():
        if (kind := kinds.get(name)) is None:
            if not ignore_unknown:
                faults.append(FieldError(name, f"{name} is not a known field"))
        elif kind.is_text and isinstance(value, str):
            if text := clean(value):
                given[name] = text
        elif value is not None or kind.nullable:
            given[name] = value
    try:
        read: Shape = _reader(shape)(given, context=ignore_unknown)
    except ValidationError as invalid:
        faults += _faults(invalid)
    faults += shape.judge_together(given, {fault.path for fault in faults})
    if faults:
        raise InvalidInput(faults)
    return read


def field_names(shape: type[Input]) -> frozenset[str]:
    """The names on the wire of the fields of an input."""
    return frozenset(_kinds(shape))


def parse_query(shape: type[Shape], query: Mapping[str, Sequence[str]]) -> Shape:
    """Read query parameters (each name with all its values) into `shape`.

    A repeated parameter is a fault, an empty one is missing, an unknown one is ignored.
    """
    kinds, given, faults = _kinds(shape), dict[str, object](), list[FieldError]()
    for name, values in query.items():
        if (kind := kinds.get(name)) is None:
            continue
        if len(values) > 1:
            faults.append(FieldError(name, f"{name} must be given once"))
        if text := clean(values[0]):
            given[name] = kind.from_query(text)
    try:
        read = parse(shape, given)
    except InvalidInput as others:
        faults += others.faults
    if faults:
        raise InvalidInput(faults)
    return read


def _faults(invalid: ValidationError) -> list[FieldError]:
    """The fault of each field: of a value that may be of several types, that of the first."""
    errors = dict[str, ErrorDetails]()
    for error in invalid.errors(include_url=False):
        errors.setdefault(str(error["loc"][0]), error)
    return [fault for name, error in errors.items() for fault in _faults_of(name, error)]


def _faults_of(name: str, error: ErrorDetails) -> list[FieldError]:
    given, context = error["input"], error.get("ctx", {})
    if "faults" in context:
        return _within(name, context["faults"])
    sentence = _SENTENCES.get(error["type"], "cannot be read").format_map(context)
    match error["type"]:
        case "greater_than_equal" | "less_than_equal" if not -MAX_INT - 1 <= given <= MAX_INT:
            sentence = _SENTENCES["int_type"]
        case "string_unicode" | "string_too_long" | "string_pattern_mismatch" if "\x00" in given:
            sentence = "must not contain a NUL character"
    return [FieldError(name, f"{name} {sentence}")]


def _within(path: str, faults: Iterable[FieldError]) -> list[FieldError]:
    return [FieldError(f"{path}.{fault.path}", f"{path}.{fault.message}") for fault in faults]
