"""Dockerfile and the files of compose: held to what they promise, and their commands run here as they stand."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumers.settings import ConsumerSettings
from devtools.embedded import ChildProcess
from devtools.embedded.ports import free_ports
from server.settings import Settings
from server.token_settings import DEVELOPMENT
from services.settings import ProcessSettings
from tests.support.api import ADMIN_KEY, JWT_SECRET
from tests.support.processes import ROOT, environment, family, survivors
from tests.support.proxy import tool

COMPOSE = ROOT / "compose.yml"
CLUSTER = ROOT / "compose.cluster.yml"
SECRETS = {"JWT_SEC": JWT_SECRET, "ADMIN_KEY": ADMIN_KEY}
FIXED = {"PORT": "3000", "CONSUMERS_PORT": "3001"}
"""Within a container; who asks from outside asks another."""
DRAIN = 20

Service = dict[str, Any]


def _config(file: Path, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What `docker compose` makes of a file; it needs no daemon for that."""
    command = [tool("docker-compose"), "--file", str(file), "config", "--format", "json", "--no-path-resolution"]
    variables = {"PATH": os.environ["PATH"], "HOME": str(Path.home())} | given
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def _services(file: Path, given: dict[str, str] = SECRETS) -> dict[str, Service]:
    done = _config(file, given)
    assert done.returncode == 0, done.stderr
    services: dict[str, Service] = json.loads(done.stdout)["services"]
    return services


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    return _services(COMPOSE)


@pytest.fixture(scope="module")
def cluster() -> dict[str, Service]:
    return _services(CLUSTER)


def _command(words: list[str]) -> list[str]:
    """A command of the image, with the Python that runs the tests for the image's own."""
    assert words[0] == "python"
    return [sys.executable, *words[1:]]


def test_compose_has_the_four_services_each_with_a_health_check(services: dict[str, Service]) -> None:
    assert set(services) == {"api", "consumers", "mongo", "kafka"}
    for name, service in services.items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["restart"] == "unless-stopped", name
    for name in ("api", "consumers"):
        waits = {need: how["condition"] for need, how in services[name]["depends_on"].items()}
        assert waits == {"mongo": "service_healthy", "kafka": "service_healthy"}


@pytest.mark.parametrize("file", [COMPOSE, CLUSTER], ids=lambda file: file.name)
@pytest.mark.parametrize("name", SECRETS)
def test_compose_holds_no_secret_and_does_not_start_without_one(file: Path, name: str) -> None:
    done = _config(file, {**SECRETS, name: ""})
    assert done.returncode != 0
    assert f"{name}, a secret" in done.stderr or f"{name} is missing a value: a secret" in done.stderr


@pytest.mark.parametrize("name", ["JWT_KEYS", "JWKS_URL"])
def test_compose_starts_with_other_keys_of_tokens(name: str) -> None:
    api = _services(COMPOSE, {"ADMIN_KEY": ADMIN_KEY, name: "given"})["api"]["environment"]
    assert (api["JWT_SEC"], api[name]) == ("", "given")


@pytest.mark.parametrize(("service", "settings"), [("api", Settings), ("consumers", ConsumerSettings)])
@pytest.mark.parametrize(("file", "suffix"), [(COMPOSE, ""), (CLUSTER, "-2")], ids=["compose", "cluster"])
def test_compose_passes_every_setting_and_no_other(
    service: str, settings: type[ProcessSettings], file: Path, suffix: str
) -> None:
    names = set(settings.names()) - {DEVELOPMENT}
    given = {name: f"given-{name}" for name in names - set(FIXED)}
    passed = _services(file, SECRETS | given)[service + suffix]["environment"]
    assert passed == given | {name: value for name, value in FIXED.items() if name in names}


