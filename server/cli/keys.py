"""`tessera keys`: the keys of admins beside `ADMIN_KEY`. Without MONGO_URI those of the `tessera dev` that is running.

A new key goes to standard output alone, so that a script can keep it. The exit code is 1 where it was refused, 2 for a
bad option or environment.
"""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from models.admin_keys.admin_key import AdminKey, CreateAdminKey, NewAdminKey, RevokeAdminKey
from models.base import to_json
from models.inputs import parse
from models.pagination import MAX_PAGE_SIZE, Window
from models.principal import SYSTEM, Role
from models.values.texts import clean
from server.cli.data_folder import DATA, Data, with_servers_of
from server.cli.database import run_verb
from server.cli.output import fail, print_table

if TYPE_CHECKING:
    from services.registry import Services

Answer = TypeVar("Answer")
Name = Annotated[str, typer.Argument(help="Whose key it is: the name under which is told what was done by it.")]

keys = typer.Typer(help="Make, list and revoke the keys of admins.", no_args_is_help=True)
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SHOWN = ("name", "role", "createdAt", "createdBy", "expiresAt", "lastUsedAt", "revokedAt")


@keys.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What it may do: each role may do what those before it may.")],
    expires: Annotated[
        str | None, typer.Option(metavar="DATE", help="Until when it holds: to the end of a day, or to an instant.")
    ] = None,
    data: Data = DATA,
) -> None:
    """Make a key and print it, this once. A viewer reads, support also switches and gives back, admin does all."""
    ends = f"{expires}T23:59:59.999Z" if expires is not None and _DATE.fullmatch(expires) else expires

    async def work(services: "Services") -> NewAdminKey:
        wanted = parse(CreateAdminKey, {"name": name, "role": role, "expiresAt": ends})
        return await services.admin_keys.create(SYSTEM, wanted)

    new = _run(work, data)
    typer.echo(new.secret)
    typer.echo(f"The key of {new.key.name} ({new.key.role}), for x-admin-key. It cannot be shown again.", err=True)


@keys.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, instead of a table.")] = False,
    data: Data = DATA,
) -> None:
    """Show all keys, the newest first, revoked and expired ones too."""
    rows = [{field: to_json(key)[field] for field in _SHOWN} for key in _run(_all, data)]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
    elif rows:
        print_table(_SHOWN, rows)
    else:
        typer.echo("There are no keys but ADMIN_KEY.")


@keys.command()
def revoke(name: Name, data: Data = DATA) -> None:
    """End a key: within a second it lets nobody in, and ends the live connections that it opened."""

    async def work(services: "Services") -> AdminKey | None:
        key = await services.admin_keys.find_by_name(SYSTEM, clean(name))
        return key and await services.admin_keys.revoke(SYSTEM, RevokeAdminKey(key.id))

    if _run(work, data) is None:
        raise fail(f"No key that could be used has the name {clean(name)}", 1)
    typer.echo(f"The key of {clean(name)} is revoked.")


async def _all(services: "Services") -> list[AdminKey]:
    keys: list[AdminKey] = []
    window, has_next = Window(MAX_PAGE_SIZE), True
    while has_next:
        page = await services.admin_keys.list_window(SYSTEM, window)
        keys += [edge.node for edge in page.edges]
        has_next = page.has_next
        window = Window(MAX_PAGE_SIZE, after=page.edges[-1].cursor if page.edges else None)
    return keys


def _run(work: Callable[["Services"], Awaitable[Answer]], data: Path) -> Answer:
    return run_verb(work, with_servers_of(data))
