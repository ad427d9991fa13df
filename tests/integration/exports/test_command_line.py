"""`tessera export`: filters, files that appear when they are complete, and the way back by `tessera codes import`."""

import csv
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection

from services.exports.service import CHUNK
from tests.integration.exports.test_rest import FORMULA, codes
from tests.support.processes import ROOT, environment, run

Stored: TypeAlias = Collection[dict[str, Any]]
ODD = [
    "=1+1",
    "'=1+1",
    "''tis",
    "007",
    "1E5",
    "12/31/2099",
    "TRUE",
    "a;b,\tc\r\nd",
    '"',
    "  +1",
    "Ünï – 日本",
    "@x",
    "|",
]


@pytest.fixture
def stored(database_uri: str) -> Iterator[Stored]:
    """The access codes of the test's database."""
    with MongoClient[dict[str, Any]](database_uri) as client:
        yield client.get_default_database()["accesscodes"]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def tessera(database_uri: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return run(*map(str, words), variables=environment(MONGO_URI=database_uri, COLUMNS="200"))


def test_a_filter_narrows_and_a_file_is_complete(database_uri: str, stored: Stored, tmp_path: Path) -> None:
    stored.insert_many(codes(10))
    file = tmp_path / "codes.ndjson"
    done = tessera(
        database_uri, "export", "access-codes", "active=true", "code=c000", "--format", "ndjson", "--output", file
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1] == "Exported 5 rows."
    lines = file.read_text().splitlines()
    assert [json.loads(line)["code"] for line in lines] == ["C00008", "C00006", "C00004", "C00002", "C00000"]
    assert list(tmp_path.iterdir()) == [file]


def test_what_was_broken_off_goes_on_in_its_file(database_uri: str, stored: Stored, tmp_path: Path) -> None:
    stored.insert_many(codes(CHUNK + 5))
    whole, part = tmp_path / "whole.csv", tmp_path / "codes.csv.part"
    assert tessera(database_uri, "export", "access-codes", "--output", whole, "--bom").returncode == 0
    lines = whole.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[:100]))
    cursor = lines[99].partition(",")[0]
    done = tessera(database_uri, "export", "access-codes", "--output", tmp_path / "codes.csv", "--cursor", cursor)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "codes.csv").read_bytes() == whole.read_bytes()
    assert whole.read_bytes().startswith(b"\xef\xbb\xbf_id,code,")
    assert not part.exists()


def test_an_export_that_breaks_off_says_how_it_goes_on(database_uri: str, stored: Stored, tmp_path: Path) -> None:
    made = codes(CHUNK + 5)
    del made[0]["maxUses"]  # The last row cannot be read.
    stored.insert_many(made)
    done = tessera(database_uri, "export", "access-codes", "--output", tmp_path / "codes.csv")
    assert done.returncode == 1
    told = re.search(r"Broken off after (\d+) rows; --cursor ([0-9a-f]{24}) goes on behind them", done.stderr)
    assert told is not None
    assert [file.name for file in tmp_path.iterdir()] == ["codes.csv.part"]
    rows = rows_of(tmp_path / "codes.csv.part")
    assert (len(rows), rows[-1]["_id"]) == (int(told[1]), told[2])
    assert CHUNK <= len(rows) < len(made)


@pytest.mark.parametrize(
    ("words", "sentences"),
    [
        (("other",), ["There is no export other; there are coupons, redemptions, "]),
        (("coupons", "role"), ["role is no filter; write it as NAME=VALUE"]),
        (("coupons", "rolle=user", "active=x"), ["rolle is not known here", "active must be true or false"]),
        (("coupons", "format=csv"), ["format must be given once"]),
        (("coupons", "--cursor", "x"), ["cursor must be a valid ObjectId"]),
        (("coupons", "--cursor", str(ObjectId())), ["cursor is no _id of a row that is there"]),
        (("coupons", "--format", "xlsx"), ["Invalid value for '--format'"]),
    ],
)
def test_what_is_wrong_is_said(database_uri: str, words: tuple[str, ...], sentences: list[str]) -> None:
    done = tessera(database_uri, "export", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert [sentence for sentence in sentences if sentence not in done.stderr] == []


def test_access_codes_come_back_whole_by_an_import(database_uri: str, stored: Stored, tmp_path: Path) -> None:
    made = codes(len(ODD))
    for number, (code, text) in enumerate(zip(made, ODD, strict=True)):
        code |= {"description": text.strip(), "createdBy": text.strip(), "batch": text.strip(), "usedCount": number % 5}
        code["isPublic"] = number % 2 == 0
    made[0]["code"], made[1]["code"] = "=1+1", "123"
    stored.insert_many(made)
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    assert tessera(database_uri, "migrate").returncode == 0
    assert tessera(database_uri, "export", "access-codes", "--bom", "--output", first).returncode == 0
    before = {code["code"]: code for code in stored.find()}
    stored.delete_many({})
    done = tessera(database_uri, "codes", "import", first)
    assert done.stdout == f"Imported {len(ODD)} codes; 0 were there already; 0 rows were refused.\n"
    after = {code["code"]: code for code in stored.find()}
    kept = ("description", "maxUses", "usedCount", "expiresAt", "active", "createdAt", "createdBy", "batch", "isPublic")
    assert {code: [row[name] for name in kept] for code, row in after.items()} == {
        code: [row[name] for name in kept] for code, row in before.items()
    }
    assert tessera(database_uri, "export", "access-codes", "--output", second).returncode == 0
    cells = [row["description"] for row in rows_of(second)]
    assert not any(cell.startswith(("=", "+", "@", "|", "\t")) for cell in cells)


def test_a_terminal_shows_rows_a_second_and_the_time_left(database_uri: str, stored: Stored, tmp_path: Path) -> None:
    stored.insert_many(codes(10 * CHUNK, description=FORMULA))
    terminal, shown = pty.openpty()
    variables = environment(MONGO_URI=database_uri, COLUMNS="120", TERM="xterm")
    command = [sys.executable, "-m", "server", "export", "access-codes", "--output", str(tmp_path / "a.csv")]
    done = subprocess.run(command, cwd=ROOT, env=variables, stderr=shown, timeout=60, check=False)
    os.close(shown)
    text = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert done.returncode == 0
    assert " rows/s" in text
    assert "100%" in text
    assert "Exported 2500 rows." in text
