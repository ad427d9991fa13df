"""How raw values are read: one reader for each kind of value. A value that does not fit raises `Faulty`."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias, TypeVar

from models.values.card_numbers import last_four
from models.values.ids import is_object_id, unwrapped
from models.values.instants import parse_instant
from models.values.money import MAX_MONEY, from_number, to_cents, to_unit_price
from models.values.texts import clean, is_storable

MAX_INT = 2_147_483_647
MAX_TEXT = 256

_WHOLE = re.compile("-?[0-9]{1,10}")

Value = TypeVar("Value")
Reader: TypeAlias = Callable[[object], Value]


class Faulty(Exception):
    """A raw value that does not fit, with what it should be ("must be …")."""


def read_text(maximum: int) -> Reader[str | None]:
    def read(raw: object) -> str | None:
        if not isinstance(raw, str):
            raise Faulty("must be a string")
        if not is_storable(raw):
            raise Faulty(
                "must not contain a NUL character" if "\x00" in raw else "must not contain half of a character"
            )
        text = clean(raw)
        if len(text) > maximum:
            raise Faulty(f"must be at most {maximum} characters")
        return text or None

    return read


def read_whole(minimum: int, maximum: int) -> Reader[int]:
    def read(raw: object) -> int:
        if type(raw) is not int or not -MAX_INT - 1 <= raw <= MAX_INT:
            raise Faulty("must be a whole number")
        if raw < minimum:
            raise Faulty(f"must be at least {minimum}")
        if raw > maximum:
            raise Faulty(f"must be at most {maximum}")
        return raw

    return read


def read_choice(choices: type[StrEnum]) -> Reader[StrEnum]:
    words = " or ".join(choice.value for choice in choices)

    def read(raw: object) -> StrEnum:
        if isinstance(raw, choices):
            return raw
        text = clean(raw) if isinstance(raw, str) else raw
        if not isinstance(text, str) or text not in choices.__members__.values():
            raise Faulty(f"must be {words}")
        return choices(text)

    return read


def read_flag(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise Faulty("must be true or false")
    return raw


def read_instant(raw: object) -> datetime:
    if isinstance(raw, datetime):  # GraphQL's scalar has read it.
        return raw
    try:
        return parse_instant(clean(raw) if isinstance(raw, str) else "")
    except ValueError:
        raise Faulty("must be an instant such as 2023-01-15T12:00:00.000Z") from None


def read_texts(maximum: int) -> Reader[tuple[str, ...] | None]:
    read_one = read_text(MAX_TEXT)

    def read(raw: object) -> tuple[str, ...] | None:
        items = [raw] if isinstance(raw, str) else raw
        if not isinstance(items, list | tuple):
            raise Faulty("must be a string or a list of strings")
        if len(items) > maximum:
            raise Faulty(f"must hold at most {maximum} items")
        texts = [text for item in items if (text := read_one(item)) is not None]
        if len(texts) < len(items):
            raise Faulty("must not hold a blank string")
        return tuple(dict.fromkeys(texts)) or None

    return read


def read_money(exact: bool) -> Reader[Decimal]:
    def read(raw: object) -> Decimal:
        amount = _read_amount(raw)
        if exact and amount != to_cents(amount):
            raise Faulty("must have at most two decimals")
        return to_cents(amount)

    return read


def read_unit_price(exact: bool) -> Reader[Decimal]:
    def read(raw: object) -> Decimal:
        price = _read_amount(raw)
        if exact and price != to_unit_price(price):
            raise Faulty("must have at most six decimals and fifteen digits")
        return to_unit_price(price)

    return read


def _read_amount(raw: object) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise Faulty("must be an amount of money")
    amount = from_number(raw)
    if not amount.is_finite() or not 0 <= amount <= MAX_MONEY:
        raise Faulty(f"must be from 0 to {MAX_MONEY}")
    return amount or Decimal(0)  # Zero has neither a sign nor an exponent.


def read_object_id(relay_type: str | None) -> Reader[str | None]:
    read_one = read_text(MAX_TEXT)

    def read(raw: object) -> str | None:
        given = read_one(raw)
        if given is None:
            return None
        return _read_id(unwrapped(relay_type, given) if relay_type else given)

    return read


def _read_id(text: str) -> str:
    if not is_object_id(text):
        raise Faulty("must be a valid ObjectId")
    return text.lower()


def read_card(raw: object) -> str:
    digits = last_four(raw)
    if digits is None:
        raise Faulty("must be a card number")
    return digits


def read_object_ids(maximum: int) -> Reader[tuple[str, ...] | None]:
    read_all = read_texts(maximum)

    def read(raw: object) -> tuple[str, ...] | None:
        found = read_all(raw)
        return found and tuple(dict.fromkeys(map(_read_id, found)))

    return read


def whole_from_query(raw: str) -> int | str:
    """A whole number in the digits 0–9; any other text stays one, for the reader to refuse."""
    return int(raw) if _WHOLE.fullmatch(raw) else raw


def flag_from_query(raw: str) -> bool | str:
    return {"true": True, "false": False}.get(raw, raw)
