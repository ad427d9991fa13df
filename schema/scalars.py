"""Scalars: `DateTime`, `Decimal` and `BigInt`, all three exact on the wire."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from models.instants import iso

BigInt = NewType("BigInt", int)


def _parse_instant(raw: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        raise GraphQLError(f"DateTime cannot represent value: {raw!r}") from None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def _parse_decimal(raw: Any) -> Decimal:
    try:
        number = Decimal(raw) if isinstance(raw, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise GraphQLError(f"Decimal cannot represent value: {raw!r}")
    return number


def _parse_big_int(raw: Any) -> int:
    text = str(raw) if isinstance(raw, int | str) and not isinstance(raw, bool) else ""
    if len(text) > 20 or not text.removeprefix("-").isdecimal():
        raise GraphQLError(f"BigInt cannot represent value: {raw!r}")
    return int(text)


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant: ISO 8601 in UTC with milliseconds, such as `2023-01-15T12:00:00.000Z`.",
        serialize=iso,
        parse_value=_parse_instant,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number as a string, such as `"19.90"`. Money is never a binary floating number.',
        serialize=str,
        parse_value=_parse_decimal,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number that may pass 2^31, as a JSON number.",
        serialize=int,
        parse_value=_parse_big_int,
    ),
}
