"""The command line. Faults of settings are all named in one message on standard error; the exit code is then 2."""

import os
from pathlib import Path
from typing import Annotated

import typer

from models.environment import EnvironmentReader, SettingsError
from models.texts import clean, is_storable
from server.audit_cli import audit
from server.codes_cli import app as codes
from server.consume_cli import add_event_commands
from server.database_cli import database_settings, run_on_database
from server.settings import Settings
from server.trust_cli import trust

DATA = Path(".tessera")
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


def _fail(message: str, code: int) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)


def _settings() -> Settings:
    from server.serve import read_settings

    try:
        return read_settings()
    except SettingsError as fault:
        raise _fail(str(fault), 2) from None


def _port() -> int:
    reader = EnvironmentReader(os.environ)
    port = reader.whole("PORT", 3000, 1, 65_535)
    if reader.faults:
        raise _fail(str(SettingsError(reader.faults)), 2)
    return port


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
        raise _fail(str(fault), 1) from None


@app.command()
def dev(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, max=256, help="Worker processes of the API.")] = 1,
    data: Annotated[Path, typer.Option(help="Folder of the databases, secrets and logs.")] = DATA,
) -> None:
    """Run everything here: MongoDB (unless MONGO_URI), Kafka (unless KAFKA_URI), the API and the consumers."""
    from server.development import DevelopmentError, develop
    from server.embedded import EmbeddedError

    def say(part: str, line: str) -> None:
        typer.echo(f"{part:<10} {line}" if part else line)

    try:
        develop(data, host=host, workers=workers, environment=os.environ, say=say)
    except SettingsError as fault:
        raise _fail(str(fault), 2) from None
    except (DevelopmentError, EmbeddedError) as fault:
        raise _fail(str(fault), 1) from None


@app.command()
def migrate() -> None:
    """Make indexes and counters, and take over the data of an older system; as often as one likes."""
    from services.database import Database
    from services.migrations import migrate as run
    from services.set_aside import counted, listed, names

    settings = database_settings()

    async def work() -> None:
        database = Database(settings.mongo_uri, settings.database)
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
            database.close()

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

    from server.graphql.sdl import print_sdl

    text = print_sdl()
    if check is not None:
        kept = check.read_text() if check.exists() else ""
        if kept != text:
            changes = unified_diff(kept.splitlines(), text.splitlines(), str(check), "the schema", lineterm="", n=1)
            typer.echo("\n".join(changes))
            raise _fail(f"{check} is not the schema; `make schema` writes it.", 1)
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
    from server.development import kept_secrets, make_token

    secret = os.environ.get("JWT_SEC", "").strip() or kept_secrets(data).get("JWT_SEC")
    if not secret:
        raise _fail(f"JWT_SEC is missing, and tessera dev has kept none in {data}.", 2)
    user = clean(user_id)
    if not user or not is_storable(user):
        raise _fail("USER_ID must be a text that can be seen and written as UTF-8.", 2)
    typer.echo(make_token(secret, user, types or ["default"], days))


@app.command()
def health(
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Its port; that of the settings if unsaid.")
    ] = None,
) -> None:
    """Exit 0 if the process on this machine is ready, else 1 (for the health check of a container)."""
    from server.development.program import answers_ok

    port = port or _port()
    if not answers_ok("127.0.0.1", port, "/readyz"):
        raise _fail(f"Not ready on port {port}", 1)
    typer.echo("Ready")
