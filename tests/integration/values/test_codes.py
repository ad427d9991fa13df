"""Codes as people type and paste them."""

import secrets
import unicodedata

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from models.access_codes.access_code import CreateAccessCode, GetAccessCode, make_access_code
from models.coupons.coupon import make_coupon_code
from models.principal import SYSTEM
from models.values.codes import CodeBook, compact_form, kept_forms, normalize_code, typed_form
from services.access_codes.code_search import search_fields
from tests.support.api import ADMIN, Api, unique

DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u00ad\u30fc\u2500\u2796\u058a\u301c"
BLANKS = " \t\u00a0\u2009\u202f\u3000"
UNSEEN = "\u200b\ufeff\u2060\u200d\u200e"
AROUND = ["", '"', "'", "«»", "<>", "()", "“”", "`", ".", "。", "* ", "→ "]

codes = st.builds(lambda seed: make_coupon_code(lambda n: seed % n), st.integers(0, 31**8 - 1))


def widened(text: str) -> str:
    """The text in the full-width letters of an East Asian keyboard."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


@st.composite
def typings(draw: st.DrawFn, code: str) -> str:
    """A coupon code as somebody types or pastes it."""
    typed = code.replace("-", draw(st.sampled_from([*DASHES, *BLANKS, "", " - ", " – "])))
    typed = draw(st.sampled_from([str.upper, str.lower, str.swapcase, widened]))(typed)
    for letter in draw(st.text(UNSEEN + " ", max_size=3)):
        place = draw(st.integers(0, len(typed)))
        typed = typed[:place] + letter + typed[place:]
    around = draw(st.sampled_from(AROUND))
    return around[:1] + typed + around[-1:]


@given(codes, st.data())
def test_a_coupon_code_is_known_however_it_is_typed(code: str, data: st.DataObject) -> None:
    typed = data.draw(typings(code))
    assert compact_form(typed) == compact_form(code)
    assert CodeBook([code, "AAAA-AAAA"]).find(typed) == code


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_the_form_a_code_is_kept_in_is_found_by_itself_and_by_what_was_typed(typed: str) -> None:
    kept = normalize_code(typed)
    assert normalize_code(kept) == kept
    assert kept in kept_forms(typed)
    assert compact_form(kept) == compact_form(typed)
    assert CodeBook([kept]).find(typed) == kept


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20), st.data())
def test_the_typed_form_of_a_part_is_a_part_of_the_typed_form_of_the_code(code: str, data: st.DataObject) -> None:
    kept = normalize_code(code)
    start = data.draw(st.integers(0, len(kept)))
    part = kept[start : data.draw(st.integers(start, len(kept)))]
    assert typed_form(part.strip()) in typed_form(kept)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ab-cd", "AB-CD"),
        ("ab–cd", "AB-CD"),
        ("abcd", "ABCD"),
        ("ab cd", None),
        ("summer sale", "SUMMER-SALE"),
        ("summersale", "SUMMER-SALE"),
        ("strasse", "STRASSE"),
        ("straße", "STRASSE"),
        ("50%", "50%"),
        ("!!!", "!!!"),
        ("???", None),
        ("", None),
    ],
)
def test_the_strictest_reading_of_a_code_wins_and_what_may_mean_two_means_none(typed: str, found: str | None) -> None:
    assert CodeBook(["AB-CD", "ABCD", "SUMMER-SALE", "STRASSE", "50%", "!!!"]).find(typed) == found


async def test_a_coupon_is_redeemed_and_found_by_a_pasted_code(api: Api) -> None:
    code = (await api.coupon())["couponCode"]
    for dash in [*DASHES, *BLANKS, ""]:
        for typed in (
            code.replace("-", dash),
            f"\u200b{widened(code.lower()).replace('－', dash)}\ufeff",
            f"«{code}».",
        ):
            body = {"redeemerTwitterId": unique("t"), "username": "x", "followers": 1000, "couponCode": typed}
            answer = await api.http.post("/api/redeem", json=body)
            assert answer.status_code == 200, (ascii(typed), answer.text)
    query = "query($c: String!) { coupon(couponCode: $c) { couponCode } }"
    for typed in (code.lower(), code.replace("-", "—"), f" {code}\u200b", code.replace("-", " ")):
        assert await api.data(query, {"c": typed}) == {"coupon": {"couponCode": code}}
    assert await api.data(query, {"c": code[:-1]}) == {"coupon": None}


@pytest.mark.parametrize("named", ["", 'twitterId: " "', 'couponCode: "\u200b"', 'twitterId: "1", couponCode: "2"'])
async def test_a_coupon_is_asked_for_by_exactly_one_of_both(api: Api, named: str) -> None:
    body = await api.graphql(f"{{ coupon{f'({named})' if named else ''} {{ id }} }}")
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_an_access_code_is_found_in_any_case_width_and_company_of_what_nobody_sees(api: Api) -> None:
    made = await api.http.post("/admin/access-code", json={"maxUses": 50, "expiryDays": 3}, headers=ADMIN)
    code = made.json()["data"]["accessCode"]["code"]
    for typed in (code.lower(), f"\u00a0{code}\u3000", f"{code[:3]}\u200b{code[3:]}", widened(code)):
        body = {"code": typed, "username": unique("n")}
        assert (await api.http.post("/api/access-code/redeem", json=body)).status_code == 200, ascii(typed)
        data = await api.data("query($c: String!) { accessCode(code: $c) { code } }", {"c": typed}, ADMIN)
        assert data == {"accessCode": {"code": code}}


async def test_codes_of_older_systems_are_found_as_they_are_and_by_another_dash(own_api: Api) -> None:
    older = ["BETA-2023", "BETA2023", "SOMMER–STRASSE", "ÄÖÜ 1", unicodedata.normalize("NFC", "CAFÉ_#1")]
    services = own_api.services
    for code in older:
        made = await services.access_codes.create(SYSTEM, CreateAccessCode(5, 3))
        fields = {"code": code, **search_fields(code)}
        await services.database.access_codes.update_one({"_id": ObjectId(made.id)}, {"$set": fields})
    for code in older:
        for typed in (code, code.lower(), unicodedata.normalize("NFD", code), f" {code}\u200b"):
            found = await services.access_codes.find(SYSTEM, GetAccessCode(typed))
            assert found is not None, ascii(typed)
            assert found.code == code
    found = await services.access_codes.find(SYSTEM, GetAccessCode("beta\u20112023"))
    assert found is not None
    assert found.code == "BETA-2023"
    listed = await own_api.http.get("/admin/access-codes", params={"code": "a–2"}, headers=ADMIN)
    assert [one["code"] for one in listed.json()["data"]["accessCodes"]] == ["BETA-2023"]


def test_a_drawn_access_code_is_its_own_normal_form() -> None:
    code = make_access_code(secrets.randbelow)
    assert kept_forms(code) == (code,)
