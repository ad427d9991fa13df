"""Access codes as CSV: UTF-8 with the columns of `CSV_COLUMNS`.

Instants are ISO 8601. To be read, a file needs the columns `code`, `maxUses` and `expiresAt`, in any order; it may be
as a spreadsheet saves it: with commas, semicolons or tabs, in UTF-8 or UTF-16, with rows and columns of blank cells.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO

from models.access_codes.batches import CSV_COLUMNS, LONGEST_IMPORTED
from models.errors import InvalidInput
from models.values.cells import text_to_cell

PASSED_OVER = ("_id", "updatedAt")
"""Columns of an export that an import makes nothing of."""
NEEDED = ("code", "maxUses", "expiresAt")
DELIMITERS = ",;\t"
LONGEST_CELL = LONGEST_IMPORTED + 1_000
"""A quote that is never closed swallows what follows; it is given up after so many characters."""


class HeaderFault(InvalidInput):
    """The first line is not the header of a file of access codes."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by the names of its columns, with the line it begins in, and why it cannot be read."""

    line: int
    cells: Mapping[str, str]
    fault: str | None = None

    def in_batch(self, name: str) -> "Row":
        """The row, whose code is of this batch where it names none."""
        if not name or self.cells.get("batch", "").strip():
            return self
        return replace(self, cells={**self.cells, "batch": text_to_cell(name)})


def encoding_of(file: Path) -> str:
    """How a file is encoded: UTF-16 where it says so at its beginning, as a spreadsheet's "Unicode text" does."""
    with file.open("rb") as opened:
        return "utf-16" if opened.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def read_rows(file: IO[str]) -> Iterator[Row]:
    """Every row after the header; rows of blank cells are passed over. Raises `HeaderFault`."""
    csv.field_size_limit(LONGEST_CELL)
    above, first = _first_line(file)
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(chain([first] if first else [], file), delimiter=delimiter, strict=True)
    try:
        header = [_column(name) for name in _without_blank_end(next(reader, []))]
    except csv.Error as fault:
        raise HeaderFault.of("", f"line {above + 1}: {fault}") from None
    _check_header(header, above + 1)
    while True:
        line = above + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            last = above + reader.line_num
            yield Row(line, {}, f"{fault}{f', up to line {last}' if last > line else ''}")
            continue
        if any(cell.strip() for cell in cells):
            # Columns of blank cells beside the table are none of it.
            cells = cells[: len(header)] + _without_blank_end(cells[len(header) :])
            yield Row(line, dict(zip(header, cells, strict=False)), _fault_of(header, cells))


def _first_line(file: IO[str]) -> tuple[int, str]:
    """The line with the header, and how many are above it: blank ones, and one that names the delimiter."""
    for above, line in enumerate(file):
        if line.strip(DELIMITERS + " \r\n") and not re.fullmatch(r'"?sep=.?"?\s*', line):
            return above, line
    return 0, ""


def _column(name: str) -> str:
    """The name of a column as it is known, however it is written."""
    known = {_plain(each): each for each in (*CSV_COLUMNS, *PASSED_OVER)}
    return known.get(_plain(name), name.strip())


def _plain(name: str) -> str:
    return re.sub(r"[\s_]", "", name).lower()


def _without_blank_end(cells: list[str]) -> list[str]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _check_header(header: list[str], line: int) -> None:
    known = (*CSV_COLUMNS, *PASSED_OVER)
    faults = [f"the column {name} is missing" for name in NEEDED if name not in header]
    faults += [f"{name!r} is not a known column" for name in dict.fromkeys(header) if name not in known]
    faults += [f"the column {name} stands twice" for name in known if header.count(name) > 1]
    if faults:
        raise HeaderFault.of("", f"line {line}: {'; '.join(faults)} (known are {','.join(CSV_COLUMNS)})")


def _fault_of(header: list[str], cells: list[str]) -> str | None:
    if len(cells) != len(header):
        return f"there are {len(cells)} cells under a header of {len(header)}"
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return "the text is not UTF-8"
    return None
