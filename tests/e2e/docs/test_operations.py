"""The README's configuration, `docs/operations.md` and `docs/data.md` against the code."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from consumers.settings import ConsumerSettings
from server.cli import app
from server.settings import Settings
from server.token_settings import DEVELOPMENT
from tests.support.api import ADMIN_KEY, JWT_SECRET, Api

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DATA = (ROOT / "docs" / "data.md").read_text()
ROW = re.compile(r"^\| (?P<names>`[A-Z][^|]*) \| (?P<meaning>[^|]*) \| (?P<default>[^|]*) \|$", re.MULTILINE)
REQUIRED = {
    "MONGO_URI": "mongodb://127.0.0.1/tessera",
    "KAFKA_URI": "127.0.0.1:9092",
    "JWT_SEC": JWT_SECRET,
    "ADMIN_KEY": ADMIN_KEY,
}


def variables() -> dict[str, str]:
    """Every variable of the README's tables, with its default as it stands there."""
    rows = ROW.finditer(README.split("## Configuration")[1].split("## Deployment")[0])
    return {name: row["default"] for row in rows for name in re.findall(r"`(\w+)`", row["names"])}


def test_the_readme_names_every_variable_that_is_read_and_no_other() -> None:
    fields = [field for settings in (Settings, ConsumerSettings) for field in settings.model_fields.values()]
    # The sign of `tessera dev` to its own processes is nobody's to set.
    assert set(variables()) == {field.validation_alias for field in fields} - {DEVELOPMENT}


def test_nothing_else_reads_the_environment() -> None:
    elsewhere = [
        path.relative_to(ROOT).as_posix()
        for room in ("models", "services", "schema", "resolvers", "rest", "consumers", "server")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"environ\.get\(|environ\[|getenv", path.read_text())
    ]
    assert elsewhere == []


DEFAULTS = {name: found[1] for name, text in variables().items() if (found := re.match(r"`?([\w/]+)`?$", text))}


@pytest.mark.parametrize("name", [name for name, text in DEFAULTS.items() if text not in ("unset", "none", "required")])
def test_a_default_of_the_readme_is_the_default(name: str) -> None:
    unsaid: Mapping[str, str] = {key: value for key, value in REQUIRED.items() if key != name}
    said = {**unsaid, name: DEFAULTS[name]}
    for settings in (Settings, ConsumerSettings):
        assert settings.from_environment(said) == settings.from_environment(unsaid)


def commands(command: Any, path: str = "tessera") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its whole name."""
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    context = typer.Context(command)
    for name in command.list_commands(context):
        yield from commands(command.get_command(context, name), f"{path} {name}")


def test_every_command_and_option_is_in_the_reference() -> None:
    rows = dict(re.findall(r"^\| `(tessera [a-z ]*[a-z])[^|]*\| (.*) \|$", OPERATIONS, re.MULTILINE))
    found = dict(commands(get_command(app)))
    assert set(rows) == set(found)
    for name, command in found.items():
        wanted = {param.opts[0] for param in command.params if param.param_type_name == "option"} - {"--help"}
        assert set(re.findall(r"`(--[a-z-]+)`", rows[name])) == wanted, name


async def test_every_collection_is_told_of(own_api: Api) -> None:
    database = own_api.services.database
    shared = {kept.name for kept in vars(database).values() if isinstance(kept, type(database.orders))}
    collections = shared | {*await database.client[database.name].list_collection_names()}
    rows = re.findall(r"^\| (`.*?) \|", DATA, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == collections
