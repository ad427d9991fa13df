"""How raw values are read: one reader for each kind of value. A value that does not fit raises `Faulty`."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from models.card_numbers import last_four
from models.ids import is_object_id, unwrapped
from models.instants import parse_instant
from models.money import MAX_MONEY, from_number, to_cents, to_unit_price
from models.texts import clean, is_storable

MAX_INT = 2_147_483_647
MAX_TEXT = 256

_WHOLE = re.compile("-?[0-9]{1,10}")

Reader = Callable[[Any], Any]


class Faulty(Exception):
    """A raw value that does not fit, with what it should be ("must be …")."""


def read_text(maximum: int) -> Reader:
    def read(raw: Any) -> str | None:
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


def read_whole(minimum: int, maximum: int) -> Reader:
    def read(raw: Any) -> int:
        if type(raw) is not int or not -MAX_INT - 1 <= raw <= MAX_INT:
            raise Faulty("must be a whole number")
        if raw < minimum:
            raise Faulty(f"must be at least {minimum}")
        if raw > maximum:
            raise Faulty(f"must be at most {maximum}")
        return raw

    return read


def read_choice(choices: type[StrEnum]) -> Reader:
    words = " or ".join(choice.value for choice in choices)

    def read(raw: Any) -> StrEnum:
        if isinstance(raw, choices):
            return raw
        text = clean(raw) if isinstance(raw, str) else raw
        if not isinstance(text, str) or text not in choices.__members__.values():
            raise Faulty(f"must be {words}")
        return choices(text)

    return read


def read_flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise Faulty("must be true or false")
    return raw


def read_instant(raw: Any) -> datetime:
    try:
        return parse_instant(clean(raw) if isinstance(raw, str) else "")
    except ValueError:
        raise Faulty("must be an instant such as 2023-01-15T12:00:00.000Z") from None


def read_texts(maximum: int) -> Reader:
    read_one = read_text(MAX_TEXT)

    def read(raw: Any) -> tuple[str, ...] | None:
        items = [raw] if isinstance(raw, str) else raw
        if not isinstance(items, list | tuple):
            raise Faulty("must be a string or a list of strings")
        if len(items) > maximum:
            raise Faulty(f"must hold at most {maximum} items")
        texts = [read_one(item) for item in items]
        if None in texts:
            raise Faulty("must not hold a blank string")
        return tuple(dict.fromkeys(texts)) or None

    return read


def read_money(exact: bool) -> Reader:
    def read(raw: Any) -> Decimal:
        amount = _read_amount(raw)
        if exact and amount != to_cents(amount):
            raise Faulty("must have at most two decimals")
        return to_cents(amount)

    return read


def read_unit_price(exact: bool) -> Reader:
    def read(raw: Any) -> Decimal:
        price = _read_amount(raw)
        if exact and price != to_unit_price(price):
            raise Faulty("must have at most six decimals and fifteen digits")
        return to_unit_price(price)

    return read


def _read_amount(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise Faulty("must be an amount of money")
    amount = from_number(raw)
    if not amount.is_finite() or not 0 <= amount <= MAX_MONEY:
        raise Faulty(f"must be from 0 to {MAX_MONEY}")
    return amount or Decimal(0)  # Zero has neither a sign nor an exponent.


def read_object_id(relay_type: str | None) -> Reader:
    read_one = read_text(MAX_TEXT)

    def read(raw: Any) -> str | None:
        given = read_one(raw)
        if given is None:
            return None
        identifier = unwrapped(relay_type, given) if relay_type else given
        if not is_object_id(identifier):
            raise Faulty("must be a valid ObjectId")
        return identifier.lower()

    return read


def read_card(raw: Any) -> str:
    digits = last_four(raw)
    if digits is None:
        raise Faulty("must be a card number")
    return digits


def read_object_ids(maximum: int) -> Reader:
    read_all, read_one = read_texts(maximum), read_object_id(None)

    def read(raw: Any) -> tuple[str, ...] | None:
        found = read_all(raw)
        return found and tuple(dict.fromkeys(map(read_one, found)))

    return read


def whole_from_query(raw: str) -> int | str:
    """A whole number in the digits 0–9; any other text stays one, for the reader to refuse."""
    return int(raw) if _WHOLE.fullmatch(raw) else raw


def flag_from_query(raw: str) -> bool | str:
    return {"true": True, "false": False}.get(raw, raw)
