"""Arrows point one way; a package imports only what it may, and no two files import each other."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What each package may import of the others.
ARROWS = {
    "models": set[str](),
    "services": {"models"},
    "schema": {"models"},
    "resolvers": {"models", "services", "schema"},
    "rest": {"models", "services"},
    "consumers": {"models", "services"},
    "server": {"models", "services", "schema", "resolvers", "rest", "graphql_engine"},
    # Fit to be published: it knows nothing of the rest.
    "graphql_engine": set[str](),
    # Nothing imports these, because no wheel and no image holds them.
    "devtools": {"models", "services", "server"},
}
# The command line calls the consumers by what their package's own page names, and by nothing behind it.
PUBLIC_PAGES = {("server", "consumers")}
NOUNS = ("access_codes", "admin_keys", "coupons", "orders", "usage")
SHARED = ("models/values", "services/kit")
# Who alone may import a library.
OWNERS = {
    "motor": {"services/kit/database.py"},
    "pymongo": {"services", "devtools/embedded"},
    "bson": {"services"},
    "gridfs": {"services"},
    "aiokafka": {"consumers"},
    "opentelemetry": {"services/kit/instruments"},
    "prometheus_client": {"consumers", "server", "services/kit"},
    "strawberry": {"schema", "resolvers", "server/graphql", "graphql_engine"},
    "graphql": {"schema", "resolvers", "server/graphql", "graphql_engine"},
}


def _modules(package: str) -> list[Path]:
    return [path for path in sorted((ROOT / package).rglob("*.py")) if "node_modules" not in path.parts]


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imported_modules(path: Path) -> Iterator[str]:
    """The dotted names of all that a module imports when it runs, each thing that it takes from a module among them."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imports(module: Path) -> Iterator[tuple[int, str]]:
    """The line and the dotted name of everything that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively"
            yield node.lineno, node.module or ""


def _faults(package: str) -> Iterator[str]:
    for module in _modules(package):
        path = module.relative_to(ROOT).as_posix()
        for line, name in _imports(module):
            top = name.partition(".")[0]
            if top in ARROWS and top != package and top not in ARROWS[package] and (package, name) not in PUBLIC_PAGES:
                yield f"{path}:{line} imports {name}"
            owners = OWNERS.get(top)
            if owners and not any(f"{path}/".startswith(f"{owner}/") for owner in owners):
                yield f"{path}:{line} imports {name}, which is for {', '.join(sorted(owners))}"


@pytest.mark.parametrize("package", ARROWS)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    assert (ROOT / package / "__init__.py").is_file()
    assert list(_faults(package)) == []


def test_no_two_files_import_each_other() -> None:
    modules = {_module_name(path): path for package in ARROWS for path in _modules(package)}
    arrows = {
        name: {target for target in _imported_modules(path) if target in modules and target != name}
        for name, path in modules.items()
    }
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as fault:
        pytest.fail(f"a circle: {' → '.join(fault.args[1])}")


@pytest.mark.parametrize("package", ["models", "services"])
def test_no_noun_imports_another_and_what_they_share_imports_none(package: str) -> None:
    folders = [f"{package}/{noun}" for noun in NOUNS] + [shared for shared in SHARED if shared.startswith(package)]
    found = [
        f"{module.relative_to(ROOT)}:{line} imports {name}"
        for folder in folders
        for module in _modules(folder)
        for line, name in _imports(module)
        for noun in NOUNS
        if f"{name}.".startswith((f"models.{noun}.", f"services.{noun}.")) and not folder.endswith(f"/{noun}")
    ]
    assert found == []


def test_models_know_no_clock_no_chance_and_no_outside_world() -> None:
    outside = {"asyncio", "httpx", "os", "random", "secrets", "socket", "subprocess", "time"}
    found = [
        f"{module.name}:{line} imports {name}"
        for module in sorted((ROOT / "models").rglob("*.py"))
        for line, name in _imports(module)
        if name.partition(".")[0] in outside
    ]
    assert found == []
