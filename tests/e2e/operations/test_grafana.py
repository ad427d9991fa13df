"""The dashboard and the alert rules: well-formed, and each alert in the runbook."""

import json
import re
import shutil
import subprocess

from tests.support.grafana import ALERTS, FOLDER, expressions, named, rules
from tests.support.processes import ROOT

ALERT_ROW = re.compile(r"^\| `(Tessera\w+)`", re.MULTILINE)


def test_every_panel_has_its_place_and_asks_what_is_balanced() -> None:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    places = [tuple(panel["gridPos"].values()) for panel in panels]
    assert len({panel["id"] for panel in panels}) == len(set(places)) == len(panels)
    assert all(expression.count("(") == expression.count(")") for expression in expressions())
    assert named()


def test_the_runbook_tells_of_every_alert() -> None:
    alerts = [rule["alert"] for rule in rules() if "alert" in rule]
    assert ALERT_ROW.findall((ROOT / "docs" / "operations.md").read_text()) == alerts
    assert all(rule["labels"]["severity"] in ("page", "ticket") for rule in rules() if "alert" in rule)


def test_prometheus_takes_the_rules_where_it_is_here_to_say() -> None:
    promtool = shutil.which("promtool")
    command = [promtool, "check", "rules", str(ALERTS)] if promtool else ["true"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
