"""Numbered migrations, which bring a database of any earlier release or of an older system along, under load.

The number of the last one that is done is recorded, so that a start with nothing to do reads one row and takes no
lease. Each may be killed at any moment and run again, finishes the rest, and costs constant time where nothing is left.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import services.migrations
from services.connection import require_fit
from services.kit.database import Database
from services.kit.leases import hold
from services.kit.orphans import end_orphaned_transactions
from services.migrations.options import Options

log = logging.getLogger("tessera.migration")

LEASE_SECONDS = 1.5
"""How long a start waits for another that died while it migrated."""
_NUMBERED = re.compile(r"m\d{4}_")
VERSION = "version"
"""The row, in the collection of migrations, that holds the number of the last one that is done."""


@dataclass(frozen=True, slots=True)
class Migration:
    """`run` returns what it has to tell: numbers of documents by what they are."""

    number: int
    run: Callable[[Database, Options], Awaitable[object]]


def _find() -> tuple[Migration, ...]:
    """Every module of this folder that has a number, with what it names `run`."""
    names = sorted(module.name for module in iter_modules(services.migrations.__path__) if _NUMBERED.match(module.name))
    return tuple(Migration(int(name[1:5]), import_module(f"services.migrations.{name}").run) for name in names)


MIGRATIONS = _find()
LATEST = MIGRATIONS[-1].number


async def is_up_to_date(database: Database) -> bool:
    """Whether every migration is recorded as done; reads one row."""
    number = await recorded_number(database)
    return number is not None and number >= LATEST


async def recorded_number(database: Database) -> int | None:
    """The number of the last migration that is recorded as done; None where none is."""
    row = await database.migrations.find_one({"_id": VERSION})
    return None if row is None else int(row["number"])


async def prepare(database: Database, *, usage_hold: int) -> "asyncio.Task[object] | None":
    """Make the database ready for a process that starts.

    Where every migration is recorded nothing is waited for: a look for what others left since (older services may still
    write) goes on in the task that is returned. Raises `UnfitDatabase`.
    """
    await require_fit(database)
    if not await is_up_to_date(database):
        await migrate(database, thorough=False, usage_hold=usage_hold)
        return None
    return asyncio.get_running_loop().create_task(_look_again(database, usage_hold))


async def _look_again(database: Database, usage_hold: int) -> None:
    try:
        await migrate(database, thorough=False, usage_hold=usage_hold)
    except Exception as fault:  # The process serves; the next start looks again.
        log.warning("could not look for documents of an older system: %s", type(fault).__name__)


async def migrate(database: Database, *, thorough: bool = True, usage_hold: int = 900) -> dict[str, int]:
    """Make the database ready; returns how many documents of each family were imported from an older system.

    Nothing stops it: what cannot be read is set aside with the reason. With `thorough=False` families whose counters
    agree with their collections are left alone, which takes constant time. One process at a time works; the others
    wait. Raises `UnfitDatabase`.
    """
    imported: dict[str, int] = {}
    await require_fit(database)
    async with hold(database, "migration", LEASE_SECONDS):
        # An index waits for every transaction that has its collection, those of a start that was killed too.
        await end_orphaned_transactions(database.client)
        for migration in MIGRATIONS:
            told = await migration.run(database, Options(thorough, usage_hold))
            if isinstance(told, dict):
                imported |= told
        done = {"$max": {"number": LATEST}, "$currentDate": {"at": True}}
        await database.migrations.update_one({"_id": VERSION}, done, upsert=True)
    return imported
