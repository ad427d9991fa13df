"""The folder in which workers count: what ends is kept, what is abandoned goes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from server.metrics import folder as module
from server.metrics.folder import AllWorkers, MetricsFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MetricsFolder]:
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    made = MetricsFolder.create(tmp_path)
    yield made
    made.remove()


def count(folder: MetricsFolder, pid: int, number: int) -> None:
    """Count as the process `pid` would."""
    folder.use()
    values.ValueClass = values.MultiProcessValue(lambda: pid)
    registry = CollectorRegistry()
    Counter("asked", "", ("who",), registry=registry).labels("ada").inc(number)
    Histogram("took", "", buckets=(1, 2), registry=registry).observe(1.5)
    Gauge("open", "", registry=registry, multiprocess_mode="livesum").set(number)


def shown(folder: MetricsFolder, name: str, labels: dict[str, str] | None = None) -> float | None:
    return AllWorkers.registry(folder.path).get_sample_value(name, labels or {})


def test_totals_never_fall_and_what_is_live_goes_with_its_process(folder: MetricsFolder) -> None:
    for pid, number in ((11, 3), (12, 4), (13, 5)):
        count(folder, pid, number)
    for pid in (11, 12):
        before = shown(folder, "asked_total", {"who": "ada"})
        folder.retire(pid)
        assert shown(folder, "asked_total", {"who": "ada"}) == before == 12
    assert shown(folder, "took_bucket", {"le": "1.0"}) == 0
    assert shown(folder, "took_bucket", {"le": "2.0"}) == shown(folder, "took_count") == 3
    assert shown(folder, "took_sum") == 4.5
    assert shown(folder, "open") == 5
    names = {path.name for path in folder.path.glob("*.db")}
    assert names == {
        "counter_13.db", "counter_ended.db", "gauge_livesum_13.db", "histogram_13.db", "histogram_ended.db",
    }  # fmt: skip


def test_a_file_that_was_never_finished_stops_nothing(folder: MetricsFolder) -> None:
    count(folder, 11, 3)
    (folder.path / "counter_12.db").touch()
    folder.retire(12)
    assert shown(folder, "asked_total", {"who": "ada"}) == 3


def test_a_folder_whose_processes_are_gone_goes_with_the_next(
    tmp_path: Path, folder: MetricsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "YOUNG_SECONDS", -1.0)
    abandoned = MetricsFolder.create(tmp_path)
    os.close(abandoned._owner)
    (tmp_path / "tessera-metrics-unlocked").mkdir()
    third = MetricsFolder.create(tmp_path)
    assert {path for path in tmp_path.iterdir() if path.name.startswith("tessera")} == {folder.path, third.path}
    third.remove()
