"""Money: exact decimal amounts to the cent, never binary floating point."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
MAX_MONEY = Decimal("9999999999999.99")
"""Fifteen digits: what any JSON reader, however it keeps numbers, gives back as it was written."""


def to_cents(amount: Decimal) -> Decimal:
    """The amount with exactly two decimals, halves rounded up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def from_number(number: int | float | Decimal) -> Decimal:
    """The decimal that a JSON number was written as: `19.9` is 19.9, not its nearest binary fraction."""
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def to_number(amount: Decimal) -> int | float:
    """The amount as a JSON number: `19.90` is written `19.9`, `20.00` is written `20`."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
