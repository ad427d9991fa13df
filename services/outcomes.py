"""What a verb brought about, as MongoDB can keep it: dataclasses, enums, refusals and decimals, and back.

Only classes of the project's own rooms are ever made again, and only those that are loaded.
"""

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from bson import Decimal128, Int64

from models.errors import DomainError

ROOMS = ("models", "services")


def to_stored(value: Any) -> Any:
    """The value in BSON's kinds; raises `TypeError` for what cannot come back as it was."""
    if isinstance(value, Enum):
        return {"enum": _name(value), "of": value.name}
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
        return {"refusal": _name(value), "of": {name: to_stored(item) for name, item in vars(value).items()}}
    if is_dataclass(value) and not isinstance(value, type):
        given = {f.name: to_stored(getattr(value, f.name)) for f in fields(value) if f.init}
        return {"object": _name(value), "of": given}
    raise TypeError(f"an outcome of {type(value).__name__} cannot be kept")


def from_stored(stored: Any) -> Any:
    """The value again."""
    if isinstance(stored, Decimal128):
        return stored.to_decimal()
    if isinstance(stored, Int64):
        return int(stored)
    if isinstance(stored, list):
        return [from_stored(item) for item in stored]
    if not isinstance(stored, Mapping):
        return stored
    match stored:
        case {"enum": name, "of": member}:
            return _class(name)[member]
        case {"tuple": items}:
            return tuple(from_stored(item) for item in items)
        case {"map": items}:
            return {from_stored(key): from_stored(item) for key, item in items}
        case {"object": name, "of": given}:
            return _class(name)(**{field: from_stored(item) for field, item in given.items()})
        case {"refusal": name, "of": state}:
            return _refusal(_class(name), {field: from_stored(item) for field, item in state.items()})
    raise TypeError("no outcome was kept in this form")


def _name(value: Any) -> str:
    kind = type(value)
    if kind.__module__.partition(".")[0] not in ROOMS:
        raise TypeError(f"an outcome of {kind.__name__} cannot be kept")
    return f"{kind.__module__}:{kind.__qualname__}"


def _class(name: str) -> Any:
    module, _, qualified = name.partition(":")
    if module.partition(".")[0] not in ROOMS:
        raise TypeError(f"{name} is not of the project")
    found: Any = sys.modules[module]
    for part in qualified.split("."):
        found = getattr(found, part)
    if not isinstance(found, type) or not (is_dataclass(found) or issubclass(found, Enum | DomainError)):
        raise TypeError(f"{name} is no kind of outcome")
    return found


def _refusal(kind: type[DomainError], state: dict[str, Any]) -> DomainError:
    refusal = kind.__new__(kind)
    vars(refusal).update(state)
    refusal.args = (refusal.message,)
    return refusal
