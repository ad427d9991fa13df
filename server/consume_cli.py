"""The commands about events: `consume`, `emit`, `replay`. They call what the package `consumers` shows of itself."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from models.environment import SettingsError
from models.errors import DomainError
from server.embedded.ports import LOOPBACK, is_listening, last_ports
from services.replica_set import SET_NAME

Data = Annotated[Path, typer.Option(help="Folder of `tessera dev`, whose servers are used where none are named.")]
DATA = Path(".tessera")


def add_event_commands(app: typer.Typer) -> None:
    """Put the commands into the command line."""
    app.command()(consume)
    app.command()(emit)
    app.command()(replay)


def consume() -> None:
    """Run the consumers and the relay of events; SIGTERM drains. As many as you like, on as many machines."""
    import consumers

    try:
        code = consumers.run(os.environ)
    except SettingsError as fault:
        raise _fail(str(fault), 2) from None
    raise typer.Exit(code)


def emit(
    topic: Annotated[str, typer.Argument(help="Where the event goes.")],
    file: Annotated[str, typer.Argument(help="A JSON file, or - for standard input. It is one event.")],
    key: Annotated[str | None, typer.Option(help="The key; otherwise the id in the event.")] = None,
    each: Annotated[bool, typer.Option("--each", help="The file is a list: each item is an event.")] = False,
    data: Data = DATA,
) -> None:
    """Put an event into a topic. Card numbers are cut to their last four digits, what else is secret left out."""
    import consumers

    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        identifiers = consumers.emit(_environment(data), topic, raw, key=key, each=each)
    except SettingsError as fault:
        raise _fail(str(fault), 2) from None
    except (OSError, DomainError, consumers.KafkaAway) as fault:
        raise _fail(str(fault), 1) from None
    for identifier in identifiers:
        typer.echo(f"{topic}: event {identifier}")


def replay(
    topic: Annotated[str, typer.Argument(help="The dead-letter topic, such as payment-service-accept.dlt.")],
    code: Annotated[str | None, typer.Option(help="Only those that died of this error code.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only those that died since then (UTC).")] = None,
    key: Annotated[str | None, typer.Option(help="Only those with this key.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, the oldest first.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were put back before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which they are.")] = False,
    data: Data = DATA,
) -> None:
    """Put dead letters back into the topic they came from, once the cause is mended. Each acts once."""
    import consumers

    died_since = since.replace(tzinfo=UTC) if since is not None else None
    filters = consumers.Filters(code=code, since=died_since, key=key, limit=limit, again=again)
    try:
        letters = consumers.replay(_environment(data), topic, filters, dry_run=dry_run)
    except SettingsError as fault:
        raise _fail(str(fault), 2) from None
    except (DomainError, consumers.KafkaAway) as fault:
        raise _fail(str(fault), 1) from None
    for letter in letters:
        typer.echo(f"{letter.partition}@{letter.offset}  {letter.key or '-'}  {letter.code}: {letter.message}")
    typer.echo(f"{len(letters)} dead letters {'would be' if dry_run else 'were'} put back")


def _environment(data: Path) -> dict[str, str]:
    """The environment, and for what it does not name the servers that `tessera dev` is running."""
    environment = dict(os.environ)
    kafka, mongo = last_ports(data / "kafka" / "ports"), last_ports(data / "mongo" / "port")
    if not environment.get("KAFKA_URI") and kafka and is_listening(kafka[0]):
        environment["KAFKA_URI"] = f"{LOOPBACK}:{kafka[0]}"
    if not environment.get("MONGO_URI") and mongo and is_listening(mongo[0]):
        environment["MONGO_URI"] = f"mongodb://{LOOPBACK}:{mongo[0]}/tessera?replicaSet={SET_NAME}"
    return environment


def _fail(message: str, code: int) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)
