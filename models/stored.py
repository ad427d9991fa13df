"""The short tags under which results of verbs are stored: one registry, which outlives names of classes and modules."""

from collections.abc import Callable
from typing import TypeVar

Kind = TypeVar("Kind", bound=type)

TYPES: dict[str, type] = {}
"""The class of each tag."""
TAGS: dict[type, str] = {}
"""The tag of each class."""


def stored(tag: str) -> Callable[[Kind], Kind]:
    """A class decorator: results that hold such an object, or member of an enum, are stored under `tag`."""

    def register(kind: Kind) -> Kind:
        if tag in TYPES:
            raise ValueError(f"{tag} is the tag of {TYPES[tag].__qualname__}")
        TYPES[tag], TAGS[kind] = kind, tag
        return kind

    return register
