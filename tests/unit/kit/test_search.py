"""Every other trigram finds every part of four letters or more."""

from hypothesis import given
from hypothesis import strategies as st

from services.kit.search import contains_by_some, every_other_trigram


@given(st.text("ABC", min_size=1, max_size=12), st.data())
def test_every_part_of_four_letters_or_more_holds_one_that_is_stored_or_begins_the_key(
    key: str, data: st.DataObject
) -> None:
    stored = every_other_trigram(key)
    assert len(stored) <= max(0, (len(key) - 3) // 2)
    for size in range(4, len(key) + 1):
        start = data.draw(st.integers(0, len(key) - size))
        part = key[start : start + size]
        runs = [part[n : n + 3] for n in range(len(part) - 2)]
        evens, odds = runs[::2], runs[1::2]
        assert key.startswith(part) or set(evens) <= set(stored) or set(odds) <= set(stored)
        pattern = {"key": {"$regex": part}}
        sought = [
            {"key": {"$regex": f"^{part}"}},
            {"runs": {"$all": evens}, **pattern},
            {"runs": {"$all": odds}, **pattern},
        ]
        assert contains_by_some("key", "runs", part) == {"$or": sought}


def test_a_shorter_part_is_judged_by_the_pattern_alone() -> None:
    assert contains_by_some("key", "runs", "a.b") == {"key": {"$regex": "a\\.b"}}
