"""Ids: MongoDB's raw ones, and Relay's global ones that wrap them with the name of the type."""

import binascii
import re
from base64 import b64decode, b64encode

from models.errors import InvalidInput
from models.values.texts import clean

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")


def is_object_id(raw: str) -> bool:
    return _OBJECT_ID.fullmatch(raw) is not None


def require_object_id(path: str, raw: str) -> str:
    """The raw id in lower case; a blank or malformed one is the caller's fault (400)."""
    identifier = clean(raw)
    if not identifier:
        raise InvalidInput.of(path, f"{path} is required")
    if not is_object_id(identifier):
        raise InvalidInput.of(path, f"{path} must be a valid ObjectId")
    return identifier.lower()


def global_id(type_name: str, raw: str) -> str:
    """The Relay id of an object: base64 of `Type:raw`."""
    return b64encode(f"{type_name}:{raw}".encode()).decode()


def split_global_id(identifier: str) -> tuple[str, str] | None:
    """`(type, raw)` of a Relay id, or None where it is none: written by `global_id`, to the last bit of its base64."""
    try:
        type_name, separator, raw = b64decode(identifier, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    is_whole = separator and type_name and raw and global_id(type_name, raw) == identifier
    return (type_name, raw) if is_whole else None


def unwrapped(type_name: str, identifier: str) -> str:
    """Returns the raw id that a Relay id of this type wraps; any other text is what it is."""
    wrapped = split_global_id(identifier)
    return wrapped[1] if wrapped is not None and wrapped[0] == type_name else identifier


def either_id(type_name: str, path: str, identifier: str) -> str:
    """The raw ObjectId that an argument `id` names by its Relay id or by itself; raises `InvalidInput`."""
    return require_object_id(path, unwrapped(type_name, clean(identifier)))
