"""The cells of a table of access codes, read as spreadsheets save them."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time

from models.values.cells import FORMULA, has_apostrophe, text_from_cell
from models.values.instants import iso

_DIGITS = re.compile(r"[0-9]+")
_EXPONENT = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+[0-9]+|[0-9][.,][0-9]+[eE][+-]?[0-9]+")
_GROUPED = re.compile(r"[0-9]{1,3}([ '\u00a0\u2009\u202f\u2019][0-9]{3})+")
_WITH_ZEROS = re.compile(r"(-?[0-9]+)[.,]0{1,2}")
_DATE = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_INSTANT = re.compile(
    r"(?P<day>[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2})[T ] ?"
    r"(?P<hour>[0-9]{1,2})(?P<rest>:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,6})?)?) ?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
)
# What spreadsheets write for the logical values, by the language they speak.
_TRUE = ("true", "1", "wahr", "vrai", "verdadero", "vero", "verdadeiro", "waar", "sant", "prawda")
_FALSE = ("false", "0", "falsch", "faux", "falso", "onwaar", "falskt", "fałsz")
_SHORTEST = 6
"""A code of fewer digits looks like one that lost its leading zeros to a spreadsheet."""
_LAST = time(23, 59, 59, 999_000, UTC)


def code_to_cell(code: str) -> str:
    """A code as a cell. Numbers and dates are left as they are: files of codes are for other programs first."""
    short = _DIGITS.fullmatch(code) is not None and len(code) < _SHORTEST
    return "'" + code if FORMULA.match(code) or short or has_apostrophe(code) else code


def plain_cells(cells: Mapping[str, str]) -> dict[str, str]:
    """The cells of a row as they were before a spreadsheet had them; what cannot be told is left for a fault."""
    return {name: _READERS.get(name, str.strip)(cell) for name, cell in cells.items()}


def code_fault(cell: str) -> str | None:
    """Why a code in a cell is none, where a spreadsheet took it for a number; None where it is one."""
    text = cell.strip()
    if _EXPONENT.fullmatch(text):
        return f"code {text} was rewritten as a number; let the spreadsheet read the column as text"
    if _DIGITS.fullmatch(text) and len(text) < _SHORTEST:
        return f"code {text} may have lost leading zeros; write '{text} if it has none, else the whole code"
    return None


def _whole_from_cell(cell: str) -> str:
    text = cell.strip()
    if _GROUPED.fullmatch(text):
        return re.sub(r"[^0-9]", "", text)
    zeros = _WITH_ZEROS.fullmatch(text)
    return zeros[1] if zeros else text


def _flag_from_cell(cell: str) -> str:
    word = cell.strip().lower()
    if word in _TRUE:
        return "true"
    return "false" if word in _FALSE else word


def _instant_from_cell(cell: str, of_day: Callable[[datetime], datetime] | None = None) -> str:
    """ISO 8601, as it is or as a spreadsheet rewrites it: a blank for the T, no seconds, slashes, no leading zeros.

    Any other text is left out of what can be read, days and months in an order of their own above all.
    """
    text = cell.strip()
    try:
        if date := _DATE.fullmatch(text):
            day = datetime(int(date[1]), int(date[2]), int(date[3]), tzinfo=UTC)
            return iso(of_day(day) if of_day else day)
        if parts := _INSTANT.fullmatch(text):
            year, month, number = re.split("[-/]", parts["day"])
            clock = f"{int(parts['hour']):02d}{parts['rest'].replace(',', '.')}"
            return f"{year}-{int(month):02d}-{int(number):02d}T{clock}{parts['zone'] or 'Z'}"
    except ValueError:
        pass
    return f"? {text}" if text else ""


def _end_of_day(day: datetime) -> datetime:
    return datetime.combine(day.date(), _LAST)


_READERS: dict[str, Callable[[str], str]] = {
    "code": text_from_cell,
    "description": text_from_cell,
    "createdBy": text_from_cell,
    "batch": text_from_cell,
    "maxUses": _whole_from_cell,
    "usedCount": _whole_from_cell,
    "active": _flag_from_cell,
    "createdAt": _instant_from_cell,
    "expiresAt": lambda cell: _instant_from_cell(cell, _end_of_day),
}
