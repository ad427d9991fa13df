"""What a row takes is measured, and the page tells of the collections that are."""

import re
import subprocess
import sys

from tests.support.processes import ROOT

ROW = re.compile(r"^\| `(\w+)`[^|]* \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


def test_the_bytes_of_each_row_are_measured() -> None:
    command = [sys.executable, "-m", "bench.row_bytes", "--count", "300"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert finished.returncode == 0, finished.stderr
    measured = ROW.findall(finished.stdout)
    for name, document, stored, indexes, whole in measured:
        assert int(document) > 50, name
        assert int(indexes) > 0, name
        assert int(whole) == int(stored) + int(indexes), name
    stated = ROW.findall((ROOT / "docs" / "scaling.md").read_text())
    assert [row[0] for row in measured] == [row[0] for row in stated]
    for name, *numbers in stated:
        assert int(numbers[3]) == int(numbers[1]) + int(numbers[2]), name
    # A document is what it is, however many there are, but for the digits of the numbers in it.
    for row, said in zip(measured, stated, strict=True):
        assert 0.8 < int(row[1]) / int(said[1]) < 1.2, row
