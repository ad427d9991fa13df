"""`tessera export`: all that is recorded, as CSV or NDJSON, in constant memory, with the filters of the API."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from models.exports import Export, ExportFormat, read_export
from models.principal import SYSTEM
from server.cli.data_folder import DATA, Data, with_servers_of
from server.cli.database import run_verb
from server.cli.output import fail
from server.cli.progress import errors, progress_bar

if TYPE_CHECKING:
    from services.exports.families import Family
    from services.registry import Services


@dataclass(slots=True)
class Written:
    """How many rows were written whole, and the cursor behind the last."""

    rows: int = 0
    cursor: str | None = None


def export(
    name: Annotated[str, typer.Argument(help="What to export, such as coupons; the names are those of the API.")],
    filters: Annotated[
        list[str] | None, typer.Argument(metavar="[FILTER=VALUE]...", help="As in the API, such as active=true.")
    ] = None,
    form: Annotated[ExportFormat, typer.Option("--format", help="How rows are written.")] = ExportFormat.CSV,
    output: Annotated[Path | None, typer.Option(help="The file; standard output when not given.")] = None,
    cursor: Annotated[
        str | None,
        typer.Option(help="The _id of the last row, to go on behind it: no header; FILE.part grows."),
    ] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin CSV with a byte-order mark, for spreadsheets.")] = False,
    data: Data = DATA,
) -> None:
    """Export all that is recorded of a kind, the newest first. A file appears only when it is complete."""
    from services.exports.families import FAMILIES

    family = FAMILIES.get(name)
    if family is None:
        raise fail(f"There is no export {name}; there are {', '.join(FAMILIES)}", 2)
    options = (f"format={form}", f"bom={str(bom).lower()}", *([f"cursor={cursor}"] if cursor else ()))
    query = _query_of([*(filters or ()), *options])
    written = Written()

    async def work(services: "Services") -> None:
        try:
            await write_export(services, family, read_export(family.filter, query), output, written)
        except BaseException:
            if written.cursor is not None:
                errors.print(f"Broken off after {written.rows} rows; --cursor {written.cursor} goes on behind them.")
            raise

    run_verb(work, with_servers_of(data))
    errors.print(f"Exported {written.rows} rows.")


async def write_export(
    services: "Services", family: "Family[Any, Any]", wanted: Export[Any], output: Path | None, written: Written
) -> None:
    """Write an export to a file, or to standard output. A file has another name until it is complete."""
    if output is None:
        await _write(services, family, wanted, sys.stdout, written)
        return
    part = output.with_name(output.name + ".part")
    with part.open("w" if wanted.options.cursor is None else "a", encoding="utf-8", newline="") as file:
        await _write(services, family, wanted, file, written)
    part.replace(output)


async def _write(
    services: "Services", family: "Family[Any, Any]", wanted: Export[Any], file: IO[str], written: Written
) -> None:
    with progress_bar(rate=True) as progress:
        task = progress.add_task("Exporting", total=await services.exports.count(SYSTEM, family, wanted))
        async for piece in services.exports.write(SYSTEM, family, wanted):
            file.write(piece.text)
            written.rows, written.cursor = written.rows + piece.rows, piece.cursor
            progress.update(task, completed=written.rows)


def _query_of(filters: Sequence[str]) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for each in filters:
        name, equals, value = each.partition("=")
        if not equals:
            raise fail(f"{each} is no filter; write it as NAME=VALUE", 2)
        query.setdefault(name, []).append(value)
    return query
