"""Every other trigram finds every part of four letters or more."""

from hypothesis import given
from hypothesis import strategies as st

from services.kit.search import contains_any, every_other_trigram, trigrams


@given(st.text("ABC", min_size=1, max_size=12), st.data())
def test_every_part_of_four_letters_or_more_holds_one_that_is_stored(key: str, data: st.DataObject) -> None:
    stored = every_other_trigram(key)
    assert len(stored) <= max(1, (len(key) - 2 + 1) // 2)
    for size in range(4, len(key) + 1):
        start = data.draw(st.integers(0, len(key) - size))
        part = key[start : start + size]
        query = contains_any("key", "runs", part)
        assert query == {"runs": {"$in": trigrams(part)}, "key": {"$regex": part}}
        assert not set(stored).isdisjoint(trigrams(part))


def test_a_shorter_part_is_judged_by_the_pattern_alone() -> None:
    assert contains_any("key", "runs", "a.b") == {"key": {"$regex": "a\\.b"}}
