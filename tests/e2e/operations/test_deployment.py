"""Dockerfile and compose.yml: held to what they promise, and their commands run here as they stand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from devtools.embedded import ChildProcess
from devtools.embedded.ports import free_ports
from tests.support.api import ADMIN_KEY, JWT_SECRET
from tests.support.processes import ROOT, environment, family, survivors

COMPOSE = ROOT / "compose.yml"
SECRETS = {"JWT_SEC": JWT_SECRET, "ADMIN_KEY": ADMIN_KEY}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    parsed: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return parsed


def _resolved(values: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """The variables of a service as compose hands them over."""

    def substitute(found: re.Match[str]) -> str:
        name, sign, default = found.groups()
        assert given.get(name) or sign == ":-", f"{name} is required"
        return given.get(name) or default

    return {name: re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", substitute, value) for name, value in values.items()}


def _command(words: list[str]) -> list[str]:
    """A command of the image, with the Python that runs the tests for the image's own."""
    assert words[0] == "python"
    return [sys.executable, *words[1:]]


def test_compose_has_the_four_services_each_with_a_health_check(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {"api", "consumers", "mongo", "kafka"}
    for name, service in services.items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["restart"] == "unless-stopped", name
    for name in ("api", "consumers"):
        waits = {need: how["condition"] for need, how in services[name]["depends_on"].items()}
        assert waits == {"mongo": "service_healthy", "kafka": "service_healthy"}


def test_compose_holds_no_secret_and_does_not_start_without_one(services: dict[str, dict[str, Any]]) -> None:
    for name in SECRETS:
        with pytest.raises(AssertionError, match=f"{name} is required"):
            _resolved(services["api"]["environment"], {**SECRETS, name: ""})
    assert not any("ports" in services[name] for name in ("consumers", "mongo", "kafka"))


def test_the_database_of_compose_makes_its_own_replica_set(services: dict[str, dict[str, Any]]) -> None:
    mongo, uri = services["mongo"], services["api"]["environment"]["MONGO_URI"]
    name = mongo["command"][mongo["command"].index("--replSet") + 1]
    check = mongo["healthcheck"]["test"][-1]
    assert uri.endswith(f"?replicaSet={name}")
    assert f'rs.initiate({{_id: "{name}"' in check
    assert "isWritablePrimary" in check
    assert re.search(r"mongodb://([^/]+)/", uri)[1] in check  # type: ignore[index]  # no match fails the test too


def test_compose_is_valid_by_docker_where_its_plugin_is() -> None:
    docker = shutil.which("docker")
    plugin = docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    if plugin and plugin.returncode == 0:
        command = ["docker", "compose", "--file", str(COMPOSE), "config", "--quiet"]
        done = subprocess.run(command, env={**os.environ, **SECRETS}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    # Elsewhere the tests around this one are what it is held to.
    assert isinstance(yaml.safe_load(COMPOSE.read_text()), dict)


def test_the_commands_of_the_api_run_here_as_they_stand_in_compose(
    services: dict[str, dict[str, Any]], tmp_path: Path, database_uri: str, kafka_uri: str
) -> None:
    api = services["api"]
    here = {"PORT": str(free_ports(1)[0]), "MONGO_URI": database_uri, "KAFKA_URI": kafka_uri}
    variables = environment(**_resolved(api["environment"], SECRETS) | here)
    process = ChildProcess("api", _command(api["command"]), tmp_path / "api.log", environment=variables)
    _run_until_healthy(process, _command(api["healthcheck"]["test"][1:]), variables)


def _run_until_healthy(process: ChildProcess, check: list[str], variables: dict[str, str]) -> None:
    """Start it, wait for its health check to succeed, end it; nothing may be left."""

    def healthy() -> bool:
        return subprocess.run(check, env=variables, capture_output=True, check=False).returncode == 0

    try:
        assert not healthy()
        process.start().wait_until(healthy, 60)
        processes = family(process)
        process.stop(timeout=30)
        assert survivors(processes, 5) == []
        assert process.exit_code == 0, process.last_lines()
    finally:
        process.stop()


def test_the_image_runs_as_nobody_special_and_is_made_of_what_is_there() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    user = [line[1] for line in words if line[0] == "USER"]
    assert user == ["tessera"]
    sources = [line[1] for line in words if line[0] == "COPY" and not line[1].startswith("--from")]
    assert all((ROOT / source).exists() for source in sources)
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {source.split("/")[0] for source in sources} == let_in
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench", "devtools"}
    assert packages <= set(sources)
    assert "devtools" not in sources


def test_the_image_does_by_itself_what_compose_has_it_do(services: dict[str, dict[str, Any]]) -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert str(services["api"]["command"]).replace("'", '"') in text
    assert str(services["api"]["healthcheck"]["test"][1:]).replace("'", '"') in text
