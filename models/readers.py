"""How values are read that pydantic does not read as we do. One that does not fit raises `ValueError` ("must be …")."""

import re
from datetime import datetime
from decimal import Decimal

from models.values.card_numbers import last_four
from models.values.ids import is_object_id
from models.values.instants import parse_instant
from models.values.money import MAX_MONEY, from_number
from models.values.texts import clean

MAX_IDS = 100

_WHOLE = re.compile("-?[0-9]{1,10}")


def cleaned(raw: object) -> object:
    return clean(raw) if isinstance(raw, str) else raw


def read_instant(raw: object) -> datetime:
    if isinstance(raw, datetime):  # GraphQL's scalar has read it.
        return raw
    try:
        return parse_instant(clean(raw) if isinstance(raw, str) else "")
    except ValueError:
        raise ValueError("must be an instant such as 2023-01-15T12:00:00.000Z") from None


def read_amount(raw: object) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise ValueError("must be an amount of money")
    amount = from_number(raw)
    if not amount.is_finite() or not 0 <= amount <= MAX_MONEY:
        raise ValueError(f"must be from 0 to {MAX_MONEY}")
    return amount or Decimal(0)  # Zero has neither a sign nor an exponent.


def read_card(raw: object) -> str:
    digits = last_four(raw)
    if digits is None:
        raise ValueError("must be a card number")
    return digits


def as_texts(raw: object) -> list[object]:
    items = [raw] if isinstance(raw, str) else raw
    if not isinstance(items, list | tuple):
        raise ValueError("must be a string or a list of strings")
    if len(items) > MAX_IDS:
        raise ValueError(f"must hold at most {MAX_IDS} items")
    return [cleaned(item) for item in items]


def as_ids(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not all(texts):
        raise ValueError("must not hold a blank string")
    if not all(map(is_object_id, texts)):
        raise ValueError("must be a valid ObjectId")
    return tuple(dict.fromkeys(map(str.lower, texts)))


def whole_from_query(raw: str) -> int | str:
    """A whole number in the digits 0–9; any other text stays one, to be refused."""
    return int(raw) if _WHOLE.fullmatch(raw) else raw


def flag_from_query(raw: str) -> bool | str:
    return {"true": True, "false": False}.get(raw, raw)
