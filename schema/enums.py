"""Enums of the models, as the schema shows them."""

from collections.abc import Mapping
from enum import StrEnum

import strawberry


def describe_enum(enum: type[StrEnum], name: str, description: str, members: Mapping[StrEnum, str]) -> None:
    """Make an enum of the models one of the schema; `members` says what each of its values means."""
    strawberry.enum(enum, name=name, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = members.get(enum[value.name])
