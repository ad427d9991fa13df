"""What a verb brought about, as MongoDB keeps it: dataclasses, enums, refusals and decimals, and back.

Classes stand under the tags of `models.stored` and refusals under their codes and statuses, so that what is stored does
not know the code. A field that is new since takes its default, one that is gone is passed over.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from bson import Decimal128, Int64

from models.errors import REFUSALS, DomainError
from models.stored import TAGS, TYPES


def to_stored(value: object) -> Any:
    """The value in BSON's kinds; raises `TypeError` for what cannot come back as it was."""
    if isinstance(value, Enum):
        return {"enum": _tag(value), "of": value.name}
    if value is None or isinstance(value, bool | int | float | str | bytes | datetime):
        return value
    if isinstance(value, Decimal):
        return Decimal128(value)
    if isinstance(value, list):
        return [to_stored(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [to_stored(item) for item in value]}
    if isinstance(value, Mapping):
        return {"map": [[to_stored(key), to_stored(item)] for key, item in value.items()]}
    if isinstance(value, DomainError):
        state = {name: to_stored(item) for name, item in vars(value).items()}
        of = state | {"message": value.message}
        return {"refusal": value.code, "status": value.status, "of": of}
    if is_dataclass(value) and not isinstance(value, type):
        given = {f.name: to_stored(getattr(value, f.name)) for f in fields(value) if f.init}
        return {"object": _tag(value), "of": given}
    raise TypeError(f"a result of {type(value).__name__} cannot be stored")


def from_stored(stored: object) -> Any:
    """The value again; raises `TypeError` for what was never stored."""
    if isinstance(stored, Decimal128):
        return stored.to_decimal()
    if isinstance(stored, Int64):
        return int(stored)
    if isinstance(stored, list):
        return [from_stored(item) for item in stored]
    if not isinstance(stored, Mapping):
        return stored
    match stored:
        case {"enum": tag, "of": member}:
            return _type(tag)[member]
        case {"tuple": items}:
            return tuple(from_stored(item) for item in items)
        case {"map": items}:
            return {from_stored(key): from_stored(item) for key, item in items}
        case {"object": tag, "of": given}:
            return _object(_type(tag), given)
        case {"refusal": code, "status": status, "of": state}:
            return _refusal(code, status, {name: from_stored(item) for name, item in state.items()})
    raise TypeError("no result is stored in this form")


def _tag(value: object) -> str:
    try:
        return TAGS[type(value)]
    except KeyError:
        raise TypeError(f"a result of {type(value).__name__} cannot be stored: it has no tag") from None


def _type(tag: str) -> type[Any]:
    try:
        return TYPES[tag]
    except KeyError:
        raise TypeError(f"{tag} is no tag of a stored result") from None


def _object(kind: type[Any], given: Mapping[str, object]) -> Any:
    known = {f.name for f in fields(kind) if f.init}
    return kind(**{name: from_stored(item) for name, item in given.items() if name in known})


def _refusal(code: str, status: int, state: Mapping[str, object]) -> DomainError:
    try:
        kind = REFUSALS[code, status]
    except KeyError:
        raise TypeError(f"{code} with {status} is no refusal") from None
    refusal = kind.__new__(kind)
    vars(refusal).update(state)
    refusal.args = (refusal.message,)
    return refusal
