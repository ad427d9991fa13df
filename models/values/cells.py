"""The cells of a table: written so that spreadsheets run and rewrite none, and read back as they were.

A text that a spreadsheet would run as a formula, or take for a number or a date, gets a leading apostrophe, and a text
that looks as if it had got one gets another, so that taking one away always brings back the text.
"""

import re
from collections.abc import Callable

FORMULA = re.compile(r"[\s\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20\u2212]|[\t\r\n]")
"""How a cell begins that a spreadsheet may run."""
_REWRITTEN = re.compile(
    # Numbers, dates, times, fractions, shares and amounts; numbers with an exponent; logical values; months.
    r"[^\w]*\d[\d\s.,:;/%'\u2019()$€£¥_-]*([ap]\.?m\.?)?|\d+([.,]\d+)?e[+-]?\d+"
    r"|true|false|wahr|falsch|vrai|faux|verdadero|falso|vero|waar|onwaar"
    r"|(\d[\d\s.,/-]*)?(jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]*[\d\s.,/:-]*",
    re.IGNORECASE,
)


def to_cell(value: object, of_text: Callable[[str], str]) -> object:
    """A value of JSON as a cell: nothing is empty, a flag `true` or `false`, a number as it is."""
    if isinstance(value, str):
        return of_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value


def text_to_cell(text: str) -> str:
    """A text as a cell."""
    return "'" + text if _is_special(text) or has_apostrophe(text) else text


def text_from_cell(cell: str) -> str:
    """The text of a cell."""
    return cell[1:] if has_apostrophe(cell) else cell


def has_apostrophe(cell: str) -> bool:
    """Whether a cell has got an apostrophe, or looks as if."""
    return cell.startswith("'") and _is_special(cell.lstrip("'"))


def _is_special(text: str) -> bool:
    return FORMULA.match(text) is not None or _REWRITTEN.fullmatch(text.strip()) is not None
