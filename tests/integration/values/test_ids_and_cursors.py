"""Ids, cursors and keys that were altered are refused, and never a failure."""

from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidInput
from models.idempotency import read_key
from models.pagination import KeysetOrder, decode_cursor, encode_cursor
from models.values.ids import either_id, global_id, is_object_id, require_object_id, split_global_id
from tests.support.api import ADMIN, Api

NEWEST = KeysetOrder("newest", ("createdAt",))
USED = KeysetOrder("timesUsed", ("timesUsed", "points"))
RAW = "60d21b4667d0d8992e610c85"

milliseconds = st.integers(-62_135_596_800_000, 253_402_300_799_999)
instants = milliseconds.map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
object_ids = st.binary(min_size=12, max_size=12).map(ObjectId)


@given(instants, object_ids)
def test_every_cursor_that_a_list_gives_is_taken_back(at: datetime, identifier: ObjectId) -> None:
    assert decode_cursor(NEWEST, "after", encode_cursor(NEWEST, [at, identifier])) == [at, str(identifier)]


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**31), object_ids)
def test_a_cursor_of_numbers_is_taken_back(used: int, points: int, identifier: ObjectId) -> None:
    values = [used, points, str(identifier)]
    assert decode_cursor(USED, "after", encode_cursor(USED, values)) == values


@given(instants, object_ids, st.data())
def test_an_altered_cursor_is_refused_or_another_place_of_the_same_list(
    at: datetime, identifier: ObjectId, data: st.DataObject
) -> None:
    cursor = encode_cursor(NEWEST, [at, identifier])
    place = data.draw(st.integers(0, len(cursor)))
    put = data.draw(st.text(max_size=3))
    altered = cursor[:place] + put + cursor[place + data.draw(st.integers(0, 3)) :]
    try:
        values = decode_cursor(NEWEST, "after", altered)
    except InvalidInput:
        return
    assert encode_cursor(NEWEST, values) == altered
    assert isinstance(values[0], datetime | None)


def cursor_of(raw: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(raw)).rstrip(b"=").decode()


ODD_INSTANTS: list[Any] = [5, "x", True, 1.5, [], {}, {"ms": "0"}, {"ms": True}, {"ms": 1.5}]
ODD_CURSORS = (
    *("", " ", "!", "é", "\x00", "====", "null", cursor_of(None), cursor_of(5), cursor_of("newest"), cursor_of({})),
    *(cursor_of(["newest"]), cursor_of(["newest", {"ms": 0}]), cursor_of(["newest", {"ms": 0}, RAW, 1])),
    *(cursor_of(["newest", at, RAW]) for at in ODD_INSTANTS),
    *(cursor_of(["newest", {"ms": ms}, RAW]) for ms in (10**18, -(10**18), 253_402_300_800_000)),
    *(
        cursor_of(["newest", {"ms": 0, "s": 1}, RAW]),
        cursor_of(["newest", {"ms": 0}, "x"]),
        cursor_of(["other", 1, RAW]),
    ),
    *(cursor_of(["newest", {"ms": 0}, one]) for one in (None, 1, "٦" * 24, RAW.upper() + "0", [RAW], {"ms": 0})),
    *(cursor_of(["newest", {"ms": 0}, RAW]) + more for more in ("=", "\n", " ", "!", "\u200b")),
)


@pytest.mark.parametrize("cursor", ODD_CURSORS, ids=range(len(ODD_CURSORS)))
async def test_a_malformed_cursor_is_bad_input(api: Api, cursor: str) -> None:
    for argument in ("first: 1, after", "last: 1, before"):
        query = f"query($c: String) {{ coupons({argument}: $c) {{ nodes {{ id }} }} }}"
        body = await api.graphql(query, {"c": cursor}, ADMIN)
        assert [fault["extensions"]["code"] for fault in body.get("errors", [])] == ["BAD_USER_INPUT"], body


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, -(2**63) - 1])
def test_a_number_that_no_document_can_hold_is_no_cursor(number: int) -> None:
    raw = f'["timesUsed",{number},0,"{RAW}"]'.encode()
    with pytest.raises(InvalidInput):
        decode_cursor(USED, "after", urlsafe_b64encode(raw).rstrip(b"=").decode())


@given(st.text(max_size=40))
def test_only_what_was_written_as_a_global_id_is_one(text: str) -> None:
    found = split_global_id(text)
    assert found is None or global_id(*found) == text


def test_base64_that_decodes_to_the_same_is_not_the_same_id() -> None:
    identifier = global_id("Order", RAW)
    assert split_global_id(identifier) == ("Order", RAW)
    spare = b64encode(b"Order:" + RAW.encode() + b"x").decode()
    assert spare.endswith("=")
    letter = spare.rstrip("=")[-1]
    altered = spare.rstrip("=")[:-1] + chr(ord(letter) + 1) + "=" * spare.count("=")
    assert split_global_id(altered) is None


@given(st.text(st.characters(categories=("Nd", "Ll", "Lu")), min_size=24, max_size=24))
def test_an_object_id_is_of_plain_hexadecimal_digits(text: str) -> None:
    assert is_object_id(text) == (set(text) <= set("0123456789abcdefABCDEF"))


@pytest.mark.parametrize("typed", [RAW, RAW.upper(), f" {RAW}\u00a0", f"\u200b{RAW}\ufeff", global_id("Order", RAW)])
def test_an_id_is_known_without_what_nobody_sees(typed: str) -> None:
    assert either_id("Order", "id", typed) == RAW
    assert either_id("Order", "id", f"\u200b{typed} ") == RAW


@pytest.mark.parametrize(
    "odd", ["", "\u200b", "x", RAW[:-1], "６" * 24, RAW + "\x00", "T3JkZXI6", global_id("Coupon", RAW)]
)
def test_any_other_id_is_bad_input(odd: str) -> None:
    with pytest.raises(InvalidInput):
        either_id("Order", "id", odd)
    with pytest.raises(InvalidInput):
        require_object_id("id", odd)


@pytest.mark.parametrize(
    "odd", ["", " ", "x", "\x00", "é", "T3JkZXI6\n", "/w==", RAW, global_id("Order", "x"), "A" * 5000]
)
async def test_a_malformed_node_id_is_no_node(api: Api, odd: str) -> None:
    data = await api.data("query($i: ID!) { node(id: $i) { id } nodes(ids: [$i]) { id } }", {"i": odd}, ADMIN)
    assert data == {"node": None, "nodes": [None]}


@given(st.text(max_size=300))
def test_an_idempotency_key_is_printable_ascii_of_at_most_255_characters(text: str) -> None:
    try:
        key = read_key("idempotencyKey", text)
    except InvalidInput:
        return
    assert 1 <= len(key) <= 255
    assert key.isascii()
    assert key.isprintable()


@pytest.mark.parametrize("odd", ["", " ", "\u200b", "k" * 256, "schlüssel", "a\x00b", "a\tb", "１"])
def test_any_other_idempotency_key_is_bad_input(odd: str) -> None:
    with pytest.raises(InvalidInput):
        read_key("idempotencyKey", odd)
