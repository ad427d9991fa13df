"""What entities are made of, and how they are shown as JSON: names in camelCase, the id as `_id`."""

from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, TypeAlias, get_args, get_origin, get_type_hints

from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override
from pydantic import Field

from models.values.instants import iso
from models.values.money import to_number

OBJECT_ID = "a raw ObjectId in hexadecimal"
Id: TypeAlias = Annotated[str, OBJECT_ID, Field(pattern="^[0-9a-f]{24}$")]
"""An ObjectId in hexadecimal, in lower case; stored as an ObjectId."""

_TICK = timedelta(milliseconds=1)


@cache
def camel_case(name: str) -> str:
    """A Python name as JSON, MongoDB and GraphQL write it; `id` is `_id`."""
    if name == "id":
        return "_id"
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


@cache
def names_of_ids(entity: type) -> frozenset[str]:
    """The fields of an entity that hold an `Id`, or none."""
    hints = get_type_hints(entity, include_extras=True)
    return frozenset(f.name for f in fields(entity) if _holds_id(hints[f.name]))


def _holds_id(hint: object) -> bool:
    of = get_args(hint)
    return OBJECT_ID in of[1:] if get_origin(hint) is Annotated else any(map(_holds_id, of))


def after(now: datetime, *before: datetime) -> datetime:
    """Now, but after every one of these instants, so that what happens to a thing happens in order."""
    return max(now, *(instant + _TICK for instant in before)) if before else now


def _names(entity: type) -> Any:  # cattrs takes them as keywords, among its own
    return {f.name: override(rename=camel_case(f.name)) for f in fields(entity)}


def _json_converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_unstructure_hook(datetime, iso)
    converter.register_unstructure_hook(Decimal, to_number)
    converter.register_unstructure_hook(StrEnum, lambda member: member.value)
    converter.register_unstructure_hook_factory(
        is_dataclass,
        lambda entity: make_dict_unstructure_fn(entity, converter, _cattrs_include_init_false=True, **_names(entity)),
    )
    return converter


_JSON = _json_converter()


def to_json(entity: object) -> dict[str, object]:
    """All fields of an entity as REST and events show them: instants in ISO 8601, money as numbers."""
    shown: dict[str, object] = _JSON.unstructure(entity)
    return shown
