"""The commands about events. They call what the package `consumers` shows of itself."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import DomainError
from models.values.instants import iso
from server.cli.data_folder import DATA, with_servers_of
from server.cli.output import fail, print_table, sentences

if TYPE_CHECKING:
    from consumers import DeadLetter
    from services.kit.messages.outbox import ParkedEvent
    from services.kit.messages.parked import ParkedRecord

Data = Annotated[Path, typer.Option(help="Folder of `tessera dev`, whose servers are used where none are named.")]


def consume() -> None:
    """Run the consumers and the relay of events; SIGTERM drains. As many as you like, on as many machines."""
    import consumers

    with sentences():
        code = consumers.run(os.environ)
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

    with sentences(OSError, DomainError, consumers.KafkaAway):
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        identifiers = consumers.emit(with_servers_of(data), topic, raw, key=key, each=each)
    for identifier in identifiers:
        typer.echo(f"{topic}: event {identifier}")


def replay(
    topic: Annotated[
        str | None,
        typer.Argument(help="The dead-letter topic, such as payment-service-accept.dlt; with --parked any topic."),
    ] = None,
    code: Annotated[str | None, typer.Option(help="Only those that died of this error code.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only those that died since then (UTC).")] = None,
    key: Annotated[str | None, typer.Option(help="Only those with this key.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, the oldest first.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were put back before.")] = False,
    parked: Annotated[bool, typer.Option("--parked", help="What `tessera parked` shows, of TOPIC or of all.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which they are.")] = False,
    data: Data = DATA,
) -> None:
    """Put dead letters back into the topic they came from, once the cause is mended. Each acts once."""
    import consumers

    if topic is None and not parked:
        raise fail("Name a dead-letter topic, or say --parked", 2)
    died_since = since.replace(tzinfo=UTC) if since is not None else None
    filters = consumers.Filters(code=code, since=died_since, key=key, limit=limit, again=again)
    with sentences(DomainError, consumers.KafkaAway):
        letters = consumers.replay(with_servers_of(data), topic, filters, parked=parked, dry_run=dry_run)
    back = [letter for letter in letters if letter.failure is None]
    for letter in back:
        typer.echo(_line(letter))
    what = "parked records" if parked else "dead letters"
    typer.echo(f"{len(back)} {what} {'would be' if dry_run else 'were'} put back")
    left = [f"{_line(letter)}; it cannot go back: {letter.failure}" for letter in letters if letter.failure is not None]
    if left:
        raise fail("\n".join([*left, f"{len(left)} {what} were not put back"]), 1)


def parked(
    topic: Annotated[str | None, typer.Argument(help="Only those of this topic.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, instead of a table.")] = False,
    data: Data = DATA,
) -> None:
    """Show what could neither act nor become a dead letter, and the events that Kafka would not take."""
    import consumers

    with sentences():
        records, events = consumers.parked(with_servers_of(data), topic)
    rows = [*(_record_row(one) for one in records), *(_event_row(one) for one in events)]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    if rows:
        print_table(("kind", "topic", "place", "parkedAt", "code", "reason"), rows)
    typer.echo(f"{len(records)} records and {len(events)} events are parked")


def _record_row(record: "ParkedRecord") -> dict[str, object]:
    several = f"-{record.last_offset}" if record.last_offset > record.offset else ""
    return {
        "kind": "record",
        "topic": record.topic,
        "place": f"{record.partition}@{record.offset}{several}",
        "parkedAt": iso(record.parked_at),
        "code": record.code,
        "reason": record.reason,
        "length": record.length,
        "digest": record.digest,
        "valueKept": record.has_value,
    }


def _event_row(event: "ParkedEvent") -> dict[str, object]:
    return {
        "kind": "event",
        "topic": event.topic,
        "place": event.id,
        "parkedAt": iso(event.parked_at),
        "code": "OUTBOX",
        "reason": event.reason,
    }


def _line(letter: "DeadLetter") -> str:
    place = f"{letter.partition}@{letter.offset}" if letter.partition >= 0 else letter.topic
    return f"{place}  {letter.key or '-'}  {letter.code}: {letter.message}"
