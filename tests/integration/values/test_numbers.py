"""Numbers and instants: the digits 0–9, in one form each."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from models.access_codes.batches import ImportAccessCode
from models.errors import InvalidInput
from models.inputs import parse
from models.readers import whole_from_query
from models.values.instants import iso, parse_instant
from schema.scalars import SCALARS, BigInt
from tests.support.api import ADMIN, Api

OTHER_DIGITS = st.characters(categories=("Nd", "Nl", "No"), exclude_characters="0123456789")
read_decimal: Any = SCALARS[Decimal].parse_value
write_decimal: Any = SCALARS[Decimal].serialize
read_big_int: Any = SCALARS[BigInt].parse_value
read_instant: Any = SCALARS[datetime].parse_value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20))
def test_a_decimal_is_read_and_written_to_the_last_digit_and_zero_has_no_sign(number: Decimal) -> None:
    read = read_decimal(f"{number:f}")
    assert read == number
    assert not (read.is_zero() and read.is_signed())
    assert write_decimal(read) == f"{number or abs(number):f}"


ODD_DECIMALS: tuple[Any, ...] = (
    *(
        "1_0",
        "１９.９０",
        "٣",
        "1e5",
        "1E-2",
        "Infinity",
        "-inf",
        "NaN",
        "sNaN",
        "",
        " ",
        " 1",
        "1 ",
        "+1",
        ".5",
        "5.",
        "1,5",
    ),
    *("--1", "1.2.3", "0x10", "1\u200b", "\u22121", "1" * 31, "0." + "1" * 31, 1, 1.5, True, None, [], {}),
)


@pytest.mark.parametrize("odd", ODD_DECIMALS, ids=ascii)
def test_anything_else_is_no_decimal(odd: Any) -> None:
    with pytest.raises(GraphQLError, match="Decimal cannot represent value"):
        read_decimal(odd)


@given(st.text(st.one_of(OTHER_DIGITS, st.sampled_from("0123456789.-+_eE")), min_size=1, max_size=8))
def test_digits_of_other_scripts_are_no_number(odd: str) -> None:
    if not odd.isascii():
        for read in (read_decimal, read_big_int):
            with pytest.raises(GraphQLError):
                read(odd)
        assert whole_from_query(odd) == odd


@pytest.mark.parametrize("zero", [Decimal("-0"), Decimal("-0.00"), Decimal("0E+3"), Decimal("0.0")])
def test_zero_is_written_without_sign_or_exponent(zero: Decimal) -> None:
    assert write_decimal(zero).strip("0") in ("", ".")


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_big_whole_number_is_read_as_number_and_as_text(number: int) -> None:
    assert read_big_int(number) == read_big_int(str(number)) == number


def test_anything_else_is_no_big_whole_number() -> None:
    texts = ["５", "1_0", "+1", "1.0", " 1", "", "1e3", "9" * 20, "9" * 5000]
    others: list[Any] = [2**63, -(2**63), 10**5000, 1.0, True, None, []]
    for odd in [*texts, *others]:
        with pytest.raises(GraphQLError, match="BigInt cannot represent value"):
            read_big_int(odd)


@pytest.mark.parametrize("odd", ["+5", "５", "1_0", "٥", "5.0", "0x5", "1e1", "--5", "1 0", "", "99999999999", "²"])
def test_a_query_takes_whole_numbers_in_plain_digits_only(odd: str) -> None:
    assert whole_from_query(odd) == odd


@given(st.integers(-(10**9), 10**9))
def test_a_whole_number_of_a_query_is_itself(number: int) -> None:
    assert whole_from_query(str(number)) == number


@given(
    st.timedeltas(timedelta(days=-719_000), timedelta(days=2_932_000)),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
    st.sampled_from("Tt "),
)
def test_an_instant_is_read_to_the_millisecond_whatever_its_offset(after: timedelta, offset: int, between: str) -> None:
    written = (datetime(1970, 1, 1, tzinfo=UTC) + after).astimezone(timezone(timedelta(minutes=offset)))
    read = parse_instant(written.isoformat(between, timespec="microseconds"))
    assert read == written - timedelta(microseconds=written.microsecond % 1000)
    assert read.tzinfo is UTC
    assert parse_instant(iso(read)) == read == read_instant(iso(read))


ODD_INSTANTS = (
    *(
        "2023-W01-1",
        "2023-015",
        "20230115",
        "20230115T120000Z",
        "2023-01-15T24:00:00Z",
        "2023-01-15T24:00",
        "2023-13-01",
    ),
    *("2016-12-31T23:59:60Z", "2023-01-15T12:00:00+99:99", "2023-01-15T12:00:00+24:00", "2023-01-15T12:00:00+01:60"),
    *("２０２３-01-15", "2023-01-15T12:00:00.٣Z", "0000-01-01", "10000-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"),
    *(
        "0001-01-01T00:00:00+00:01",
        "2023-02-29",
        "2023-01-15T12",
        "2023-01-15x12:00",
        "2023-01-15T12:00:00Z ",
        "now",
        "",
    ),
    *("1673784000", "+2023-01-15", "2023-01-15T12:00:00.1234567890Z", "2023-01-15T12:00:00+01:00:30", "\x00"),
)


@pytest.mark.parametrize("odd", ODD_INSTANTS, ids=ascii)
def test_anything_else_is_no_instant(odd: str) -> None:
    with pytest.raises(ValueError, match="not an instant"):
        parse_instant(odd)
    with pytest.raises(GraphQLError, match="DateTime cannot represent value"):
        read_instant(odd)


@pytest.mark.parametrize("odd", [5, None, True, [], {}, 1.5], ids=str)
def test_an_instant_is_a_text(odd: Any) -> None:
    with pytest.raises(GraphQLError, match="DateTime cannot represent value"):
        read_instant(odd)
    with pytest.raises(InvalidInput):
        parse(ImportAccessCode, {"code": "x", "maxUses": 1, "expiresAt": odd})


@pytest.mark.parametrize(
    "query", ["page=%EF%BC%95", "page=1_0", "page=%2B5", "limit=1e1", "limit=%D9%A5", "username=%FF"]
)
async def test_a_query_with_such_a_number_or_text_is_refused(api: Api, query: str) -> None:
    answer = await api.http.get(f"/admin/coupons?{query}", headers=ADMIN)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "BAD_USER_INPUT"
