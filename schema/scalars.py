"""Scalars (`DateTime`, `Decimal` and `BigInt`, all three exact on the wire), and the enums of the models."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from models.values.instants import iso, parse_instant

BigInt = NewType("BigInt", int)

MAX_BIG_INT = 2**63 - 1
_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_BIG_INT = re.compile("-?[0-9]{1,19}")


def describe_enum(enum: type[StrEnum], name: str, description: str, members: Mapping[StrEnum, str]) -> None:
    """Makes an enum of the models one of the schema; `members` says what each of its values means."""
    strawberry.enum(enum, name=name, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = members.get(enum[value.name])


def described_enum(name: str, description: str, members: Mapping[str, str]) -> Any:
    """Returns an enum whose values are these words; the models say them as texts, each where it belongs."""
    words = {word: word for word in sorted(members)}
    enum = StrEnum(name, words)  # type: ignore[misc]  # mypy wants a name that is written out
    describe_enum(enum, name, description, {enum[word]: meaning for word, meaning in members.items()})
    return enum


def _parse_instant(raw: object) -> datetime:
    try:
        return parse_instant(raw if isinstance(raw, str) else "")
    except ValueError:
        raise GraphQLError(f"DateTime cannot represent value: {_shown(raw)}") from None


def _parse_decimal(raw: object) -> Decimal:
    if not isinstance(raw, str) or _DECIMAL.fullmatch(raw) is None:
        raise GraphQLError(f"Decimal cannot represent value: {_shown(raw)}")
    number = Decimal(raw)
    return number or abs(number)


def _serialize_decimal(number: Decimal) -> str:
    return f"{number or abs(number):f}"


def _parse_big_int(raw: object) -> int:
    text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) and -(2**64) < raw < 2**64 else raw
    if not isinstance(text, str) or _BIG_INT.fullmatch(text) is None or abs(int(text)) > MAX_BIG_INT:
        raise GraphQLError(f"BigInt cannot represent value: {_shown(raw)}")
    return int(text)


def _shown(raw: object) -> str:
    """A value in a message: a text or a fraction, cut short; of anything else its kind."""
    shown = ascii(raw) if isinstance(raw, str | float) else type(raw).__name__
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant: ISO 8601 in UTC with milliseconds, such as `2023-01-15T12:00:00.000Z`. In an input an offset "
            "(`+02:00`) is taken too, no offset is UTC, and no time midnight; finer fractions of a second are cut off."
        ),
        serialize=iso,
        parse_value=_parse_instant,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description=(
            'An exact decimal number as a string, such as `"19.90"`: the digits 0–9, a point with digits on both sides '
            "of it, a minus sign where it is below zero. Money is never a binary floating number."
        ),
        serialize=_serialize_decimal,
        parse_value=_parse_decimal,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description=(
            "A whole number that may pass 2^31, as a JSON number; in an input also a string of the digits 0–9, such as "
            '`"5000000000"`. At most 9223372036854775807 (2^63 − 1) on either side of zero.'
        ),
        serialize=int,
        parse_value=_parse_big_int,
    ),
}
