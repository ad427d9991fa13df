"""JSON from anyone: what is read is what was sent, and no object gives a key twice."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.values.strict_json import DoubledKey, MalformedJSON, parse_json

TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from('\\":{}[], \n\u2028'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
STYLES: list[dict[str, Any]] = [
    {},
    {"ensure_ascii": False},
    {"separators": (",", ":")},
    {"indent": 1, "separators": (",", " \t:\n")},
]


@given(VALUES, st.sampled_from(STYLES))
@example({'":': '":"', "\\": '\\":', "": [{"": {"": 0}}]}, {})
@example(['"a":1', {"a": '"a":1'}], {})
def test_what_gives_each_key_once_is_read_as_it_is(value: Any, style: dict[str, Any]) -> None:
    raw = json.dumps(value, **style).encode()
    assert parse_json(raw) == orjson.loads(raw)


def around(raw: str) -> st.SearchStrategy[str]:
    """The same document somewhere within another."""
    wrapped = st.tuples(TEXT, VALUES, st.booleans()).map(
        lambda given: (
            f"[{json.dumps(given[1])}, {raw}]"
            if given[2]
            else f"{{{json.dumps(given[0])}: {raw}, {json.dumps(given[0] + 'x')}: {json.dumps(given[1])}}}"
        )
    )
    return st.just(raw) | wrapped


def doubled(key: str, values: list[Any], twist: bool) -> str:
    """An object with the key given more than once, the second time written in another way."""
    escaped = '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else json.dumps(c)[1:-1] for c in key) + '"'
    names = [json.dumps(key), escaped if twist else json.dumps(key, ensure_ascii=False)]
    return "{" + ", ".join(f"{names[i % 2]} : {json.dumps(value)}" for i, value in enumerate(values)) + "}"


@given(st.data(), TEXT, st.lists(VALUES, min_size=2, max_size=4), st.booleans())
def test_a_key_that_is_given_twice_is_named_wherever_it_stands(
    data: st.DataObject, key: str, values: list[Any], twist: bool
) -> None:
    raw = data.draw(around(data.draw(around(doubled(key, values, twist)))))
    with pytest.raises(DoubledKey) as refused:
        parse_json(raw.encode())
    assert refused.value.key == key


@pytest.mark.parametrize("raw", [b'{"a":1,"a":1}', b'{"b":{"a":"x","a":"x"}}', b'[{"a":[],"b":0,"a":[]}]'])
def test_compact_text_is_no_hiding_place(raw: bytes) -> None:
    with pytest.raises(DoubledKey):
        parse_json(raw)


def test_depth_is_no_hiding_place() -> None:
    for depth in (10, 500, 1000):
        with pytest.raises(DoubledKey, match="must be given once"):
            parse_json(b"[" * depth + b'{"a": 1, "a": 1}' + b"]" * depth)
    with pytest.raises(MalformedJSON):
        parse_json(b"[" * 100_000 + b"]" * 100_000)


@given(st.binary(max_size=40))
def test_bytes_that_are_no_json_are_malformed_and_nothing_else(raw: bytes) -> None:
    try:
        expected = orjson.loads(raw)
    except orjson.JSONDecodeError:
        with pytest.raises(MalformedJSON):
            parse_json(raw)
    else:
        assert parse_json(raw) == expected
