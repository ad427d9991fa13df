"""schemathesis tries the API by its document: whatever it sends is answered as the document says.

`make fuzz` has it send more than 20,000 requests.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from devtools.embedded.ports import free_ports
from tests.e2e.docs.data import SAMPLE
from tests.support.api import ADMIN_KEY
from tests.support.processes import ROOT, environment
from tests.support.serving import serving

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""How many requests are drawn for each operation in each phase; without it a few, always the same ones."""


@pytest.fixture
def address(database_uri: str, tmp_path: Path) -> Iterator[str]:
    """A Tessera over the things that the examples name."""
    with MongoClient[dict[str, Any]](database_uri) as client:
        for collection, documents in SAMPLE.items():
            client.get_default_database()[collection].insert_many(documents)
    ports = free_ports(1)
    with serving(tmp_path / "serve.log", database_uri, ports, RATE_LIMIT="off", LOG_LEVEL="error"):
        yield f"http://127.0.0.1:{ports[0]}"


@pytest.mark.timeout(3_600 if EXAMPLES else 300)
def test_schemathesis_finds_nothing(address: str, tmp_path: Path) -> None:
    phases = "examples,coverage,fuzzing,stateful" if EXAMPLES else "examples,fuzzing"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"]
    command += [f"{address}/openapi.json", "-H", f"x-admin-key: {ADMIN_KEY}", "--phases", phases]
    command += ["--max-examples", str(EXAMPLES or 2), "--warnings", "off", "--no-color"]
    command += [] if EXAMPLES else ["--seed", "1"]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False
    )
    print(run.stdout[-1_000:])
    assert run.returncode == 0, run.stdout + run.stderr
