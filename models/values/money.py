"""Money: exact decimal amounts to the cent and unit prices to the millionth, never binary floating point."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, InvalidOperation

CENT = Decimal("0.01")
MAX_MONEY = Decimal("9999999999999.99")
"""Fifteen digits: what any JSON reader, however it keeps numbers, gives back as it was written."""
_DIGITS = 15
_FINEST = -6
# More digits than any product of what MongoDB holds, so that no step in between is rounded.
_EXACT = Context(prec=100)


def to_cents(amount: Decimal) -> Decimal:
    """The amount with exactly two decimals, halves rounded up."""
    return amount.quantize(CENT, ROUND_HALF_UP, _EXACT)


def to_unit_price(price: Decimal) -> Decimal:
    """The price of one unit with two to six decimals and at most fifteen digits, halves rounded to the even digit."""
    exponent = max(_FINEST, price.adjusted() - _DIGITS + 1)
    kept = price.quantize(Decimal(1).scaleb(exponent), ROUND_HALF_EVEN, _EXACT)
    cents = kept.quantize(CENT, ROUND_HALF_EVEN, _EXACT)
    return cents if cents == kept else kept.normalize()


def times(price: Decimal, quantity: int) -> Decimal:
    """What so many units come to, to the cent."""
    return to_cents(_EXACT.multiply(price, Decimal(quantity)))


def to_integer_cents(amount: Decimal) -> int:
    """An amount of whole cents as their number."""
    return int(amount.scaleb(2, _EXACT))


def from_integer_cents(cents: int) -> Decimal:
    """The amount, with exactly two decimals."""
    return Decimal(cents).scaleb(-2, _EXACT)


def from_number(number: int | float | Decimal) -> Decimal:
    """The decimal that a JSON number was written as: `19.9` is 19.9, not its nearest binary fraction."""
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def from_json_fraction(text: str) -> Decimal:
    """A JSON number with a fraction or an exponent, as it was written.

    Raises `ValueError` for an exponent beyond what any decimal holds (18 digits).
    """
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("a number with such an exponent cannot be held") from None


def to_number(amount: Decimal) -> int | float:
    """The amount as a JSON number: `19.90` is written `19.9`, `20.00` is written `20`."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
