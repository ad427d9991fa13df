"""What remains of a text: what people see."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidInput
from models.inputs import parse
from models.values.texts import clean, fold, is_storable
from tests.support.inputs import Named

INVISIBLE = (
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u202e\u2066\u034f\u3164\uffa0\ufe0f\u180e\u061c\x01\x7f\U000e0041\u2065"
)
BLANKS = " \t\n\r\u00a0\u2003\u3000\u202f\u2028\u2800"

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)


@given(texts)
def test_cleaning_twice_is_cleaning_once(raw: str) -> None:
    assert clean(clean(raw)) == clean(raw)


@given(texts)
def test_a_clean_text_is_in_nfc_and_has_no_outer_blank(raw: str) -> None:
    cleaned = clean(raw)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip(BLANKS)
    assert not set(cleaned) & set(INVISIBLE)


@given(texts, st.lists(st.tuples(st.integers(0, 40), st.sampled_from(INVISIBLE)), max_size=5))
def test_invisible_characters_make_no_other_text(raw: str, added: list[tuple[int, str]]) -> None:
    typed = raw
    for place, letter in added:
        typed = typed[:place] + letter + typed[place:]
    assert clean(typed) == clean(raw)


@given(texts, st.sampled_from(["NFC", "NFD"]), st.text(BLANKS, max_size=3), st.text(BLANKS, max_size=3))
def test_another_keyboard_and_outer_blanks_make_no_other_text(raw: str, form: str, before: str, after: str) -> None:
    typed = before + unicodedata.normalize(form, raw) + after  # type: ignore[arg-type]
    assert clean(typed) == clean(raw)


@pytest.mark.parametrize("seen", ["\u0600", "\u06dd", "a\tb", "a\nb", "e\u0301\u0323", "日本", "👍🏽", "a\u3000b"])
def test_what_is_seen_stays(seen: str) -> None:
    assert clean(seen) == unicodedata.normalize("NFC", seen)


@given(texts, st.data())
def test_the_folded_form_of_a_part_is_a_part_of_the_folded_form_of_the_whole(raw: str, data: st.DataObject) -> None:
    whole = clean(raw)
    start = data.draw(st.integers(0, len(whole)))
    part = whole[start : data.draw(st.integers(start, len(whole)))]
    assert fold(part) in fold(whole)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_the_case_of_a_text_makes_no_difference_to_its_folded_form(raw: str) -> None:
    typed = clean(raw)
    for variant in (typed.upper(), typed.lower(), typed.swapcase(), typed.casefold()):
        assert fold(clean("x" + variant)) == fold(clean("x" + typed))


@pytest.mark.parametrize(
    ("one", "other"),
    [("ΣΑΣ", "σας"), ("STRASSE", "straße"), ("ΐ", "Ϊ\u0301"), ("İ", "i\u0307"), ("ISI", "ısı"), ("ЖУК", "жук")],
)
def test_these_are_one_in_any_case(one: str, other: str) -> None:
    assert fold(clean(one)) == fold(clean(other))


@given(st.text(max_size=10), st.sampled_from(["\x00", "\ud83d", "\udc4d", "\udfff"]), st.text(max_size=10))
def test_a_text_that_cannot_be_stored_is_a_fault_and_no_failure(before: str, odd: str, after: str) -> None:
    assert not is_storable(before + odd + after)
    with pytest.raises(InvalidInput):
        parse(Named, {"name": before + odd + after})


@given(st.text(BLANKS + INVISIBLE, max_size=20))
def test_a_text_of_which_nothing_is_seen_is_missing(raw: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(Named, {"name": raw})
    assert [fault.message for fault in refused.value.faults] == ["name is required"]
