"""The parts of the console by themselves, in its own language: what needs no server and no browser."""

import subprocess

from tests.support.processes import ROOT


def test_the_parts_of_the_console_do_what_they_say() -> None:
    command = ["npm", "test", "--silent"]
    run = subprocess.run(command, cwd=ROOT / "console", capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout
