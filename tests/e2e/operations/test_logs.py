"""Logs: what a line holds."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

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


LIBRARIES = """
import logging, sys
from services.logs import configure_logs
configure_logs(sys.argv[1])
logging.getLogger("uvicorn.error").info("Started", extra={"color_message": "\\x1b[36mStarted\\x1b[0m"})
for name in ("uvicorn.error", "aiokafka.conn", "pymongo.command", "httpx"):
    logging.getLogger(name).warning("w")
"""


@pytest.mark.parametrize(("level", "told"), [("info", 4), ("error", 0), ("debug", 5)])
def test_libraries_are_silent_below_warning_and_never_in_colours(level: str, told: int) -> None:
    command = [sys.executable, "-c", LIBRARIES, level]
    written = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stderr
    assert len(written.splitlines()) == told
    assert "36m" not in written
