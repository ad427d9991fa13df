"""The command line: a file a command. A fault is a sentence on standard error; of the settings it is exit code 2.

What a command works with is imported when it runs, because a container runs `tessera health` every few seconds.
"""

from importlib.metadata import entry_points

import typer

from server.cli.audit import audit
from server.cli.codes import app as codes
from server.cli.events import consume, emit, parked, replay
from server.cli.export import export
from server.cli.health import health
from server.cli.keys import app as keys
from server.cli.migrate import migrate
from server.cli.schema import schema
from server.cli.serve import serve
from server.cli.token import token
from server.cli.trust import trust

app = typer.Typer(
    name="tessera",
    help="Coupons, access codes, usage followers and orders: GraphQL, REST and Kafka over one set of verbs.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show secrets.
    pretty_exceptions_enable=False,
)
for command in (serve, consume, emit, replay, parked, export, migrate, audit, schema, token, trust, health):
    app.command()(command)
app.add_typer(codes, name="codes")
app.add_typer(keys, name="keys")


def _add_commands_of_other_packages() -> None:
    """Commands that are installed beside the server's own; one whose package is not there is left out."""
    for entry in entry_points(group="tessera.commands"):
        try:
            app.command(name=entry.name)(entry.load())
        except ModuleNotFoundError:
            continue


_add_commands_of_other_packages()
