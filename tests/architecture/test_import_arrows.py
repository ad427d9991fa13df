"""Arrows point one way; a room imports only what it may."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What each room may import of the others.
ARROWS = {
    "models": set[str](),
    "services": {"models"},
    "schema": {"models"},
    "resolvers": {"models", "services", "schema"},
    "rest": {"models", "services"},
    "consumers": {"models", "services"},
    "server": {"models", "services", "schema", "resolvers", "rest"},
}
# The command line calls the consumers by what their package's own page names, and by nothing behind it.
PUBLIC_PAGES = {("server", "consumers")}
# Who alone may import a library.
OWNERS = {
    "motor": {"services"},
    "pymongo": {"services"},
    "bson": {"services"},
    "gridfs": {"services"},
    "aiokafka": {"consumers"},
    "strawberry": {"schema", "resolvers", "server/graphql"},
    "graphql": {"schema", "resolvers", "server/graphql"},
}


def _imports(module: Path) -> Iterator[tuple[int, str]]:
    """The line and the dotted name of everything that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively"
            yield node.lineno, node.module or ""


def _faults(room: str) -> Iterator[str]:
    for module in sorted((ROOT / room).rglob("*.py")):
        path = module.relative_to(ROOT).as_posix()
        if "node_modules" in path:
            continue
        for line, name in _imports(module):
            top = name.partition(".")[0]
            if top in ARROWS and top != room and top not in ARROWS[room] and (room, name) not in PUBLIC_PAGES:
                yield f"{path}:{line} imports {name}"
            owners = OWNERS.get(top)
            if owners and not any(path.startswith(f"{owner}/") for owner in owners):
                yield f"{path}:{line} imports {name}, which is for {', '.join(sorted(owners))}"


@pytest.mark.parametrize("room", ARROWS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    assert (ROOT / room / "__init__.py").is_file()
    assert list(_faults(room)) == []


def test_models_know_no_clock_no_chance_and_no_outside_world() -> None:
    outside = {"asyncio", "httpx", "os", "random", "secrets", "socket", "subprocess", "time"}
    found = [
        f"{module.name}:{line} imports {name}"
        for module in sorted((ROOT / "models").rglob("*.py"))
        for line, name in _imports(module)
        if name.partition(".")[0] in outside
    ]
    assert found == []
