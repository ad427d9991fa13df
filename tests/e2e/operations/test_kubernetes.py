"""`deploy/kubernetes` and the Helm chart: rendered by the real tools, held to Kubernetes' schemas and to the code."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml
from starlette.routing import Route

from consumers.settings import ConsumerSettings
from server.health import health_routes
from server.serve import DRAIN_SECONDS
from server.settings import Settings
from server.token_settings import DEVELOPMENT
from tests.support.api import ADMIN_KEY, JWT_SECRET
from tests.support.processes import ROOT
from tests.support.proxy import tool

KUBERNETES = ROOT / "deploy" / "kubernetes"
CHART = ROOT / "deploy" / "helm" / "tessera"
VERSIONS = ("1.27", "1.37")
"""The oldest that the chart names, and the newest whose schemas there are."""
EVERYTHING: dict[str, Any] = {
    "keda": {"enabled": True, "authenticationRef": "kafka"},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"a.example/b": "c"}},
    "imagePullSecrets": [{"name": "registry"}],
    "drainDelay": 30,
    "networkPolicy": {"ingressNamespaces": ["ingress"]},
    "secretKeys": {"consumers": {"KAFKA_SASL_PASSWORD": "kafka-sasl-password"}},
    "settings": {"KAFKA_URI": "kafka+ssl://a:9093,kafka+ssl://b:9093", "KAFKA_TOPIC_PREFIX": "shop-"},
}
SECRETS = {"MONGO_URI": "mongodb://db/shop?replicaSet=rs", "ADMIN_KEY": ADMIN_KEY, "JWT_SEC": JWT_SECRET}

Manifest = dict[str, Any]


def kustomized(folder: Path) -> list[Manifest]:
    done = subprocess.run([tool("kubectl"), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def charted(values: dict[str, Any]) -> list[Manifest]:
    with helm_python.Chart.load(CHART) as chart:
        rendered = chart.render(values, name="shop", namespace="shop")
    texts = [text for name, text in rendered.items() if name.endswith(".yaml")]
    return [one for text in texts for one in yaml.safe_load_all(text) if one]


def with_keda(folder: Path) -> list[Manifest]:
    def place(path: Path) -> str:
        return os.path.relpath(path, folder.resolve())

    kustomization = {
        "resources": [place(KUBERNETES / "overlays" / "production")],
        "components": [place(KUBERNETES / "components" / "keda")],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return kustomized(folder)


@pytest.fixture(scope="module", params=["base", "production", "keda", "chart", "chart with everything"])
def manifests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """Everything that one way of deploying makes."""
    match request.param:
        case "base":
            return kustomized(KUBERNETES / "base")
        case "production":
            return kustomized(KUBERNETES / "overlays" / "production")
        case "keda":
            return with_keda(tmp_path_factory.mktemp("keda"))
        case "chart":
            return charted({})
    return charted(EVERYTHING)


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [one for one in manifests if one["kind"] in kinds]


def workloads(manifests: list[Manifest]) -> list[tuple[str, Manifest]]:
    """The component and the pod of everything that runs."""
    found = of_kind(manifests, "Deployment", "Job")
    return [(one["metadata"]["labels"]["app.kubernetes.io/component"], one["spec"]["template"]) for one in found]


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """The component, the specification and the one container of each."""
    for component, template in workloads(manifests):
        [container] = template["spec"]["containers"]
        yield component, template["spec"], container


def settings_of(manifests: list[Manifest]) -> dict[str, str]:
    [config] = of_kind(manifests, "ConfigMap")
    data: dict[str, str] = config["data"]
    return data


def from_files(container: Manifest) -> dict[str, str]:
    """The settings that a container reads from files, and the files."""
    named = {one["name"]: one["value"] for one in container["env"] if one["name"].endswith("_FILE")}
    return {name.removesuffix("_FILE"): file for name, file in named.items()}


def test_all_is_what_kubernetes_knows(manifests: list[Manifest]) -> None:
    for one in manifests:
        if one["kind"] != "ScaledObject":  # KEDA's own.
            for version in VERSIONS:
                kubernetes_validate.validate(one, version, strict=True)


def test_there_is_each_part(manifests: list[Manifest]) -> None:
    assert {component for component, _ in workloads(manifests)} == {"api", "consumers", "migrate"}
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        components = {one["metadata"]["labels"].get("app.kubernetes.io/component") for one in of_kind(manifests, kind)}
        assert {"api", "consumers"} <= components
    scaled = of_kind(manifests, "HorizontalPodAutoscaler", "ScaledObject")
    targets = {one["spec"]["scaleTargetRef"]["name"] for one in scaled}
    assert len(scaled) == 2
    assert targets == {one["metadata"]["name"] for one in of_kind(manifests, "Deployment")}


def test_what_runs_may_do_nothing_but_its_work(manifests: list[Manifest]) -> None:
    for component, pod, container in pods(manifests):
        assert pod["automountServiceAccountToken"] is False, component
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10_001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        allowed = container["securityContext"]
        assert allowed["readOnlyRootFilesystem"] is True
        assert allowed["allowPrivilegeEscalation"] is False
        assert allowed["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


def test_the_user_is_that_of_the_image() -> None:
    assert "useradd --system --uid 10001 " in (ROOT / "Dockerfile").read_text()


def test_secrets_are_files_of_a_secret_and_stand_nowhere(manifests: list[Manifest]) -> None:
    assert of_kind(manifests, "Secret") == []
    for component, pod, container in pods(manifests):
        needed = {"MONGO_URI", "ADMIN_KEY", "JWT_SEC"} if component == "api" else {"MONGO_URI"}
        files = from_files(container)
        assert needed <= set(files), component
        [mount] = [one for one in container["volumeMounts"] if one["name"] == "secrets"]
        [volume] = [one for one in pod["volumes"] if one["name"] == "secrets"]
        assert mount["readOnly"] is True
        assert volume["secret"]["defaultMode"] == 0o440
        keys = {item["path"] for item in volume["secret"].get("items", ())}
        for name, file in files.items():
            assert file.startswith(f"{mount['mountPath']}/"), name
            assert not keys or Path(file).name in keys, name


def test_the_settings_are_settings_and_good_ones(manifests: list[Manifest]) -> None:
    known = {*Settings.names(), *ConsumerSettings.names()} - {DEVELOPMENT}
    said = settings_of(manifests)
    assert set(said) <= known
    for component, _, container in pods(manifests):
        assert set(from_files(container)) <= known
        secrets = {name: SECRETS.get(name, "given") for name in from_files(container)}
        if component == "api":
            assert Settings.from_environment(said | secrets).metrics_port == 9464
        elif component == "consumers" and "KAFKA_SASL_MECHANISM" in said:
            assert ConsumerSettings.from_environment(said | secrets).kafka.sasl is not None


def test_a_pod_has_the_time_that_its_drain_takes(manifests: list[Manifest]) -> None:
    delay = int(settings_of(manifests)["DRAIN_DELAY"])
    for component, pod, container in pods(manifests):
        if component == "api":
            assert pod["terminationGracePeriodSeconds"] >= delay + DRAIN_SECONDS + 5
            probe = container["readinessProbe"]
            # Whoever goes by the probe has noticed before live connections are sent away.
            assert probe["periodSeconds"] * probe["failureThreshold"] < delay
        elif component == "consumers":
            assert pod["terminationGracePeriodSeconds"] >= 30


def test_probes_ask_what_is_there(manifests: list[Manifest]) -> None:
    paths = {route.path for route in health_routes if isinstance(route, Route)}
    said = settings_of(manifests)
    for component, _, container in pods(manifests):
        if component == "migrate":
            continue
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[probe]["httpGet"]
            assert asked["path"] in paths
            assert asked["port"] in ports
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        expected = {"http": 3000, "metrics": int(said["METRICS_PORT"])} if component == "api" else {"metrics": 3001}
        assert ports == expected


def test_prometheus_finds_the_metrics_and_is_let_in(manifests: list[Manifest]) -> None:
    for component, template in workloads(manifests):
        if component != "migrate":
            [container] = template["spec"]["containers"]
            [port] = [one["containerPort"] for one in container["ports"] if one["name"] == "metrics"]
            assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port)
            policies = [
                rule
                for one in of_kind(manifests, "NetworkPolicy")
                if one["metadata"]["labels"].get("app.kubernetes.io/component") == component
                for rule in one["spec"]["ingress"]
            ]
            assert any({"port": "metrics"} in rule["ports"] for rule in policies)


def test_what_is_let_out_is_the_same_however_it_is_deployed(manifests: list[Manifest]) -> None:
    [policy] = [one for one in of_kind(manifests, "NetworkPolicy") if "Egress" in one["spec"]["policyTypes"]]
    ports = [[port["port"] for port in rule["ports"]] for rule in policy["spec"]["egress"]]
    assert ports == [[53, 53], [27017, 9092, 9093, 443, 4318]]


def test_whatever_selects_pods_selects_those(manifests: list[Manifest]) -> None:
    labels = {component: template["metadata"]["labels"] for component, template in workloads(manifests)}
    for one in manifests:
        spec = one.get("spec", {})
        match one["kind"]:
            case "Deployment" | "PodDisruptionBudget":
                wanted = spec["selector"]["matchLabels"]
            case "Service":
                wanted = spec["selector"]
            case "NetworkPolicy":
                wanted = spec["podSelector"]["matchLabels"]
            case _:
                continue
        component = one["metadata"]["labels"].get("app.kubernetes.io/component")
        selected = {name for name, has in labels.items() if wanted.items() <= has.items()}
        assert selected == ({component} if component else set(labels)), one["metadata"]["name"]


def test_commands_are_those_of_the_image(manifests: list[Manifest]) -> None:
    words = {component: container["args"] for component, _, container in pods(manifests)}
    assert words["api"] == ["python", "-m", "server", "serve", "--workers", "2"]
    assert words["consumers"] == ["python", "-m", "consumers"]
    assert words["migrate"] == ["python", "-m", "server", "migrate"]
    assert str(words["api"]).replace("'", '"') in (ROOT / "Dockerfile").read_text()


def test_consumers_are_scaled_by_the_lag_of_their_group(manifests: list[Manifest]) -> None:
    said = {"KAFKA_URI": "kafka:9092"} | settings_of(manifests) | {"MONGO_URI": SECRETS["MONGO_URI"]}
    said = {name: value for name, value in said.items() if not name.startswith(("KAFKA_SASL", "KAFKA_SECURITY"))}
    settings = ConsumerSettings.from_environment(said)
    for one in of_kind(manifests, "ScaledObject"):
        [trigger] = one["spec"]["triggers"]
        assert trigger["type"] == "kafka"
        assert trigger["metadata"]["consumerGroup"] == settings.group
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
        assert all(
            re.fullmatch(r"[\w.-]+:\d+", server) for server in trigger["metadata"]["bootstrapServers"].split(",")
        )
        assert one["spec"]["maxReplicaCount"] <= settings.partitions
    for one in of_kind(manifests, "HorizontalPodAutoscaler"):
        if one["metadata"]["name"].endswith("consumers"):
            assert one["spec"]["maxReplicas"] <= settings.partitions


def test_the_chart_is_well_formed_and_says_where_it_is() -> None:
    assert helm_python.lint(CHART)["errors"] == []
    with helm_python.Chart.load(CHART) as chart:
        assert chart.version == re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]  # type: ignore[index]  # no match fails the test too
        assert "shop-tessera-api:80" in chart.render({}, name="shop", namespace="shop")["tessera/templates/NOTES.txt"]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"settings": {"MONGO_URI": "mongodb://user:secret@db/"}}, "MONGO_URI"),
        ({"settings": {"RATE_LIMIT": 5}}, "RATE_LIMIT"),
        ({"replicas": 3}, "replicas"),
        ({"api": {"replicas": 3}}, "replicas"),
        ({"drainDelay": 601}, "drainDelay"),
        ({"existingSecret": ""}, "existingSecret"),
        ({"service": {"type": "ExternalName"}}, "service/type"),
        ({"keda": {"enabled": True}, "settings": {"KAFKA_URI": None}}, "settings.KAFKA_URI"),
    ],
)
def test_the_chart_refuses_what_it_does_not_know(values: dict[str, Any], named: str) -> None:
    with pytest.raises(helm_python.HelmError, match=named):
        charted(values)
