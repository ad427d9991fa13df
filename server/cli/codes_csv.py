"""Access codes as CSV: UTF-8 with the header `code,description,maxUses,usedCount,expiresAt,active,createdAt,createdBy`.

Instants are ISO 8601. To be read, a file needs the columns `code`, `maxUses` and `expiresAt`, in any order.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from models.access_code import AccessCode
from models.instants import iso

HEADER = ("code", "description", "maxUses", "usedCount", "expiresAt", "active", "createdAt", "createdBy")
NEEDED = ("code", "maxUses", "expiresAt")
LONGEST_CELL = 4_096
"""A quote that is never closed swallows what follows; it is given up after so many characters."""


class HeaderFault(Exception):
    """The first line is not the header of a file of access codes."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by the names of its columns, with the line it begins in, and why it cannot be read."""

    line: int
    cells: Mapping[str, str]
    fault: str | None = None


def to_cells(code: AccessCode) -> tuple[str | int, ...]:
    """The cells of a code, in the order of `HEADER`."""
    return (
        code.code,
        code.description,
        code.max_uses,
        code.used_count,
        iso(code.expires_at),
        "true" if code.active else "false",
        iso(code.created_at),
        code.created_by,
    )


def read_rows(file: IO[str]) -> Iterator[Row]:
    """Every row after the header; blank lines are passed over. Raises `HeaderFault`."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(file, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as fault:
        raise HeaderFault(f"line 1: {fault}") from None
    _check_header(header)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            until = f", up to line {reader.line_num}" if reader.line_num > line else ""
            yield Row(line, {}, f"{fault}{until}")
            continue
        if cells:
            yield Row(line, dict(zip(header, cells, strict=False)), _fault_of(header, cells))


def _check_header(header: list[str]) -> None:
    faults = [f"the column {name} is missing" for name in NEEDED if name not in header]
    faults += [f"{name!r} is not a known column" for name in dict.fromkeys(header) if name not in HEADER]
    faults += [f"the column {name} stands twice" for name in HEADER if header.count(name) > 1]
    if faults:
        raise HeaderFault(f"line 1: {'; '.join(faults)} (known are {','.join(HEADER)})")


def _fault_of(header: list[str], cells: list[str]) -> str | None:
    if len(cells) != len(header):
        return f"there are {len(cells)} cells under a header of {len(header)}"
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return "the text is not UTF-8"
    return None
