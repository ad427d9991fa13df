"""JSON as it may come from anyone: no NaN, no number or depth beyond measure, and no key given twice in one object."""

import json
import re
from collections import Counter

import orjson

_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"([ \t\r\n]*:)?')
"""A string of a document that is known to be JSON, and the colon that makes it a key."""


class MalformedJSON(ValueError):
    """It is not JSON, or not of the strict kind."""


class DoubledKey(ValueError):
    """An object gives a key twice, so that what it means depends on who reads it. `key` is None deep down."""

    def __init__(self, key: str | None) -> None:
        self.key = key
        super().__init__(f"{key or 'A key'} must be given once")


def parse_json(raw: bytes) -> object:
    """Returns the value of a document. Raises `MalformedJSON` or `DoubledKey`.

    orjson keeps the last of doubled keys in silence; the keys that stand there are therefore counted. Decoding a
    second time with Python's `json` would show it too, but it recurses, and how deep it may depends on the caller.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise MalformedJSON("not valid JSON") from None
    if not _is_compact(raw, value) and sum(map(bool, _TEXT.findall(raw))) != _count_keys(value):
        raise DoubledKey(_find_doubled(raw))
    return value


def _is_compact(raw: bytes, value: object) -> bool:
    """Whether the document is what orjson makes of its value, as most clients write it: no key stands there twice."""
    try:
        return orjson.dumps(value) == raw
    except orjson.JSONEncodeError:  # It writes no more than 254 levels.
        return False


def _count_keys(value: object) -> int:
    count = 0
    open_values = [value]
    while open_values:
        one = open_values.pop()
        if isinstance(one, dict):
            count += len(one)
            open_values.extend(one.values())
        elif isinstance(one, list):
            open_values.extend(one)
    return count


def _find_doubled(raw: bytes) -> str | None:
    found: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        counts = Counter(name for name, _ in pairs)
        found.extend(name for name in counts if counts[name] > 1)

    try:
        json.loads(raw, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None
