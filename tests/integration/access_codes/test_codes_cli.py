"""`tessera codes`: batches that can be completed, CSV that comes back as it went, bad rows named by their lines."""

import asyncio
import csv
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from services.kit.database import Database
from services.kit.orphans import GONE_SECONDS, end_orphaned_transactions
from services.mongo_uri import database_name
from tests.integration.access_codes.support import check_access_code_invariants
from tests.support.api import MONGO_DRIVER
from tests.support.processes import ROOT, environment

HEADER = "code,description,maxUses,usedCount,expiresAt,active,createdAt,createdBy,batch,isPublic"
BATCHED = "code,maxUses,expiresAt,batch"


def start(database_uri: str, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "server", "codes", *map(str, arguments)]
    variables = environment(MONGO_URI=database_uri, COLUMNS="200")
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=variables, stdout=pipe, stderr=pipe, text=True)


def run(database_uri: str, *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    process = start(database_uri, *arguments)
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def codes_of(database_uri: str) -> list[dict[str, Any]]:
    with MongoClient[dict[str, Any]](database_uri) as client:
        return list(client.get_default_database()["accesscodes"].find().sort("_id", 1))


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def write(file: Path, *rows: str, header: str = "code,maxUses,expiresAt,description") -> Path:
    file.write_text("\n".join((header, *rows)) + "\n")
    return file


def row(n: int) -> str:
    return f"{n:06d},5,2099-01-01T00:00:00Z,number {n}"


def wait_for_codes(database_uri: str, process: subprocess.Popen[str], number: int) -> None:
    """Until a process has made so many codes; it must still be at work then."""
    deadline = time.monotonic() + 60
    while len(codes_of(database_uri)) < number:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert process.poll() is None


def kill(database_uri: str, process: subprocess.Popen[str]) -> None:
    """End a process as a crash would, and the transaction that it leaves open, once it can be known for an orphan."""
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(GONE_SECONDS + 0.4)

    async def end_transactions() -> None:
        database = Database(database_uri, database_name(database_uri), MONGO_DRIVER)
        await end_orphaned_transactions(database.client)
        await database.close()

    asyncio.run(end_transactions())


def test_a_batch_is_made_once_and_completed_by_running_it_again(database_uri: str, tmp_path: Path) -> None:
    arguments = ("generate", "--batch", "spring", "--max-uses", "2", "--expiry-days", "10", "--description", "Spring")
    assert run(database_uri, *arguments, "--count", "1500")[:2] == (0, "Batch spring has 1500 codes.\n")
    assert run(database_uri, *arguments, "--count", "1500")[:2] == (0, "Batch spring has 1500 codes.\n")
    assert run(database_uri, *arguments, "--count", "1700", "--output", tmp_path / "a.csv")[0] == 0
    made = codes_of(database_uri)
    assert len(made) == len({code["code"] for code in made}) == 1700
    assert len({code["expiresAt"] for code in made}) == 1
    assert [row["code"] for row in rows_of(tmp_path / "a.csv")] == [code["code"] for code in made]
    code, _, errors = run(database_uri, *arguments[:-1], "Autumn", "--count", "1700")
    assert (code, errors.splitlines()[-1]) == (1, "This batch was begun with other values; give it another id")
    check_access_code_invariants(database_uri)


def test_a_killed_generation_is_completed_to_the_count(database_uri: str) -> None:
    arguments = ("generate", "--batch", "killed", "--count", "8000")
    process = start(database_uri, *arguments)
    wait_for_codes(database_uri, process, 1000)
    kill(database_uri, process)
    assert 1000 <= len(codes_of(database_uri)) < 8000
    assert run(database_uri, *arguments)[0] == 0
    assert len(codes_of(database_uri)) == 8000
    check_access_code_invariants(database_uri)


def test_two_who_generate_the_same_batch_make_it_once(database_uri: str) -> None:
    both = [start(database_uri, "generate", "--batch", "twice", "--count", "4000") for _ in range(2)]
    for process in both:
        process.communicate(timeout=120)
    assert [process.returncode for process in both] == [0, 0]
    assert len(codes_of(database_uri)) == 4000
    check_access_code_invariants(database_uri)


def test_ten_thousand_codes_come_back_as_they_went(database_uri: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    description = 'A "quoted", long\nname – ü'
    arguments = ("--count", "10000", "--batch", "b", "--max-uses", "3", "--description", description)
    assert run(database_uri, "generate", *arguments)[0] == 0
    with MongoClient[dict[str, Any]](database_uri) as client:
        client.get_default_database()["accesscodes"].update_many(
            {"code": {"$regex": "^A"}}, {"$set": {"active": False}}
        )
        assert run(database_uri, "export", first)[0] == 0
        client.drop_database(client.get_default_database().name)
    assert first.read_text().splitlines()[0] == HEADER
    code, output, _ = run(database_uri, "import", first)
    assert (code, output) == (0, "Imported 10000 codes; 0 were there already; 0 rows were refused.\n")
    code, output, _ = run(database_uri, "export")
    assert output == first.read_text()
    code, output, _ = run(database_uri, "import", first, "--strict")
    assert (code, output) == (0, "Imported 0 codes; 10000 were there already; 0 rows were refused.\n")
    assert run(database_uri, "export", second)[0] == 0
    assert second.read_bytes() == first.read_bytes()
    assert {row["description"] for row in rows_of(second)} == {description}
    check_access_code_invariants(database_uri)


def test_a_killed_import_is_completed_by_running_it_again(database_uri: str, tmp_path: Path) -> None:
    file = write(tmp_path / "codes.csv", *(row(n) for n in range(10_000)))
    process = start(database_uri, "import", file)
    wait_for_codes(database_uri, process, 1000)
    kill(database_uri, process)
    there = len(codes_of(database_uri))
    assert 1000 <= there < 10_000
    code, output, _ = run(database_uri, "import", file)
    assert code == 0
    assert output == f"Imported {10_000 - there} codes; {there} were there already; 0 rows were refused.\n"
    codes = codes_of(database_uri)
    assert sorted(code["description"] for code in codes) == sorted(f"number {n}" for n in range(10_000))
    check_access_code_invariants(database_uri)


BAD_ROWS = [
    row(1),
    "1234,5,2099-01-01T00:00:00Z,too short",
    'ABC-12,0,tomorrow,"wrong, thrice"',
    row(2),
    "000001,6,2099-01-01T00:00:00Z,number 1",
    row(1),
    "000003,5",
    "",
    '000004,5,2099-01-01T00:00:00Z,"two',
    'lines"',
    "000005,5,2099-01-01T00:00:00Z,after",
    ",5,2099-01-01T00:00:00Z,blank",
    '000006,5,2099-01-01T00:00:00Z,"a"b',
    "000007,5,2099-01-01T00:00:00+02:00,",
]


def test_a_bad_row_is_named_by_its_line_and_stops_no_other(database_uri: str, tmp_path: Path) -> None:
    code, output, errors = run(database_uri, "import", write(tmp_path / "bad.csv", *BAD_ROWS))
    named = [line for line in errors.splitlines() if line.startswith("line ")]
    assert named == [
        "line 3: code 1234 may have lost leading zeros; write '1234 if it has none, else the whole code",
        "line 4: maxUses must be at least 1",
        "line 4: expiresAt must be an instant such as 2023-01-15T12:00:00.000Z",
        "line 6: code 000001 is there with another description, maxUses or expiresAt",
        "line 8: there are 2 cells under a header of 4",
        "line 13: code is required",
        "line 14: ',' expected after '\"'",
    ]
    assert (code, output) == (1, "Imported 5 codes; 1 were there already; 6 rows were refused.\n")
    codes = {code["code"]: code for code in codes_of(database_uri)}
    assert sorted(codes) == ["000001", "000002", "000004", "000005", "000007"]
    assert codes["000004"]["description"] == "two\nlines"
    assert codes["000007"]["description"] == "Beta access code"
    assert codes["000007"]["expiresAt"].hour == 22


def test_a_strict_import_changes_nothing_when_a_row_is_bad(database_uri: str, tmp_path: Path) -> None:
    file = write(tmp_path / "bad.csv", *(row(n) for n in range(3000)), "bad")
    code, output, errors = run(database_uri, "import", "--strict", file)
    assert (code, output) == (1, "")
    assert "line 3002: there are 1 cells under a header of 4" in errors
    assert "1 rows are bad; nothing was changed." in errors
    assert codes_of(database_uri) == []


def test_uses_that_are_known_by_their_number_count(database_uri: str, tmp_path: Path) -> None:
    header = "code,maxUses,expiresAt,usedCount,active"
    rows = ("000001,5,2099-01-01,5,true", "000002,5,2099-01-01,6,true", "000003,5,2099-01-01,,false")
    code, output, errors = run(database_uri, "import", write(tmp_path / "used.csv", *rows, header=header))
    assert (code, output) == (1, "Imported 2 codes; 0 were there already; 1 rows were refused.\n")
    assert "line 3: usedCount must not be more than maxUses" in errors
    codes = {code["code"]: code for code in codes_of(database_uri)}
    assert (codes["000001"]["usedCount"], codes["000001"]["full"]) == (5, True)
    assert (codes["000003"]["usedCount"], codes["000003"]["active"]) == (0, False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: the column code is missing; the column maxUses is missing; the column expiresAt is missing"),
        (b"code,maxUses,expiresAt,colour\n", "line 1: 'colour' is not a known column"),
        (b"code,maxUses,expiresAt,code\n", "line 1: the column code stands twice"),
    ],
)
def test_a_file_without_the_header_is_refused(database_uri: str, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "codes.csv").write_bytes(content)
    code, output, errors = run(database_uri, "import", tmp_path / "codes.csv")
    assert (code, output) == (2, "")
    assert message in errors


def test_bytes_that_are_no_text_are_a_bad_row(database_uri: str, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_bytes(
        b"\xef\xbb\xbfcode,maxUses,expiresAt,description\n000001,1,2099-01-01,\xff\xfe\n000002,1,2099-01-01,a\x00b\n"
        b"000003,1,2099-01-01,\xc3\xbc\n"
    )
    code, output, errors = run(database_uri, "import", file)
    assert (code, output) == (1, "Imported 1 codes; 0 were there already; 2 rows were refused.\n")
    assert "line 2: the text is not UTF-8" in errors
    assert "line 3: description must not contain a NUL character" in errors


def test_a_missing_database_or_a_bad_option_is_told_in_a_sentence(tmp_path: Path) -> None:
    code, _, errors = run("", "export")
    assert code == 2
    assert "MONGO_URI is missing" in errors
    code, _, errors = run("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100", "export", tmp_path / "a.csv")
    assert (code, errors.count("\n")) == (1, 1)
    assert errors.startswith("MongoDB cannot be reached: 127.0.0.1:9: [Errno 111]")
    assert list(tmp_path.iterdir()) == []


def test_options_outside_their_limits_are_refused(database_uri: str) -> None:
    code, _, errors = run(database_uri, "generate", "--count", "1", "--batch", "a", "--expiry-days", "36501")
    assert (code, errors.splitlines()[-1]) == (2, "expiryDays must be at most 36500")
    assert run(database_uri, "generate", "--count", "1000001", "--batch", "a")[0] == 2
    assert codes_of(database_uri) == []


def test_imported_codes_keep_their_batch_or_get_one(database_uri: str, tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "AAAAAA,1,2099-01-01,autumn", "BBBBBB,1,2099-01-01,", header=BATCHED)
    assert run(database_uri, "import", first, "--batch", "winter")[0] == 0
    assert {code["code"]: code["batch"] for code in codes_of(database_uri)} == {"AAAAAA": "autumn", "BBBBBB": "winter"}
    assert run(database_uri, "export", tmp_path / "b.csv", "--batch", "winter")[0] == 0
    assert [(row["code"], row["batch"]) for row in rows_of(tmp_path / "b.csv")] == [("BBBBBB", "winter")]
    # What is there already stays in its batch, or in none.
    assert run(database_uri, "import", write(tmp_path / "c.csv", row(1)))[0] == 0
    assert run(database_uri, "import", write(tmp_path / "c.csv", row(1)), "--batch", "late")[0] == 0
    assert "batch" not in codes_of(database_uri)[-1]