@pytest.mark.parametrize(("file", "suffix"), [(COMPOSE, ""), (CLUSTER, "-1")], ids=["compose", "cluster"])
def test_the_settings_of_compose_are_good_ones(file: Path, suffix: str) -> None:
    services = _services(file)
    api = Settings.from_environment(services[f"api{suffix}"]["environment"])
    assert api.metrics_port
    assert ConsumerSettings.from_environment(services[f"consumers{suffix}"]["environment"]).port == 3001
    grace = services[f"api{suffix}"]["stop_grace_period"]
    assert grace == "1m0s"
    assert api.drain_delay + DRAIN < 60


def test_no_port_is_open_but_that_of_the_api(services: dict[str, Service], cluster: dict[str, Service]) -> None:
    assert [name for name, service in services.items() if service.get("ports")] == ["api"]
    assert [name for name, service in cluster.items() if service.get("ports")] == ["proxy"]


def test_the_database_of_compose_makes_its_own_replica_set(services: dict[str, Service]) -> None:
    mongo, uri = services["mongo"], services["api"]["environment"]["MONGO_URI"]
    name = mongo["command"][mongo["command"].index("--replSet") + 1]
    check = mongo["healthcheck"]["test"][-1]
    assert uri.endswith(f"?replicaSet={name}")
    assert f'rs.initiate({{_id: "{name}"' in check
    assert "isWritablePrimary" in check
    assert re.search(r"mongodb://([^/]+)/", uri)[1] in check  # type: ignore[index]  # no match fails the test too


def test_the_cluster_has_three_of_what_keeps_data_and_two_of_what_does_not(cluster: dict[str, Service]) -> None:
    kinds = Counter(name.rpartition("-")[0] or name for name in cluster)
    assert kinds == {"mongo": 3, "kafka": 3, "api": 2, "consumers": 2, "proxy": 1}
    for name, service in cluster.items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["restart"] == "unless-stopped", name
    for name in ("api-1", "api-2", "consumers-1", "consumers-2"):
        assert set(cluster[name]["depends_on"]) == {f"{kind}-{n}" for kind in ("mongo", "kafka") for n in (1, 2, 3)}
        assert cluster[name]["read_only"], name


def test_a_record_of_the_cluster_is_kept_when_a_broker_is_lost(cluster: dict[str, Service]) -> None:
    brokers = [cluster[f"kafka-{n}"] for n in (1, 2, 3)]
    for number, broker in enumerate(brokers, 1):
        said = broker["environment"]
        assert said["KAFKA_NODE_ID"] == str(number)
        assert said["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://kafka-{number}:9092"
        assert (said["KAFKA_DEFAULT_REPLICATION_FACTOR"], said["KAFKA_MIN_INSYNC_REPLICAS"]) == ("3", "2")
        assert said["KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR"] == "3"
    assert len({broker["environment"]["CLUSTER_ID"] for broker in brokers}) == 1
    volumes = [volume["source"] for name, service in cluster.items() for volume in service.get("volumes", ())]
    assert len(set(volumes)) == len(volumes) == 8


def test_the_proxy_of_the_cluster_sends_clients_to_both_and_is_trusted(cluster: dict[str, Service]) -> None:
    proxy = cluster["proxy"]
    assert proxy["environment"]["UPSTREAMS"].split() == ["api-1:3000", "api-2:3000"]
    assert set(proxy["networks"]) == {"front"}
    assert any(volume["source"].endswith("deploy/caddy/Caddyfile") for volume in proxy["volumes"])
    parsed = yaml.safe_load(CLUSTER.read_text().replace("!override", "").replace("!reset", ""))
    [network] = parsed["networks"]["front"]["ipam"]["config"]
    assert cluster["api-1"]["environment"]["FORWARDED_ALLOW_IPS"] == network["subnet"]


def test_the_commands_of_the_api_run_here_as_they_stand_in_compose(
    services: dict[str, dict[str, Any]], tmp_path: Path, database_uri: str, kafka_uri: str
) -> None:
    api = services["api"]
    here = {"PORT": str(free_ports(1)[0]), "MONGO_URI": database_uri, "KAFKA_URI": kafka_uri}
    variables = environment(**api["environment"] | here)
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
