"""Where worker processes count: files in memory that whoever is asked adds up, kept small when workers end.

The counts of a worker that has ended go into one file for all of them, so that totals never fall and files never grow
in number. While they move nothing is read.
"""

import fcntl
import logging
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from prometheus_client import CollectorRegistry, values
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from typing_extensions import override

log = logging.getLogger("tessera.serve")

IN_MEMORY = Path("/dev/shm")  # noqa: S108  # what is made there has a name of chance and is its owner's alone
PREFIX = "tessera-metrics-"
OWNER, LOCK = "owner", "lock"
YOUNG_SECONDS = 60.0
"""So old is a folder at least before it is taken for one that a killed process has left."""


class MetricsFolder:
    """Exists from `create` to `remove`; one whose processes were all killed goes with the next that is created."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Held for as long as any process lives that has it from here, forks among them.
        self._owner = _locked(path / OWNER, fcntl.LOCK_EX)

    @classmethod
    def create(cls, place: Path | None = None) -> Self:
        """Make a folder in memory where there is one for files, else where temporary files go."""
        in_memory = IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK)
        place = place or (IN_MEMORY if in_memory else Path(tempfile.gettempdir()))
        for left in place.glob(f"{PREFIX}*"):
            _remove_abandoned(left)
        return cls(Path(tempfile.mkdtemp(prefix=PREFIX, dir=place)))

    def use(self) -> None:
        """Have every metric that this process and its forks make from now on count here."""
        # The library reads this when a value is made, but chooses by it already when it is imported.
        os.environ.update(PROMETHEUS_MULTIPROC_DIR=str(self.path))
        values.ValueClass = values.MultiProcessValue()

    def remove(self) -> None:
        """Remove it with all that was counted."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._owner)

    def retire(self, pid: int) -> None:
        """Keep what a process that has ended has counted, and remove its files."""
        with _lock(self.path, fcntl.LOCK_EX):
            mark_process_dead(pid, str(self.path))
            for kind in ("counter", "histogram"):
                file = self.path / f"{kind}_{pid}.db"
                if file.exists():
                    _add_up(file, self.path / f"{kind}_ended.db")
                    file.unlink()


class AllWorkers(Collector):
    """What all workers have counted, in the files of their folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def registry(cls, path: Path) -> CollectorRegistry:
        """A registry that shows them."""
        registry = CollectorRegistry()
        registry.register(cls(path))
        return registry

    @override
    def collect(self) -> Iterable[Metric]:
        with _lock(self._path, fcntl.LOCK_SH):
            found: Iterable[Metric] = MultiProcessCollector(None, str(self._path)).collect()
            return list(found)


def _add_up(file: Path, kept_in: Path) -> None:
    kept = MmapedDict(str(kept_in))
    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):
            kept.write_value(key, kept.read_value(key)[0] + value, 0.0)
    except (RuntimeError, struct.error) as fault:  # It was killed as it made the file.
        log.warning("what a worker counted is lost: %s", fault)
    finally:
        kept.close()


@contextmanager
def _lock(path: Path, how: int) -> Iterator[None]:
    descriptor = _locked(path / LOCK, how)
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(file: Path, how: int) -> int:
    """A descriptor of this file that holds a lock. Raises `BlockingIOError` where that was not to be waited for."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned(path: Path) -> None:
    try:
        if time.time() - path.stat().st_mtime < YOUNG_SECONDS:
            return
        descriptor = _locked(path / OWNER, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # It is in use, another's, or gone.
        return
    shutil.rmtree(path, ignore_errors=True)
    os.close(descriptor)
