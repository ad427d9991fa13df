"""`tessera codes`: access codes by the million, from and to CSV, in constant memory.

Results go to standard output, progress and bad rows to standard error. The exit code is 1 when a row was refused or the
work could not be done, 2 for a bad option or environment.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from models.access_codes.access_code import DEFAULT_DESCRIPTION, AccessCodeFilter
from models.access_codes.batches import (
    CHUNK,
    MAX_BATCH,
    ActivateAccessCodeBatch,
    BatchSwitch,
    DeactivateAccessCodeBatch,
    GenerateAccessCodes,
    ImportAccessCode,
    Outcome,
    read_import_row,
)
from models.errors import InvalidInput
from models.exports import Export
from models.inputs import parse
from models.principal import SYSTEM
from models.values.texts import clean
from server.cli.codes_csv import Row, encoding_of, read_rows
from server.cli.database import run_verb
from server.cli.export import Written, write_export
from server.cli.progress import errors, progress_bar

if TYPE_CHECKING:
    from services.registry import Services

codes = typer.Typer(help="Make, export and import access codes by the million.", no_args_is_help=True)


@codes.command()
def generate(
    count: Annotated[int, typer.Option(min=1, max=MAX_BATCH, help="How many codes the batch is to have.")],
    batch: Annotated[str, typer.Option(help="A name of your choice: the same command again completes the same batch.")],
    max_uses: Annotated[int, typer.Option(min=1, help="How many users can use each.")] = 1,
    expiry_days: Annotated[int, typer.Option(min=1, help="Days until they expire, from the batch's beginning.")] = 30,
    description: Annotated[str, typer.Option(help="What they are for.")] = DEFAULT_DESCRIPTION,
    output: Annotated[Path | None, typer.Option(help="Export the batch to this CSV file when it is complete.")] = None,
) -> None:
    """Make a batch of access codes. Killed or run again, it completes the batch and makes no code more."""
    wanted = {
        "batch": batch,
        "count": count,
        "maxUses": max_uses,
        "expiryDays": expiry_days,
        "description": description,
    }

    async def work(services: "Services") -> int:
        made = 0
        with progress_bar() as progress:
            task = progress.add_task("Making codes", total=count)
            async for made in services.access_code_batches.generate(SYSTEM, parse(GenerateAccessCodes, wanted)):
                progress.update(task, completed=made)
        if output is not None:
            await _export(services, output, batch)
        return made

    typer.echo(f"Batch {batch} has {run_verb(work)} codes.")


@codes.command()
def activate(batch: Annotated[str, typer.Argument(help="The name of the batch.")]) -> None:
    """Let every code of a batch be redeemed but those that are full or have expired. Run it again if it was killed."""
    done = run_verb(lambda services: _switch(services, ActivateAccessCodeBatch, batch))
    typer.echo(f"Activated {done.changed} codes; {done.full} are full and {done.expired} have expired.")


@codes.command()
def deactivate(batch: Annotated[str, typer.Argument(help="The name of the batch.")]) -> None:
    """Let no code of a batch be redeemed any more. Run it again if it was killed."""
    done = run_verb(lambda services: _switch(services, DeactivateAccessCodeBatch, batch))
    typer.echo(f"Deactivated {done.changed} codes.")


@codes.command()
def export(
    output: Annotated[Path | None, typer.Argument(help="The CSV file; standard output when not given.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only the codes of this batch.")] = None,
) -> None:
    """Write access codes as CSV, the oldest first. A file appears only when it is complete."""
    number = run_verb(lambda services: _export(services, output, batch))
    errors.print(f"Exported {number} codes.")


@codes.command("import")
def import_codes(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The CSV file.")],
    batch: Annotated[str, typer.Option(help="The batch of the codes to which the file gives none.")] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Look at every row first; change nothing if one is bad.")
    ] = False,
) -> None:
    """Take over access codes from CSV; a bad row is reported with its line and stops no other.

    The columns are code, maxUses, expiresAt and, as you like, description, usedCount, active, createdAt, createdBy,
    batch. A code that is there already with the same values is left as it is: run it again as often as you like.
    """

    async def work(services: "Services") -> Counter[Outcome]:
        if strict:
            _require_good_rows(file, batch)
        return await _import(services, file, batch, strict=strict)

    counted = run_verb(work)
    typer.echo(
        f"Imported {counted[Outcome.IMPORTED]} codes; {counted[Outcome.PRESENT]} were there already; "
        f"{counted[Outcome.REFUSED]} rows were refused."
    )
    if counted[Outcome.REFUSED]:
        raise typer.Exit(1)


async def _switch(
    services: "Services", kind: type[ActivateAccessCodeBatch] | type[DeactivateAccessCodeBatch], batch: str
) -> BatchSwitch:
    batches, command = services.access_code_batches, parse(kind, {"id": batch})
    done = BatchSwitch()
    with progress_bar() as progress:
        task = progress.add_task("Switching codes", total=await batches.count(SYSTEM, command.name))
        async for done in batches.switch(SYSTEM, command):
            progress.update(task, completed=done.changed + done.full + done.expired)
    return done


async def _export(services: "Services", output: Path | None, batch: str | None) -> int:
    from services.exports.families import ACCESS_CODES_TO_IMPORT

    written = Written()
    wanted = Export(AccessCodeFilter(batch=None if batch is None else clean(batch)))
    await write_export(services, ACCESS_CODES_TO_IMPORT, wanted, output, written)
    return written.rows


def _require_good_rows(file: Path, batch: str) -> None:
    """Exit 1 unless every row can be imported; each bad one is reported."""
    bad = 0
    with progress_bar() as progress, _open(progress, file, "Looking at rows") as lines:
        for row in read_rows(lines):
            _, faults = _read(row.in_batch(batch))
            bad += bool(faults)
            _report(row.line, faults)
    if bad:
        errors.print(f"{bad} rows are bad; nothing was changed.")
        raise typer.Exit(1)


async def _import(services: "Services", file: Path, batch: str, *, strict: bool) -> Counter[Outcome]:
    counted: Counter[Outcome] = Counter()
    with progress_bar() as progress, _open(progress, file, "Importing") as lines:
        rows = read_rows(lines)
        while chunk := list(islice(rows, CHUNK)):
            counted.update(await _import_chunk(services, [row.in_batch(batch) for row in chunk]))
            if strict and counted[Outcome.REFUSED]:
                break
    return counted


async def _import_chunk(services: "Services", chunk: Iterable[Row]) -> Counter[Outcome]:
    good: list[tuple[int, ImportAccessCode]] = []
    faults: dict[int, Sequence[str]] = {}
    for row in chunk:
        read, faults[row.line] = _read(row)
        if read is not None:
            good.append((row.line, read))
    counted = Counter({Outcome.REFUSED: len(faults) - len(good)})
    for done in await services.access_code_batches.import_rows(SYSTEM, good):
        counted[done.outcome] += 1
        faults[done.line] = done.faults
    for line in sorted(faults):
        _report(line, faults[line])
    return counted


def _read(row: Row) -> tuple[ImportAccessCode | None, Sequence[str]]:
    """A row as a code to import, or else everything that is wrong with it."""
    if row.fault is not None:
        return None, [row.fault]
    try:
        return read_import_row(row.cells), []
    except InvalidInput as refusal:
        return None, [fault.message for fault in refusal.faults]


def _open(progress: Progress, file: Path, doing: str) -> IO[str]:
    """The text of a file whose reading moves the bar; what is not UTF-8 stays recognisable."""
    encoding = encoding_of(file)
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    return progress.open(file, "rt", encoding=encoding, errors=errors, newline="", description=doing)


def _report(line: int, faults: Iterable[str]) -> None:
    for fault in faults:
        errors.print(f"line {line}: {fault}")
