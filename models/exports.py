"""Exports: what can be asked of one, and how its rows are written, as CSV or as a JSON object a line."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Generic, Protocol, TypeAlias, TypeVar

import orjson
from pydantic import BeforeValidator

from models.errors import FieldError, InvalidInput
from models.inputs import Choice, Flag, Input, RawId, field_names, parse_query
from models.values.cells import text_from_cell, text_to_cell, to_cell

Wanted = TypeVar("Wanted", bound=Input)
Shape = TypeVar("Shape", bound=Input)
Row: TypeAlias = Mapping[str, object]
"""What is exported of one thing, as JSON without anything nested."""
Cells: TypeAlias = Mapping[str, Callable[[str], str]]
"""How the texts of those columns become cells that are not written as any text is."""


class ExportFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"


def _bit(raw: object) -> object:
    return {"1": True, "0": False}.get(raw, raw) if isinstance(raw, str) else raw


def _id_of_cell(given: object) -> object:
    return text_from_cell(given) if isinstance(given, str) else given


@dataclass(frozen=True, slots=True)
class ExportOptions(Input):
    """What every export takes beside its filter.

    `cursor` is the `_id` of the last row that has come: the export goes on behind it, without a header. `bom` begins
    CSV with a byte-order mark, by which spreadsheets know UTF-8.
    """

    format: Choice[ExportFormat] = ExportFormat.CSV
    bom: Annotated[Flag, BeforeValidator(_bit)] = False
    cursor: Annotated[RawId, BeforeValidator(_id_of_cell)] | None = None


@dataclass(frozen=True, slots=True)
class Export(Generic[Wanted]):
    """What is to be exported, and how."""

    filter: Wanted
    options: ExportOptions = ExportOptions()


def read_export(shape: type[Wanted], query: Mapping[str, Sequence[str]]) -> Export[Wanted]:
    """Read query parameters; raises `InvalidInput` with every fault.

    An unknown parameter is one, because a filter that is ignored lets out what it should have held back.
    """
    known = field_names(shape) | field_names(ExportOptions)
    unknown = [name for name in query if name not in known]
    faults = [FieldError(name, f"{name} is not known here; known are {', '.join(sorted(known))}") for name in unknown]
    options = _read(ExportOptions, query, faults)
    wanted = _read(shape, query, faults)
    if faults or options is None or wanted is None:
        raise InvalidInput(faults)
    return Export(wanted, options)


def _read(shape: type[Shape], query: Mapping[str, Sequence[str]], faults: list[FieldError]) -> Shape | None:
    try:
        return parse_query(shape, query)
    except InvalidInput as refusal:
        faults += refusal.faults
        return None


class RowFormat(Protocol):
    """How rows are written: what stands before the first, and each with the end of its line."""

    def head(self) -> str: ...

    def lines(self, rows: Iterable[Row]) -> str: ...


class CsvFormat:
    """Rows as CSV under a header. Each ends with a line feed; a cell with a carriage return is quoted too."""

    def __init__(
        self, columns: Sequence[str], cells: Cells, *, bom: bool = False, delimiter: str = ",", end: str = "\n"
    ) -> None:
        self._bom = bom
        self._end = end
        self._cells = [(column, cells.get(column, text_to_cell)) for column in columns]
        self._lines: list[str] = []
        # The csv module quotes only those of the two that end its lines.
        self._writer = csv.writer(self, delimiter=delimiter, lineterminator="\r\n")

    def head(self) -> str:
        self._writer.writerow([column for column, _ in self._cells])
        return ("\ufeff" if self._bom else "") + self._taken()

    def lines(self, rows: Iterable[Row]) -> str:
        self._writer.writerows([to_cell(row[column], of_text) for column, of_text in self._cells] for row in rows)
        return self._taken()

    def write(self, line: str) -> None:
        """Takes a line of the csv module."""
        self._lines.append(line.removesuffix("\r\n") + self._end)

    def _taken(self) -> str:
        lines, self._lines = self._lines, []
        return "".join(lines)


class NdjsonFormat:
    """Rows as JSON objects, one a line."""

    def head(self) -> str:
        return ""

    def lines(self, rows: Iterable[Row]) -> str:
        return "".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode() for row in rows)


def row_format(options: ExportOptions, columns: Sequence[str], cells: Cells) -> RowFormat:
    """How the rows of an export are written."""
    return NdjsonFormat() if options.format is ExportFormat.NDJSON else CsvFormat(columns, cells, bom=options.bom)
