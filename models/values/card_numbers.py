"""Card numbers: only the last four digits pass a transport, cut before anything is stored, logged or answered."""

import re
from collections.abc import Mapping

_CARD_KEY = re.compile(r"card_?(number|no|num)|^((credit|debit|bank)_?)?card$|^pan$", re.IGNORECASE)
_SECRET_KEY = re.compile(
    r"cvv|cvc|^csc$|security_?code|expir|exp_?(month|year|date)|valid_?(thru|until)", re.IGNORECASE
)
_IDENTIFIER_KEY = re.compile(r"id$|ids$", re.IGNORECASE)
# The digits of a card number as people and programs write them; the look-arounds keep parts of longer words whole.
_LONG_DIGITS = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){11,18}(?![0-9A-Za-z])")
# Where a card number is expected, any five digits in a row are too many.
_ANY_DIGITS = re.compile(r"[0-9](?:[ .-]?[0-9]){4,}")
_MASKED = re.compile(r"[0-9*xX•#]*([0-9]{4})")


def last_four(raw: object) -> str | None:
    """The last four digits of a card number in any of its forms, or None where it is none.

    A number of less than four digits has lost its leading zeros (`cardNumber` is a number in the order document).
    """
    if type(raw) is int and raw >= 0:
        return f"{raw:04d}"[-4:]
    if not isinstance(raw, str):
        return None
    match = _MASKED.fullmatch(re.sub(r"[ .-]", "", raw))
    return match[1] if match else None


def mask_digits(text: str) -> str:
    """The text with every run of 12 to 19 digits, which may be a card number, cut to its last four."""
    return _LONG_DIGITS.sub(lambda found: "…" + re.sub(r"[^0-9]", "", found[0])[-4:], text)


def without_card_secrets(value: object, key: str = "") -> object:
    """A JSON value with its card numbers cut to the last four digits and `cvv` and expiry left out.

    Card numbers are known by their key, and wherever else by their digits: 12 to 19 of them with the check digit of
    Luhn, except under keys of ids.
    """
    if isinstance(value, Mapping):
        is_card = _CARD_KEY.search(key) is not None
        return {
            name: without_card_secrets(inner, key if is_card else name)
            for name, inner in value.items()
            if not _SECRET_KEY.search(name)
        }
    if isinstance(value, list | tuple):
        return [without_card_secrets(inner, key) for inner in value]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    if _CARD_KEY.search(key):
        return _cut_card(value)
    return value if _IDENTIFIER_KEY.search(key) else _cut_digits(value)


def _cut_card(value: int | float | str) -> object:
    four = last_four(int(value) if isinstance(value, float) and value.is_integer() else value)
    if four is None:
        return _ANY_DIGITS.sub(lambda found: "…" + found[0][-4:], value) if isinstance(value, str) else None
    return four if isinstance(value, str) else int(four)


def _cut_digits(value: int | float | str) -> object:
    if isinstance(value, str):
        return _LONG_DIGITS.sub(lambda found: _cut_if_card(found[0]), value)
    digits = str(abs(int(value))) if isinstance(value, int) or value.is_integer() else ""
    return int(digits[-4:]) if 12 <= len(digits) <= 19 and has_check_digit(digits) else value


def _cut_if_card(found: str) -> str:
    digits = re.sub(r"[^0-9]", "", found)
    return "…" + digits[-4:] if has_check_digit(digits) else found


def has_check_digit(digits: str) -> bool:
    """Luhn's formula, by which every payment card number ends."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
