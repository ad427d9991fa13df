"""The command `tessera migrate`: what a start does, without serving."""

from typing import TYPE_CHECKING

import typer

from server.cli.database import database_settings, run_on_database

if TYPE_CHECKING:
    from services.kit.database import Database
    from services.settings import DatabaseSettings

MOST_NAMED = 100
"""How many documents of each kind a migration names; the others are in their collection."""


def migrate() -> None:
    """Make indexes and counters, and import the data of an older system; as often as one likes."""
    run_on_database(_migrate(database_settings()))
    typer.echo("The database is ready.")


async def _migrate(settings: "DatabaseSettings") -> None:
    from services.kit.database import Database
    from services.migrations.runner import migrate as run

    database = Database(settings.mongo_uri, settings.database, settings.mongo_driver)
    try:
        for family, number in (await run(database, usage_hold=settings.usage_hold)).items():
            typer.echo(f"{family}: {number} taken over")
        await _name(database, "taken over with changes", imported=True)
        await _name(database, "set aside", imported=False)
    finally:
        await database.close()


async def _name(database: "Database", verdict: str, *, imported: bool) -> None:
    """Names the documents that had to be changed, or could not be read."""
    from services.migrations.set_aside import counted, listed, names

    number = await counted(database, imported=imported)
    if number:
        typer.echo(f"{number} documents were {verdict}; the originals are in the collection `setaside`:")
    for line in names(await listed(database, imported=imported, limit=MOST_NAMED)):
        typer.echo(f"  {line}")
    if number > MOST_NAMED:
        typer.echo(f"  … and {number - MOST_NAMED} more")
