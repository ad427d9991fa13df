"""What is exported comes back the same, through a spreadsheet too; what a spreadsheet spoils is a clear fault."""

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.access_codes.access_code import AccessCode
from models.access_codes.batches import CSV_COLUMNS, ImportAccessCode, read_import_row
from models.access_codes.cells import code_to_cell
from models.base import to_json
from models.errors import InvalidInput
from models.exports import CsvFormat
from models.values.cells import FORMULA, text_to_cell
from models.values.codes import normalize_code
from models.values.texts import clean
from server.cli.codes_csv import HeaderFault, Row, read_rows

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
texts = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=60),
    st.from_regex(r"'{0,3}\s?[=+\-@\t|%'](HYPERLINK|1)?", fullmatch=True),
    st.sampled_from(["007", "1E5", "'1E5", "12/31/2099", "TRUE", "'tis", "''=1", "May 2023", "1,000", "a;b,c\td\n"]),
)
descriptions = texts.map(clean).filter(bool)
codes = texts.map(normalize_code).filter(bool)
instants = st.integers(-62_135_000_000_000, 253_402_300_799_999).map(
    lambda milliseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)


@st.composite
def access_codes(draw: st.DrawFn) -> AccessCode:
    made, max_uses = draw(instants), draw(st.integers(1, 2**31 - 1))
    return AccessCode(
        id="0" * 24,
        code=draw(codes),
        description=draw(descriptions),
        max_uses=max_uses,
        used_count=draw(st.integers(0, max_uses)),
        expires_at=draw(instants),
        active=draw(st.booleans()),
        created_at=made,
        updated_at=made,
        created_by=draw(descriptions),
        batch=draw(st.none() | descriptions),
    )


def saved(codes: list[AccessCode], delimiter: str = ",", end: str = "\n", blanks: int = 0) -> str:
    """The file as exported, or as a spreadsheet saves it again: with other delimiters, and blank cells around."""
    columns = (*CSV_COLUMNS, *(f"blank{n}" for n in range(blanks)))
    rows = [*map(to_json, codes), *[dict.fromkeys(columns)] * blanks]
    written = CsvFormat(columns, {"code": code_to_cell}, delimiter=delimiter, end=end)
    head = re.sub(r"blank\d", "", written.head())
    return head + written.lines(dict.fromkeys(columns) | row for row in rows)


def read(text: str) -> list[Row]:
    return list(read_rows(io.StringIO(text, newline="")))


def imported(text: str) -> list[ImportAccessCode]:
    rows = read(text)
    assert [row.fault for row in rows] == [None] * len(rows)
    return [read_import_row(row.cells) for row in rows]


@settings(deadline=None)
@given(
    st.lists(access_codes(), max_size=4),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(0, 2),
)
def test_any_codes_come_back_as_they_went(codes: list[AccessCode], delimiter: str, end: str, blanks: int) -> None:
    expected = [
        ImportAccessCode(
            code.code,
            code.max_uses,
            code.expires_at,
            code.description,
            code.used_count,
            code.active,
            code.created_at,
            code.created_by,
            code.batch,
        )
        for code in codes
    ]
    assert imported(saved(codes, delimiter, end, blanks)) == expected


@given(texts)
def test_no_cell_begins_as_a_formula(text: str) -> None:
    assert FORMULA.match(text_to_cell(text)) is None


def row_of(**cells: str) -> ImportAccessCode:
    return read_import_row({"code": "ABCDEF", "maxUses": "10", "expiresAt": "2099-12-31"} | cells)


def faults_of(**cells: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        row_of(**cells)
    return "\n".join(fault.message for fault in refused.value.faults)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2099-12-31", datetime(2099, 12, 31, 23, 59, 59, 999_000, UTC)),
        ("2099/1/5", datetime(2099, 1, 5, 23, 59, 59, 999_000, UTC)),
        ("2099-12-31 23:59", datetime(2099, 12, 31, 23, 59, tzinfo=UTC)),
        ("2099-12-31 8:05", datetime(2099, 12, 31, 8, 5, tzinfo=UTC)),
        ("2099-12-31T23:59:59.999Z", datetime(2099, 12, 31, 23, 59, 59, 999_000, UTC)),
        ("2099-12-31T23:59:59,5+02:00", datetime(2099, 12, 31, 21, 59, 59, 500_000, UTC)),
    ],
)
def test_an_expiry_is_read_as_spreadsheets_write_it(cell: str, expected: datetime) -> None:
    assert row_of(expiresAt=cell).expires_at == expected


@pytest.mark.parametrize("cell", ["31.12.2099", "12/31/2099", "72686", "2099-13-01", "20991231", "tomorrow", "'1"])
def test_a_date_that_can_be_read_in_two_ways_is_a_fault(cell: str) -> None:
    assert "expiresAt must be an instant" in faults_of(expiresAt=cell)


def test_an_expiry_today_has_not_come_yet() -> None:
    assert row_of(expiresAt=f"{NOW:%Y-%m-%d}").expires_at > NOW + timedelta(hours=11)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("true", True), ("TRUE", True), (" True ", True), ("1", True), ("WAHR", True), ("FALSE", False), ("0", False)],
)
def test_a_flag_is_read_as_spreadsheets_write_it(cell: str, expected: bool) -> None:
    assert row_of(active=cell).active is expected


@pytest.mark.parametrize("cell", ["maybe", "2", "x"])
def test_a_flag_that_is_none_is_a_fault(cell: str) -> None:
    assert "active must be true or false" in faults_of(active=cell)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("10.0", 10), ("10,00", 10), ("1 000", 1000), ("1\u202f000\u202f000", 1_000_000), ("1'000", 1000)],
)
def test_a_number_is_read_as_spreadsheets_write_it(cell: str, expected: int) -> None:
    assert row_of(maxUses=cell).max_uses == expected


@pytest.mark.parametrize("cell", ["1,000", "1.000", "10.5", "1E+05", "ten"])
def test_a_number_that_can_be_read_in_two_ways_is_a_fault(cell: str) -> None:
    assert "maxUses must be a whole number" in faults_of(maxUses=cell)


@pytest.mark.parametrize("cell", ["123", "1.2E+346", "1E+05", "1,2E10"])
def test_a_code_that_a_spreadsheet_took_for_a_number_is_a_fault(cell: str) -> None:
    assert "code " in faults_of(code=cell)


@pytest.mark.parametrize(
    ("cell", "code"), [("'123", "123"), ("'000123", "000123"), ("000123", "000123"), ("beta-2023", "BETA-2023")]
)
def test_a_code_that_is_marked_as_a_text_is_taken(cell: str, code: str) -> None:
    assert row_of(code=cell).code == code


def test_names_of_columns_may_be_written_in_any_case() -> None:
    (row,) = read("sep=;\n\nCODE ;Max Uses; expires_at;;\nABCDEF;1;2099-12-31;;\n;;;;\n")
    assert row == Row(4, {"code": "ABCDEF", "maxUses": "1", "expiresAt": "2099-12-31"})


def test_a_cell_outside_the_table_is_a_fault() -> None:
    (row,) = read("code,maxUses,expiresAt\nABCDEF,1,2099-12-31,,x\n")
    assert row.fault == "there are 5 cells under a header of 3"
    with pytest.raises(HeaderFault, match="'' is not a known column"):
        read("code,,maxUses,expiresAt\n")
