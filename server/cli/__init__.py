"""The command line. Faults of settings are all named in one message on standard error; the exit code is then 2."""

import os
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer

from models.environment import SettingsError
from models.texts import clean, is_storable
from server.cli.audit import audit
from server.cli.codes import app as codes
from server.cli.data_folder import DATA, kept_secrets
from server.cli.database import database_settings, run_on_database
from server.cli.events import add_event_commands
from server.cli.health import health
from server.cli.output import fail
from server.cli.trust import trust
from server.settings import Settings

MOST_NAMED = 100
"""How many documents of each kind a migration names; the others are in their collection."""

app = typer.Typer(
    name="tessera",
    help="Coupons, access codes, usage followers and orders: GraphQL, REST and Kafka over one set of verbs.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show secrets.
    pretty_exceptions_enable=False,
)
add_event_commands(app)
app.command()(trust)
app.add_typer(codes, name="codes")


def _settings() -> Settings:
    from server.serve import read_settings

    try:
        return read_settings()
    except SettingsError as fault:
        raise fail(str(fault), 2) from None


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104  # a server's default
    workers: Annotated[int, typer.Option(min=1, max=256, help="Worker processes.")] = 1,
) -> None:
    """Serve the API on PORT (and ORDER_SERVICE_PORT, USAGE_FOLLOWER_SERVICE_PORT); SIGTERM drains."""
    from server.serve import ListenError
    from server.serve import serve as run

    try:
        run(_settings(), host, workers)
    except ListenError as fault:
        raise fail(str(fault), 1) from None


@app.command()
def migrate() -> None:
    """Make indexes and counters, and import the data of an older system; as often as one likes."""
    from services.kit.database import Database
    from services.migrations.runner import migrate as run
    from services.migrations.set_aside import counted, listed, names

    settings = database_settings()

    async def work() -> None:
        database = Database(settings.mongo_uri, settings.database, settings.mongo_driver)
        try:
            for family, number in (await run(database, usage_hold=settings.usage_hold)).items():
                typer.echo(f"{family}: {number} taken over")
            for imported, verdict in ((True, "taken over with changes"), (False, "set aside")):
                number = await counted(database, imported=imported)
                if number:
                    typer.echo(f"{number} documents were {verdict}; the originals are in the collection `setaside`:")
                for line in names(await listed(database, imported=imported, limit=MOST_NAMED)):
                    typer.echo(f"  {line}")
                if number > MOST_NAMED:
                    typer.echo(f"  … and {number - MOST_NAMED} more")
        finally:
            await database.close()

    run_on_database(work())
    typer.echo("The database is ready.")


app.command()(audit)


@app.command()
def schema(
    output: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
    check: Annotated[Path | None, typer.Option(help="Compare it to this file; exit 1 if they differ.")] = None,
) -> None:
    """Print the GraphQL schema."""
    from difflib import unified_diff

    from server.graphql.schema import print_sdl

    text = print_sdl()
    if check is not None:
        kept = check.read_text() if check.exists() else ""
        if kept != text:
            changes = unified_diff(kept.splitlines(), text.splitlines(), str(check), "the schema", lineterm="", n=1)
            typer.echo("\n".join(changes))
            raise fail(f"{check} is not the schema; `make schema` writes it.", 1)
    elif output is not None:
        output.write_text(text)
    else:
        typer.echo(text, nl=False)


@app.command()
def token(
    user_id: Annotated[str, typer.Argument(help="The claim userId.")],
    types: Annotated[list[str] | None, typer.Option("--type", help="A userType, as often as needed.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it expires.")] = 1,
    data: Annotated[Path, typer.Option(help="Folder of `tessera dev`, for the secret where JWT_SEC is unset.")] = DATA,
) -> None:
    """Print a JWT for a user, signed with JWT_SEC or the secret that `tessera dev` keeps."""
    from server.tokens import make_token

    secret = os.environ.get("JWT_SEC", "").strip() or kept_secrets(data).get("JWT_SEC")
    if not secret:
        raise fail(f"JWT_SEC is missing, and tessera dev has kept none in {data}.", 2)
    user = clean(user_id)
    if not user or not is_storable(user):
        raise fail("USER_ID must be a text that can be seen and written as UTF-8.", 2)
    typer.echo(make_token(secret, user, types or ["default"], days))


app.command()(health)


def _add_commands_of_other_packages() -> None:
    """Commands that are installed beside the server's own; one whose package is not there is left out."""
    for entry in entry_points(group="tessera.commands"):
        try:
            app.command(name=entry.name)(entry.load())
        except ModuleNotFoundError:
            continue


_add_commands_of_other_packages()
