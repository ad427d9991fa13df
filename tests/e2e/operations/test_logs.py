"""Logs: what a line holds."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[3]
WRITE = """
import logging
from services.logs import configure_logs
configure_logs("info")
logging.getLogger("tessera.test").warning("one of %d", 2, extra={"topic": "t"})
logging.getLogger("tessera.test").debug("too quiet")
"""


def test_a_line_is_json_with_the_time_in_utc_the_level_and_the_logger() -> None:
    # In a process of its own, because logging is the process's.
    written = subprocess.run([sys.executable, "-c", WRITE], cwd=ROOT, capture_output=True, text=True, check=True).stderr
    (line,) = map(json.loads, written.splitlines())
    at = datetime.fromisoformat(line.pop("time"))
    assert at.utcoffset() == timedelta(0)
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=1)
    assert line == {"level": "WARNING", "logger": "tessera.test", "message": "one of 2", "topic": "t"}
