"""`tessera offsets`: sets the consumers back to the moment of a backup."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.values.instants import iso, parse_instant
from server.cli.data_folder import DATA, with_servers_of
from server.cli.output import fail, print_table, sentences

if TYPE_CHECKING:
    from consumers import OffsetMove

Data = Annotated[Path, typer.Option(help="Folder of `tessera dev`, whose Kafka is used where none is named.")]


def offsets(
    to: Annotated[str, typer.Option(help="An instant, such as 2027-01-20T09:30:00Z; UTC where it names no offset.")],
    confirm: Annotated[bool, typer.Option("--confirm", help="Do it; without this it is only shown.")] = False,
    data: Data = DATA,
) -> None:
    """Set the consumers back to a moment, once they are stopped: what came since is consumed again and acts once.

    Shows what it does in each partition. None goes forward: one that stands before the moment already stays.
    """
    import consumers

    moment = _moment(to)
    with sentences(consumers.KafkaAway):
        group, plan = consumers.offsets(with_servers_of(data), moment, confirm=confirm)
    if plan.moves:
        print_table(("topic", "partition", "from", "to", "end", "what"), [_row(move) for move in plan.moves])
    elif plan.refusal is None:
        raise fail("None of the topics that are consumed is there", 1)
    _warn_of_old(moment)
    if plan.refusal is not None:
        raise fail(plan.refusal, 1)
    moved = [move for move in plan.moves if move.target != move.stored]
    again = sum(move.again for move in moved)
    verb = "were" if confirm else "would be"
    typer.echo(f"{len(moved)} partitions of the group {group} {verb} set to {iso(moment)}, {again} records back")
    if not confirm and moved:
        typer.echo("Nothing was changed: --confirm does it.")


def _moment(text: str) -> datetime:
    try:
        moment = parse_instant(text)
    except ValueError:
        raise fail("--to must be an instant, such as 2027-01-20T09:30:00Z", 2) from None
    if moment > datetime.now(UTC):
        raise fail("--to is yet to come", 2)
    return moment


def _warn_of_old(moment: datetime) -> None:
    from services.kit.messages.inbox import INBOX_RETENTION

    if moment < datetime.now(UTC) - INBOX_RETENTION:
        days = INBOX_RETENTION // timedelta(days=1)
        typer.echo(
            f"Warning: that is more than {days} days ago, and the inbox forgets an event after {days} days. "
            "What acted before may act again: see docs/operations.md, A backup that is older than a week.",
            err=True,
        )


def _row(move: "OffsetMove") -> dict[str, object]:
    if move.target == move.stored:
        what = "stays"
    elif move.stored is None:
        what = "has no offset yet: begins here in place of its first record"
    else:
        what = f"{move.again} records again"
    numbers = {"from": move.stored, "to": move.target, "end": move.end}
    return {"topic": move.topic, "partition": move.partition, **numbers, "what": what}
