"""The dashboard and the alert rules as they are shipped: which metrics and labels their expressions name."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from prometheus_client import CollectorRegistry

from consumers.metrics import Metrics
from server.metrics.api import ApiMetrics
from tests.support.processes import ROOT

FOLDER = ROOT / "deploy" / "grafana"
ALERTS = FOLDER / "alerts.yml"
METRIC = re.compile(r"\btessera_\w+")


def rules() -> list[dict[str, Any]]:
    """Every rule of the alerts, recordings among them."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    """Every expression of dashboard and alerts."""
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    yield from (target["expr"] for panel in panels for target in panel.get("targets", ()))
    yield from (rule["expr"] for rule in rules())


def named() -> set[str]:
    """The names of all time series in them."""
    return {name for expression in expressions() for name in METRIC.findall(expression)}


def of_consumers() -> set[str]:
    """Those that the consumers alone show."""
    return named() & (series_of(Metrics().registry) - series_of(ApiMetrics(CollectorRegistry()).registry))


def series_of(registry: CollectorRegistry) -> set[str]:
    """The names of the time series of a registry, with those that have no sample yet."""
    return {name for family in registry.collect() for name in names_of(family.name, family.type)}


def names_of(family: str, kind: str) -> set[str]:
    """The names of the time series of a metric, as they are scraped."""
    match kind:
        case "counter":
            return {f"{family.removesuffix('_total')}_total"}
        case "histogram":
            return {f"{family}_{part}" for part in ("bucket", "sum", "count")}
        case _:
            return {family}


def scraped(text: str) -> set[str]:
    """The names of the time series in a scrape, with those of which only the type is told so far."""
    return {
        name
        for family, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE)
        for name in names_of(family, kind)
    }
