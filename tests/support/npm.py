"""The npm tools of the tests, pinned in `tests/e2e/npm/package.json` and installed by `make setup`."""

import shutil
from pathlib import Path

NPM = Path(__file__).parents[1] / "e2e" / "npm"


def require_npm(package: str) -> None:
    """Fail, saying what to run, unless node and this package are there."""
    assert shutil.which("node"), "node is not on the PATH: the tests need it"
    assert (NPM / "node_modules" / package).is_dir(), f"{package} is not installed: run `make setup` (it needs npm)"
